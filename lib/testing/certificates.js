'use strict'

// Certificates for tests, made when first needed: Node.js signs but does not make them, and asking for the openssl command
// would keep tests from running where there is none. One in the repository would expire, and its key set off scanners. So
// here is as much of X.509 (RFC 5280) as an authority and one server's certificate need, in DER.

const { createHash, generateKeyPairSync, randomBytes, sign } = require('node:crypto')

const DAY = 86_400_000

// Certificates are verified in real time, also where a test has another clock by now.
const { now: realTime } = Date

const OID = {
  authorityKeyIdentifier: [0x55, 0x1d, 0x23],
  basicConstraints: [0x55, 0x1d, 0x13],
  commonName: [0x55, 0x04, 0x03],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  extendedKeyUsage: [0x55, 0x1d, 0x25],
  keyUsage: [0x55, 0x1d, 0x0f],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
  subjectAltName: [0x55, 0x1d, 0x11],
  subjectKeyIdentifier: [0x55, 0x1d, 0x0e],
}

/** A value of DER: tag, length, contents. */
function der(tag, ...contents) {
  const content = Buffer.concat(contents.map((each) => Buffer.from(each)))
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

const sequence = (...items) => der(0x30, ...items)
const oid = (bytes) => der(0x06, bytes)
const octets = (...contents) => der(0x04, ...contents)
const bits = (unused, content) => der(0x03, [unused], content)
const TRUE = der(0x01, [0xff])

const commonName = (text) => sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(text)))))

function time(date) {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  // UTCTime has years until 2049, GeneralizedTime those after.
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text))
}

function extension(type, isCritical, value) {
  return sequence(oid(OID[type]), ...(isCritical ? [TRUE] : []), octets(value))
}

/** What names a key: RFC 5280, section 4.2.1.2. */
function keyIdentifier({ publicKey }) {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
}

/** A certificate of `subject` for the key pair `keys`, signed by `issuer`, in PEM. */
function certificate({ subject, keys, issuer, extensions }) {
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const serial = randomBytes(16)
  // Positive, and without a leading zero.
  serial[0] = (serial[0] & 0x3f) | 0x40
  const now = realTime()
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, serial),
    algorithm,
    commonName(issuer.subject),
    sequence(time(new Date(now - DAY)), time(new Date(now + 30 * DAY))),
    commonName(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension('subjectKeyIdentifier', false, octets(keyIdentifier(keys))),
        extension('authorityKeyIdentifier', false, sequence(der(0x80, keyIdentifier(issuer.keys)))),
      ),
    ),
  )
  const whole = sequence(body, algorithm, bits(0, sign('sha256', body, issuer.keys.privateKey)))
  const lines = whole.toString('base64').match(/.{1,64}/g)
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

function make() {
  const authority = { subject: 'moz-tcp-socket/testing authority', keys: newKeys() }
  const ca = certificate({
    ...authority,
    issuer: authority,
    extensions: [
      extension('basicConstraints', true, sequence(TRUE)),
      // keyCertSign
      extension('keyUsage', true, bits(2, [0x04])),
    ],
  })
  const keys = newKeys()
  const names = [
    der(0x82, Buffer.from('localhost')),
    der(0x87, [127, 0, 0, 1]),
    der(0x87, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  ]
  const cert = certificate({
    subject: 'localhost',
    keys,
    issuer: authority,
    extensions: [
      extension('basicConstraints', true, sequence()),
      // digitalSignature
      extension('keyUsage', true, bits(7, [0x80])),
      extension('extendedKeyUsage', false, sequence(oid(OID.serverAuth))),
      extension('subjectAltName', false, sequence(...names)),
    ],
  })
  return { ca, cert, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

let made

/**
 * `{ ca, cert, key }` in PEM: an authority, and its certificate for localhost, 127.0.0.1 and ::1, valid for a month. The
 * same for all that asks in this process; the key of the authority is forgotten.
 */
function testCertificates() {
  made ??= make()
  return made
}

module.exports = { testCertificates }
