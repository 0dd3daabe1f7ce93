'use strict'

// Certificates of clients: each form in which they are given, and what a server that asks for one sees.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { startServer } = require('../helpers/peers.js')
const { PASSPHRASE, certificate, keyForms, pkcs12 } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, WAYS, accepted, failed, meet } = require('../helpers/tls-peers.js')

const ca = () => certificate('root').ca
const asking = (more) => ({ requestCert: true, rejectUnauthorized: true, ca: ca(), ...more })
const bytes = (text) => Buffer.from(text)

/** Declares a test that needs what the TLS libraries of Windows and macOS do not have. */
const testFull = TELLS_REASONS ? test : test.skip

/** Each: the certificate, its form, the options, and whether every TLS library can read it. */
const FORMS = [
  ['client', 'cert and key as strings', ({ cert }, { pkcs8 }) => ({ cert, key: pkcs8 }), true],
  ['client', 'as Buffers', ({ cert }, { pkcs8 }) => ({ cert: bytes(cert), key: bytes(pkcs8) }), true],
  [
    'client',
    'as a Uint8Array and an ArrayBuffer',
    ({ cert }, { pkcs8 }) => ({
      cert: Uint8Array.from(bytes(cert)),
      key: Uint8Array.from(bytes(pkcs8)).buffer,
    }),
    true,
  ],
  ['clientRsa', 'an RSA key', ({ cert }, { pkcs8 }) => ({ cert, key: pkcs8 }), true],
  ['clientChained', 'with an intermediate', ({ cert }, { pkcs8 }) => ({ cert, key: pkcs8 }), true],
  ['client', 'a SEC 1 key', ({ cert }, { traditional }) => ({ cert, key: traditional })],
  ['clientRsa', 'a PKCS #1 key', ({ cert }, { traditional }) => ({ cert, key: traditional })],
  [
    'client',
    'an encrypted PKCS #8 key',
    ({ cert }, { encrypted }) => ({ cert, key: encrypted, passphrase: PASSPHRASE }),
  ],
  [
    'clientRsa',
    'an encrypted PKCS #1 key',
    ({ cert }, { encryptedTraditional: key }) => ({ cert, key, passphrase: PASSPHRASE }),
  ],
  [
    'client',
    'an encrypted SEC 1 key',
    ({ cert }, { encryptedTraditional: key }) => ({ cert, key, passphrase: PASSPHRASE }),
  ],
  [
    'client',
    'cert and key in one text, given twice',
    ({ cert }, { pkcs8 }) => ({ cert: pkcs8 + cert, key: cert + pkcs8 }),
  ],
  [
    'client',
    'a passphrase that is not needed',
    ({ cert }, { pkcs8 }) => ({ cert, key: pkcs8, passphrase: 'unused' }),
  ],
  ['client', 'PKCS #12', () => ({ pfx: pkcs12('client'), passphrase: PASSPHRASE }), true],
  ['clientRsa', 'PKCS #12 with RSA', () => ({ pfx: pkcs12('clientRsa'), passphrase: PASSPHRASE }), true],
  [
    'clientChained',
    'PKCS #12 with an intermediate',
    () => ({ pfx: pkcs12('clientChained'), passphrase: PASSPHRASE }),
    true,
  ],
  [
    'client',
    'PKCS #12 with an empty passphrase',
    () => ({ pfx: pkcs12('client', ''), passphrase: '' }),
    true,
  ],
  ['client', 'PKCS #12 without a passphrase', () => ({ pfx: pkcs12('client', '') }), true],
]

const SUBJECTS = {
  client: 'client',
  clientRsa: 'client with RSA',
  clientChained: 'client of the intermediate',
}

for (const [name, what, form, everywhere] of FORMS) {
  const declare = everywhere ? test : testFull
  declare(`a server that asks for a certificate sees the client's: ${what}`, async (t) => {
    const own = scope(t)
    const identity = form(certificate(name), keyForms(name))
    const there = await meet(own, WAYS[0], { ca: ca(), ...identity }, { server: asking() })
    const session = await accepted(t, there)
    t.true(session.authorized)
    t.is(session.getPeerCertificate().subject.CN, SUBJECTS[name])
  })
}

