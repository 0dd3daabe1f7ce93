'use strict'

// What a client may choose about TLS: whom to trust, which name to ask for, protocols and versions; in each
// of the ways in which a socket comes by its options. Certificates, pins and revocation have files of their
// own.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { certificate, fingerprint } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const {
  TELLS_REASONS,
  WAYS,
  accepted,
  helloExtensions,
  meet,
  refused,
  tlsServer,
} = require('../helpers/tls-peers.js')

/** Extensions of a ClientHello. */
const SERVER_NAME = 0
const ALPN = 16

const ca = () => certificate('root').ca

/** Declares a test that needs what the TLS libraries of Windows and macOS do not have. */
const testFull = TELLS_REASONS ? test : test.skip

/** Declares a test for each of WAYS. */
function inEachWay(title, run) {
  for (const way of WAYS) test(`${title} (${way})`, (t) => run(t, way, scope(t)))
}

function inEachWayFull(title, run) {
  for (const way of WAYS) testFull(`${title} (${way})`, (t) => run(t, way, scope(t)))
}

/** What becomes of a TLS socket in a process that has the root among its system's authorities. */
async function openTrusting(t, variable, options) {
  const server = await tlsServer(scope(t))
  const script = join(__dirname, '../fixtures/tls/open.js')
  const argument = JSON.stringify({ host: 'localhost', port: server.port, options })
  const env = { ...process.env }
  for (const key of ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']) delete env[key]
  env[variable] = certificate('root').caFile
  const { stdout } = await promisify(execFile)(process.execPath, [script, argument], { env })
  t.is(server.received, '')
  return JSON.parse(stdout).events
}

inEachWay('caOnly trusts those in ca', async (t, way, own) => {
  await accepted(t, await meet(own, way, { ca: ca(), caOnly: true }))
})

inEachWay('caOnly does not trust others', async (t, way, own) => {
  const there = await meet(own, way, { ca: certificate('stranger').own, caOnly: true })
  await refused(t, there, 'SecurityUntrustedCertificateIssuerError')
})

for (const variable of TELLS_REASONS ? ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] : ['NODE_EXTRA_CA_CERTS']) {
  test(`caOnly does not trust what ${variable} adds to the system's authorities`, async (t) => {
    const stranger = certificate('stranger').own
    t.deepEqual(await openTrusting(t, variable, { ca: stranger }), ['open', 'close'])
    t.deepEqual(await openTrusting(t, variable, { ca: stranger, caOnly: false }), ['open', 'close'])
    const name = TELLS_REASONS ? 'SecurityUntrustedCertificateIssuerError' : 'SecurityError'
    t.deepEqual(await openTrusting(t, variable, { ca: stranger, caOnly: true }), [name, 'close'])
    t.deepEqual(await openTrusting(t, variable, { ca: ca(), caOnly: true }), ['open', 'close'])
  })
}

inEachWay('servername is asked for and verified, instead of the host', async (t, way, own) => {
  const options = { ca: ca(), servername: 'server.test' }
  for (const host of ['localhost', '127.0.0.1']) {
    const there = await meet(own, way, options, { name: 'test', host })
    await accepted(t, there)
    t.deepEqual(there.server.names, ['server.test'])
    t.is(there.socket.host, host)
  }
})

inEachWay('a certificate for the host is refused where servername is another', async (t, way, own) => {
  const there = await meet(own, way, { ca: ca(), servername: 'server.test' })
  const { data } = await refused(t, there, 'SecurityCertificateDomainMismatchError')
  t.regex(data.message, /^TLS handshake with localhost port \d+ as server\.test: /)
})

inEachWay('a servername that is an IP address is verified as one, and not asked for', async (t, way, own) => {
  const options = { ca: ca(), servername: '127.0.0.1' }
  const there = await meet(own, way, options, { name: 'addressOnly' })
  await accepted(t, there)
  t.deepEqual(there.server.names, [false])
  for (const name of ['nameOnly', 'addressAsName', 'wrongAddress']) {
    await refused(t, await meet(own, way, options, { name }), 'SecurityCertificateDomainMismatchError')
  }
})

test('servername is sent as an A-label, without its last dot, and never as an address', async (t) => {
  const sent = async (servername, host = 'localhost') => {
    const name = (await helloExtensions(scope(t), host, { servername })).get(SERVER_NAME)
    // The length of the list, the type of the entry, the length of the name.
    return name && String(name.subarray(5))
  }
  t.is(await sent(undefined), 'localhost')
  t.is(await sent('server.test'), 'server.test')
  t.is(await sent('server.test', '127.0.0.1'), 'server.test')
  t.is(await sent('server.test.'), 'server.test')
  t.is(await sent('bücher.test'), 'xn--bcher-kva.test')
  for (const address of ['127.0.0.1', '::1', 'fe80::1%1']) t.is(await sent(address), undefined)
})

inEachWay('alpnProtocols are offered, and what the server takes is told', async (t, way, own) => {
  const server = { ALPNProtocols: ['smtp', 'imap'] }
  const there = await meet(own, way, { ca: ca(), alpnProtocols: ['imap', 'smtp'] }, { server })
  const session = await accepted(t, there)
  t.is(session.alpnProtocol, 'smtp')
  t.is(there.socket.tls.alpnProtocol, 'smtp')
})

