'use strict'

// A certificate authority and a server certificate, made on the spot and in plain JavaScript: whoever runs the demo
// may not have the openssl command. X.509 version 3 (RFC 5280), in DER (X.690).

const { createHash, generateKeyPairSync, randomBytes, sign } = require('node:crypto')
const { isIPv4 } = require('node:net')

const DAY_MS = 24 * 60 * 60 * 1000

/** Tag, length, contents. */
function der(tag, ...contents) {
  const body = Buffer.concat(contents)
  const size = body.length.toString(16)
  const long = Buffer.from(size.padStart(size.length + (size.length % 2), '0'), 'hex')
  const length = body.length < 0x80 ? [body.length] : [0x80 | long.length, ...long]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...items) => der(0x30, ...items)
const octets = (value) => der(0x04, value)
const bits = (value, unused = 0) => der(0x03, Buffer.from([unused]), value)
const integer = (value) => der(0x02, value)
const text = (value) => der(0x0c, Buffer.from(value))
const boolean = (value) => der(0x01, Buffer.from([value ? 0xff : 0]))
/** [n] EXPLICIT, and [n] IMPLICIT of a primitive type. */
const explicit = (number, value) => der(0xa0 | number, value)
const implicit = (number, value) => der(0x80 | number, Buffer.from(value))

function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift(0x80 | (left & 0x7f))
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime, which is what RFC 5280 wants until 2049, else GeneralizedTime. */
function time(date) {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits))
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const commonName = (value) => sequence(der(0x31, sequence(oid('2.5.4.3'), text(value))))
const extension = (id, critical, value) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
const subjectKey = ({ spki }) => createHash('sha1').update(spki).digest()

function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) }
}

/** A certificate in PEM, for `subject` and its key, signed with the issuer's key. */
function certify({ subject, key, issuer, issuerKey, extensions }) {
  const now = Date.now()
  const serial = randomBytes(16)
  serial[0] = (serial[0] & 0x7f) | 0x40
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    commonName(issuer),
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + 30 * DAY_MS))),
    commonName(subject),
    key.spki,
    explicit(3, sequence(...extensions)),
  )
  const certificate = sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, issuerKey.privateKey)))
  const lines = certificate.toString('base64').match(/.{1,64}/g)
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

/**
 * A new authority, and a certificate of it for the given DNS names and IPv4 addresses: `{ ca, cert, key }`, in PEM.
 * Both are good for a month.
 */
function makeCertificates(hosts) {
  const issuer = 'Mail check demo authority'
  const [caKey, key] = [makeKey(), makeKey()]
  const ca = certify({
    subject: issuer,
    key: caKey,
    issuer,
    issuerKey: caKey,
    extensions: [
      extension('2.5.29.19', true, sequence(boolean(true))), // basicConstraints: it is an authority
      extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)), // keyUsage: keyCertSign, cRLSign
      extension('2.5.29.14', false, octets(subjectKey(caKey))), // subjectKeyIdentifier
    ],
  })
  const names = hosts.map((host) =>
    isIPv4(host) ? implicit(7, host.split('.').map(Number)) : implicit(2, host),
  )
  const cert = certify({
    subject: hosts[0],
    key,
    issuer,
    issuerKey: caKey,
    extensions: [
      extension('2.5.29.19', true, sequence()),
      extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // extKeyUsage: serverAuth
      extension('2.5.29.17', false, sequence(...names)), // subjectAltName
      extension('2.5.29.35', false, sequence(implicit(0, subjectKey(caKey)))), // authorityKeyIdentifier
    ],
  })
  return { ca, cert, key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

module.exports = { makeCertificates }
