'use strict'

// Pinned certificates (fingerprint256), and rejectUnauthorized: false, which is nearly the opposite.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { certificate, fingerprint } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, WAYS, accepted, meet, refused, tlsServer } = require('../helpers/tls-peers.js')

const ca = () => certificate('root').ca
const OTHER = 'AB'.repeat(32)

/** Certificates that nobody would accept who verifies them. */
const UNVERIFIABLE = [
  'selfSigned',
  'expired',
  'notYetValid',
  'wrongHost',
  'unknownIssuer',
  'withoutIntermediate',
]

/** The first byte of a fingerprint is another. */
const nearly = (pin) => (pin.startsWith('00') ? '01' : '00') + pin.slice(2)

/** Declares a test for each of WAYS. */
function inEachWay(title, run) {
  for (const way of WAYS) test(`${title} (${way})`, (t) => run(t, way, scope(t)))
}

inEachWay('the pinned certificate is accepted, whatever else is wrong with it', async (t, way, own) => {
  for (const name of ['good', ...UNVERIFIABLE]) {
    const there = await meet(own, way, { fingerprint256: fingerprint(name) }, { name })
    await accepted(t, there)
    t.is(there.socket.tls.peerCertificate.fingerprint256, fingerprint(name))
  }
})

inEachWay('another certificate than the pinned one is refused, however good it is', async (t, way, own) => {
  for (const fingerprint256 of [OTHER, nearly(fingerprint('good')), fingerprint('root')]) {
    for (const trust of [{}, { ca: ca() }]) {
      const there = await meet(own, way, { fingerprint256, ...trust })
      const { data } = await refused(t, there, 'SecurityBadCertificateError')
      // So that a person can compare it, and pin it.
      t.true(data.reason.includes(fingerprint('good')))
    }
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a wrong pin lets nothing through in ${version}, even if the server speaks first`, async (t) => {
    const own = scope(t)
    const only = { minVersion: version, maxVersion: version }
    const server = await tlsServer(own, 'good', only, (session) => {
      session.on('data', (bytes) => (server.received += bytes))
      session.write('220 hello\r\n')
    })
    const options = { useSecureTransport: true, fingerprint256: OTHER }
    const [socket, events] = own.open('localhost', server.port, options)
    await refused(t, { socket, events, server, way: WAYS[0] }, 'SecurityBadCertificateError')
    t.is(events.bytes, 0)
  })
}

test('a pin may be written with or without colons, in upper or lower case, or as openssl prints it', async (t) => {
  const own = scope(t)
  const pin = fingerprint('selfSigned')
  const plain = pin.replaceAll(':', '')
  const printed = `sha256 Fingerprint=${pin}\n`
  for (const fingerprint256 of [pin, pin.toLowerCase(), plain, plain.toLowerCase(), printed]) {
    await accepted(t, await meet(own, WAYS[0], { fingerprint256 }, { name: 'selfSigned' }))
  }
})

inEachWay('with ca, chain and name are verified as well as the pin', async (t, way, own) => {
  const names = {
    selfSigned: 'SecurityUntrustedCertificateIssuerError',
    unknownIssuer: 'SecurityUntrustedCertificateIssuerError',
    expired: 'SecurityExpiredCertificateError',
    wrongHost: 'SecurityCertificateDomainMismatchError',
  }
  const pinned = (name) => ({ fingerprint256: fingerprint(name), ca: ca() })
  await accepted(t, await meet(own, way, pinned('good')))
  for (const [name, error] of Object.entries(names)) {
    await refused(t, await meet(own, way, pinned(name), { name }), error)
  }
})

test('a pin does not replace a verification that is asked for', async (t) => {
  for (const asked of [{ ca: [] }, { ca: ca() }, { rejectUnauthorized: true }]) {
    for (const name of ['unknownIssuer', 'selfSigned']) {
      const options = { fingerprint256: fingerprint(name), ...asked }
      const there = await meet(scope(t), WAYS[0], options, { name })
      await refused(t, there, 'SecurityUntrustedCertificateIssuerError')
    }
  }
})

test('the pin of a certificate further up the chain does not count', async (t) => {
  const own = scope(t)
  for (const name of ['intermediate', 'root']) {
    const options = { fingerprint256: fingerprint(name), ca: ca() }
    await refused(t, await meet(own, WAYS[0], options, { name: 'chained' }), 'SecurityBadCertificateError')
  }
})

test('a pin is that of one socket: others, at the same time, verify or have their own', async (t) => {
  const own = scope(t)
  const there = await Promise.all(
    [fingerprint('selfSigned'), OTHER, undefined].map((fingerprint256) =>
      meet(own, WAYS[0], { fingerprint256 }, { name: 'selfSigned' }),
    ),
  )
  await accepted(t, there[0])
  await refused(t, there[1], 'SecurityBadCertificateError')
  await refused(t, there[2], 'SecurityUntrustedCertificateIssuerError')
})

test('a pin of the constructor is not lost when upgradeToSecure adds something', async (t) => {
  const own = scope(t)
  for (const upgrade of [
    { alpnProtocols: ['imap'] },
    { rejectUnauthorized: false },
    { servername: 'else.test' },
  ]) {
    const wrong = await meet(own, WAYS[2], upgrade, { made: { fingerprint256: OTHER } })
    await refused(t, wrong, 'SecurityBadCertificateError')
    const made = { fingerprint256: fingerprint('selfSigned') }
    await accepted(t, await meet(own, WAYS[2], upgrade, { made, name: 'selfSigned' }))
  }
})

inEachWay('rejectUnauthorized: false accepts every certificate', async (t, way, own) => {
  for (const name of ['good', ...UNVERIFIABLE]) {
    await accepted(t, await meet(own, way, { rejectUnauthorized: false }, { name }))
    await accepted(t, await meet(own, way, { rejectUnauthorized: false, ca: ca() }, { name }))
  }
})

inEachWay('rejectUnauthorized: true is what is the case anyway', async (t, way, own) => {
  await accepted(t, await meet(own, way, { rejectUnauthorized: true, ca: ca() }))
  const there = await meet(own, way, { rejectUnauthorized: true })
  await refused(t, there, 'SecurityUntrustedCertificateIssuerError')
})

inEachWay(
  'rejectUnauthorized: false with a pin accepts the pinned certificate alone',
  async (t, way, own) => {
    const name = 'selfSigned'
    for (const trust of [{}, { ca: ca() }]) {
      const right = { rejectUnauthorized: false, fingerprint256: fingerprint(name), ...trust }
      await accepted(t, await meet(own, way, right, { name }))
      const wrong = { rejectUnauthorized: false, fingerprint256: OTHER, ...trust }
      await refused(t, await meet(own, way, wrong, { name }), 'SecurityBadCertificateError')
    }
  },
)

/**
 * What becomes of sockets with `each` of the options, in a process of their own, and which warnings it
 * prints.
 */
async function warnings(t, ...each) {
  const server = await tlsServer(scope(t), 'selfSigned')
  const script = join(__dirname, '../fixtures/tls/warnings.js')
  const argument = JSON.stringify({ host: 'localhost', port: server.port, each })
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, argument])
  return { ...JSON.parse(stdout), stderr }
}

test('rejectUnauthorized: false warns once in a process', async (t) => {
  const careless = { rejectUnauthorized: false }
  const result = await warnings(t, careless, careless, { ...careless, alpnProtocols: ['imap'] })
  t.deepEqual(result.events, ['open', 'open', 'open'])
  t.deepEqual(result.warnings, ['MOZ_TCP_SOCKET_UNVERIFIED'])
  t.regex(result.stderr, /MOZ_TCP_SOCKET_UNVERIFIED.*rejectUnauthorized: false/)
})

test('it warns where it is given for upgradeToSecure, too', async (t) => {
  const result = await warnings(t, { rejectUnauthorized: false, useSecureTransport: false })
  t.deepEqual(result.warnings, ['MOZ_TCP_SOCKET_UNVERIFIED'])
})

test('nothing warns where a server is verified, or pinned', async (t) => {
  const untrusted = TELLS_REASONS ? 'SecurityUntrustedCertificateIssuerError' : 'SecurityError'
  const pin = { fingerprint256: fingerprint('selfSigned') }
  const result = await warnings(t, {}, { rejectUnauthorized: true }, pin, {
    rejectUnauthorized: false,
    ...pin,
  })
  t.deepEqual(result.events, [untrusted, untrusted, 'open', 'open'])
  t.deepEqual(result.warnings, [])
  t.is(result.stderr, '')
})

test('a pin beside a certificate of ours throws where it would be checked too late', (t) => {
  const { cert, key } = certificate('client')
  const open = () => scope(t).open('localhost', 1, { cert, key, fingerprint256: fingerprint('good') })
  if (TELLS_REASONS) t.notThrows(open)
  else t.throws(open, { instanceOf: TypeError, message: /^fingerprint256: / })
})