test('alpnProtocols are in the ClientHello as given, byte for byte', async (t) => {
  const own = scope(t)
  const alpnProtocols = ['imap', 'x'.repeat(255), 'ü']
  const extension = (await helloExtensions(own, 'localhost', { alpnProtocols })).get(ALPN)
  const entries = alpnProtocols.map((name) => Buffer.from([Buffer.byteLength(name), ...Buffer.from(name)]))
  t.deepEqual(extension.subarray(2), Buffer.concat(entries))
})

test('alpnProtocols are read once, so that what was checked is what is sent', async (t) => {
  const answers = ['imap', '', 'x'.repeat(300)]
  const alpnProtocols = [undefined]
  Object.defineProperty(alpnProtocols, 0, { get: () => answers.shift() })
  const extension = (await helloExtensions(scope(t), 'localhost', { alpnProtocols })).get(ALPN)
  t.is(String(extension.subarray(2)), '\x04imap')
})

test('REL-93: without alpnProtocols the ClientHello has none', async (t) => {
  for (const options of [{}, { alpnProtocols: [] }, { alpnProtocols: null }]) {
    t.false((await helloExtensions(scope(t), 'localhost', options)).has(ALPN))
  }
  const own = scope(t)
  const server = { ALPNProtocols: ['imap'] }
  const there = await meet(own, WAYS[0], { ca: ca() }, { server })
  t.false((await accepted(t, there)).alpnProtocol)
  t.is(there.socket.tls.alpnProtocol, null)
})

test('a server that takes none of alpnProtocols, or does not know ALPN', async (t) => {
  const own = scope(t)
  const options = { ca: ca(), alpnProtocols: ['imap'] }
  const unaware = await meet(own, WAYS[0], options)
  await accepted(t, unaware)
  t.is(unaware.socket.tls.alpnProtocol, null)
  const strict = await meet(own, WAYS[0], options, { server: { ALPNCallback: () => undefined } })
  await refused(t, strict, 'SecurityError')
})

const VERSIONS = ['TLSv1.2', 'TLSv1.3']

inEachWayFull('minVersion and maxVersion choose the version', async (t, way, own) => {
  for (const [options, expected] of [
    [{}, 'TLSv1.3'],
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.3'],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }, 'TLSv1.3'],
  ]) {
    const there = await meet(own, way, { ca: ca(), ...options })
    const session = await accepted(t, there)
    t.is(session.getProtocol(), expected)
    t.is(there.socket.tls.protocol, expected)
  }
})

inEachWayFull('a server that speaks no version of ours is refused', async (t, way, own) => {
  for (const [ours, theirs] of [VERSIONS, [...VERSIONS].reverse()]) {
    const options = { ca: ca(), minVersion: ours, maxVersion: ours }
    const server = { minVersion: theirs, maxVersion: theirs }
    const there = await meet(own, way, options, { server })
    await refused(t, there, 'SecurityUnsupportedTLSVersionError')
  }
})

test('options of upgradeToSecure are added to those of the constructor', async (t) => {
  const own = scope(t)
  const made = { ca: ca(), fingerprint256: fingerprint('good') }
  const upgrade = { alpnProtocols: ['imap'], servername: 'server.test' }
  const server = { ALPNProtocols: ['imap'] }
  const wrongName = await meet(own, WAYS[2], upgrade, { made, server })
  await refused(t, wrongName, 'SecurityCertificateDomainMismatchError')
  const wrongPin = await meet(own, WAYS[2], upgrade, { made, server, name: 'test' })
  await refused(t, wrongPin, 'SecurityBadCertificateError')
  made.fingerprint256 = fingerprint('test')
  const right = await meet(own, WAYS[2], upgrade, { made, server, name: 'test' })
  await accepted(t, right)
  t.is(right.socket.tls.alpnProtocol, 'imap')
  t.is(right.socket.tls.servername, TELLS_REASONS ? 'server.test' : null)
})

test('options of upgradeToSecure replace those of the constructor, unless they are null', async (t) => {
  const own = scope(t)
  const made = { ca: certificate('stranger').own, servername: 'else.test', fingerprint256: '00'.repeat(32) }
  const upgrade = { ca: ca(), servername: 'localhost', fingerprint256: fingerprint('good') }
  await accepted(t, await meet(own, WAYS[2], upgrade, { made }))
  const kept = await meet(own, WAYS[2], { ...upgrade, fingerprint256: null }, { made })
  await refused(t, kept, 'SecurityBadCertificateError')
})

test('upgradeToSecure(null) goes by the options of the constructor', async (t) => {
  const own = scope(t)
  for (const nothing of [null, undefined, {}, { ca: null }]) {
    await accepted(t, await meet(own, WAYS[2], nothing, { made: { ca: ca() } }))
    await refused(t, await meet(own, WAYS[2], nothing), 'SecurityUntrustedCertificateIssuerError')
  }
})

test('options are read when they are given: what is done to them later changes nothing', async (t) => {
  const own = scope(t)
  const options = { ca: [Buffer.from(ca())], alpnProtocols: ['imap'], useSecureTransport: true }
  const server = await tlsServer(own, 'good', { ALPNProtocols: ['imap', 'smtp'] })
  const [socket, events] = own.open('localhost', server.port, options)
  options.ca[0].fill(0)
  options.ca.length = 0
  options.alpnProtocols[0] = 'smtp'
  options.servername = 'else.test'
  await events.event('open')
  t.is(socket.tls.alpnProtocol, 'imap')
})