for (const way of WAYS) {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`a client shows its certificate in ${version}, and is known by it (${way})`, async (t) => {
      const own = scope(t)
      const { cert, key } = certificate('client')
      const only = asking({ minVersion: version, maxVersion: version })
      const session = await accepted(t, await meet(own, way, { ca: ca(), cert, key }, { server: only }))
      t.is(session.getPeerCertificate().subject.CN, 'client')
    })
  }
}

test('a certificate that is given to upgradeToSecure goes with what the constructor was given', async (t) => {
  const own = scope(t)
  const { cert, key } = certificate('client')
  const there = await meet(own, WAYS[2], { cert, key }, { made: { ca: ca() }, server: asking() })
  t.is((await accepted(t, there)).getPeerCertificate().subject.CN, 'client')
})

test('another certificate, given to upgradeToSecure, replaces that of the constructor', async (t) => {
  const own = scope(t)
  const inBothForms = (name) => [
    { cert: certificate(name).cert, key: keyForms(name).pkcs8 },
    { pfx: pkcs12(name), passphrase: PASSPHRASE },
  ]
  for (const first of inBothForms('client')) {
    for (const second of inBothForms('clientRsa')) {
      const made = { ca: ca(), ...first }
      const there = await meet(own, WAYS[2], second, { made, server: asking() })
      t.is((await accepted(t, there)).getPeerCertificate().subject.CN, 'client with RSA')
    }
  }
})

test('a server that does not ask does not get the certificate', async (t) => {
  const own = scope(t)
  const { cert, key } = certificate('client')
  const session = await accepted(t, await meet(own, WAYS[0], { ca: ca(), cert, key }))
  t.deepEqual(session.getPeerCertificate(), {})
})

test('a server that only would like a certificate takes a client without one', async (t) => {
  const own = scope(t)
  const server = asking({ rejectUnauthorized: false })
  const session = await accepted(t, await meet(own, WAYS[0], { ca: ca() }, { server }))
  t.false(session.authorized)
})

/**
 * A server refuses a certificate after the client's part of a TLS 1.3 handshake, so that `open` may come
 * first.
 */
function openedBefore(events) {
  return events.types.includes('open') ? ['open'] : []
}

testFull('a server that requires a certificate refuses a client without one', async (t) => {
  const own = scope(t)
  const server = asking({ minVersion: 'TLSv1.3' })
  for (const way of WAYS) {
    const { events, server: there } = await meet(own, way, { ca: ca() }, { server })
    await events.closed()
    await failed(t, events, 'SecurityNoCertificateError', openedBefore(events))
    t.is(there.received, '')
  }
})

testFull('a server that does not trust the certificate says so, and the reason is told', async (t) => {
  const own = scope(t)
  const [ours, theirs] = [certificate('clientUnknown'), certificate('good')]
  const files = ['-cert', theirs.certFile, '-key', theirs.keyFile, '-CAfile', theirs.caFile]
  const verify = ['-Verify', '1', '-verify_return_error']
  const { port } = await startServer(own, /^ACCEPT .*:(\d+)$/m, () =>
    ['openssl', 's_server', '-accept', '127.0.0.1:0'].concat(files, verify),
  )
  const options = { useSecureTransport: true, ca: ca(), cert: ours.cert, key: ours.key }
  const [, events] = own.open('localhost', port, options)
  await events.closed()
  const { data } = await failed(t, events, 'SecurityError', openedBefore(events))
  t.regex(data.reason, /alert unknown ca/i)
})

const told = TELLS_REASONS ? test : test.skip
told('a certificate with a key or a digest that is too weak throws a TypeError that names cert', (t) => {
  for (const name of ['weakKey', 'weakDigest']) {
    const { cert, key } = certificate(name)
    const create = () => scope(t).open('localhost', 1, { useSecureTransport: true, cert, key })
    t.throws(create, { instanceOf: TypeError, message: /^cert\b/ })
  }
})

test('a socket that was closed keeps no key in the memory of JavaScript', async (t) => {
  const server = await scope(t).netServer()
  const { cert, key } = certificate('client')
  const argument = JSON.stringify({ cert, key, port: server.port })
  const fixture = join(__dirname, '../fixtures/tls/forgotten-key.js')
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', fixture, argument])
  t.deepEqual(JSON.parse(stdout), { copies: 1, whileOpen: 0, collected: 1, readyState: 'closed' })
})
