'use strict'

// What a socket tells of its TLS: `socket.tls`, from the end of the handshake on.

const { execFile } = require('node:child_process')
const { X509Certificate } = require('node:crypto')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { certificate, certificateNaming, fingerprint } = require('../helpers/pki-matrix.js')
const { TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')
const {
  TELLS_REASONS,
  WAYS,
  accepted,
  beforeStartTls,
  meet,
  refused,
  secure,
  tlsServer,
  trusting,
} = require('../helpers/tls-peers.js')

const unreadable = join(__dirname, '../fixtures/tls/unreadable-certificate.js')

const FIELDS = ['alpnProtocol', 'cipher', 'peerCertificate', 'protocol', 'resumed', 'servername']
const CERTIFICATE_FIELDS = ['fingerprint256', 'issuer', 'raw', 'subject', 'validFrom', 'validTo']

const ca = () => certificate('root').ca

/** Declares a test of what the TLS libraries of Windows and macOS do not tell. */
const testFull = TELLS_REASONS ? test : test.skip

/** Asserts that `tls` tells of the certificate called `name` what Node does. */
function isCertificate(t, tls, name) {
  const told = tls.peerCertificate
  const expected = new X509Certificate(certificate(name).own)
  t.deepEqual(Object.keys(told).sort(), CERTIFICATE_FIELDS)
  for (const field of CERTIFICATE_FIELDS) {
    if (field !== 'raw') t.is(told[field], expected[field], field)
  }
  t.true(told.raw instanceof Uint8Array)
  t.true(expected.raw.equals(told.raw))
  t.is(told.fingerprint256, fingerprint(name))
}

test('tls is null before a connection is secure, and where it never is', async (t) => {
  const own = scope(t)
  const { client, accepted: peer } = await own.pair()
  t.is(client.tls, null)
  t.is(peer.tls, null)
  t.is(mozTCPSocket.tls, null)
  client.close()
  t.is(client.tls, null)
})

test('tls is null while connecting and during the handshake, and there in onopen', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('localhost', server.port, trusting())
  t.is(socket.tls, null)
  const raw = await server.connection()
  // The ClientHello is there, and there is no answer yet.
  await new Promise((resolve) => raw.once('readable', resolve))
  t.is(socket.tls, null)
  t.true(socket.ssl)
  let inOpen
  socket.onopen = () => {
    inOpen = socket.tls
  }
  secure(raw)
  await events.event('open')
  isCertificate(t, inOpen, 'good')
  t.is(socket.tls, inOpen)
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  for (const way of WAYS) {
    testFull(`tls tells what the server knows of a ${version} connection, too (${way})`, async (t) => {
      const own = scope(t)
      const server = { minVersion: version, maxVersion: version, ALPNProtocols: ['imap'] }
      const options = { ca: ca(), alpnProtocols: ['imap'] }
      const there = await meet(own, way, options, { server })
      const session = await accepted(t, there)
      const { tls } = there.socket
      t.deepEqual(Object.keys(tls).sort(), FIELDS)
      t.is(tls.protocol, version)
      t.is(tls.protocol, session.getProtocol())
      t.is(tls.cipher, session.getCipher().standardName)
      t.is(tls.alpnProtocol, 'imap')
      t.is(tls.servername, 'localhost')
      t.is(tls.servername, session.servername)
      t.false(tls.resumed)
      isCertificate(t, tls, 'good')
    })
  }
}

testFull('cipher is the name that IANA has, of TLS 1.2 and 1.3', async (t) => {
  const own = scope(t)
  for (const [ciphers, expected] of [
    ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
    ['ECDHE-RSA-CHACHA20-POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
    ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
    ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  ]) {
    const maxVersion = ciphers.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2'
    const there = await meet(own, WAYS[0], { ca: ca() }, { name: 'goodRsa', server: { ciphers, maxVersion } })
    await accepted(t, there)
    t.is(there.socket.tls.cipher, expected)
    isCertificate(t, there.socket.tls, 'goodRsa')
  }
})

test('servername is null for an IP address, and the name that was sent otherwise', async (t) => {
  const own = scope(t)
  const told = async (host, servername) => {
    const there = await meet(own, WAYS[0], { rejectUnauthorized: false, servername }, { host })
    await accepted(t, there)
    return there.socket.tls.servername
  }
  t.is(await told('127.0.0.1'), null)
  t.is(await told('localhost', '127.0.0.1'), null)
  t.is(await told('localhost', '::1'), null)
  if (!TELLS_REASONS) return
  t.is(await told('127.0.0.1', 'server.test'), 'server.test')
  t.is(await told('localhost', 'server.test.'), 'server.test')
})

test('peerCertificate is the leaf of a chain, and there where nothing is verified', async (t) => {
  const own = scope(t)
  const chained = await meet(own, WAYS[0], { ca: ca() }, { name: 'chained' })
  await accepted(t, chained)
  isCertificate(t, chained.socket.tls, 'chained')
  const careless = await meet(own, WAYS[0], { rejectUnauthorized: false }, { name: 'selfSigned' })
  await accepted(t, careless)
  isCertificate(t, careless.socket.tls, 'selfSigned')
})

test('peerCertificate is what the server presented, where that holds the certificate of another in PEM', async (t) => {
  const there = await meet(scope(t), WAYS[0], { ca: ca() }, { name: 'holdsAnother' })
  await accepted(t, there)
  isCertificate(t, there.socket.tls, 'holdsAnother')
  t.not(there.socket.tls.peerCertificate.fingerprint256, fingerprint('good'))
})

test('a certificate without a subject has null for it, never undefined', async (t) => {
  const own = scope(t)
  const { cert, key } = certificateNaming(['DNS:localhost'], '')
  const server = await tlsServer(own, 'good', { cert, key })
  const [socket, events] = own.open('localhost', server.port, trusting())
  await events.event('open')
  const { subject, issuer } = socket.tls.peerCertificate
  t.is(subject, null)
  t.regex(issuer, /Throwaway Root/)
})

test('what the parser of Node.js cannot read of peerCertificate is null, and every event comes', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.write('welcome'))
  const argument = JSON.stringify({ port: server.port, ca: ca() })
  const { stdout } = await promisify(execFile)(process.execPath, [unreadable, argument])
  const { subject, issuer, validFrom, validTo, ...certain } = JSON.parse(stdout).peerCertificate
  t.deepEqual([subject, issuer, validFrom, validTo], [null, null, null, null])
  t.is(certain.fingerprint256, fingerprint('good'))
  t.true(new X509Certificate(certificate('good').own).raw.equals(Buffer.from(certain.raw)))
  t.deepEqual(JSON.parse(stdout).events, ['open', 'data', 'close'])
})

test('tls is always the same object, and frozen', async (t) => {
  const there = await meet(scope(t), WAYS[0], { ca: ca() })
  await accepted(t, there)
  const { tls } = there.socket
  t.is(there.socket.tls, tls)
  t.true(Object.isFrozen(tls))
  t.true(Object.isFrozen(tls.peerCertificate))
  t.throws(() => {
    tls.protocol = 'TLSv1.4'
  })
  t.throws(() => {
    there.socket.tls = null
  })
  t.is(there.socket.tls, tls)
})

test('tls can be read in onclose and afterwards, where nobody read it before', async (t) => {
  const own = scope(t)
  const ends = {
    'close()': (socket) => socket.close(),
    'closeImmediately()': (socket) => socket.closeImmediately(),
    'the server': (_socket, session) => session.end(),
    'an error': (_socket, session) => session.destroy(),
  }
  for (const [what, end] of Object.entries(ends)) {
    const { socket, events, server } = await meet(own, WAYS[0], { ca: ca() })
    let inClose
    socket.onclose = () => {
      inClose = socket.tls
    }
    await events.event('open')
    socket.send('ping')
    await events.data(4)
    end(socket, server.sessions[0])
    await events.closed()
    t.truthy(inClose, what)
    isCertificate(t, inClose, 'good')
    t.is(socket.tls, inClose, what)
  }
})

test('tls can be read in onclose where STARTTLS came first', async (t) => {
  const own = scope(t)
  const there = await meet(own, WAYS[2], { ca: ca() })
  await accepted(t, there)
  there.socket.close()
  await there.events.closed()
  isCertificate(t, there.socket.tls, 'good')
})

test('tls is null from upgradeToSecure() until the handshake is done', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await beforeStartTls(own)
  t.is(socket.tls, null)
  socket.upgradeToSecure()
  t.true(socket.ssl)
  t.is(socket.tls, null)
  await new Promise((resolve) => raw.once('readable', resolve))
  t.is(socket.tls, null)
  const session = secure(raw)
  session.write('welcome')
  await events.data(7)
  isCertificate(t, socket.tls, 'good')
})

test('tls stays null where a handshake failed, in onerror and onclose', async (t) => {
  const own = scope(t)
  for (const [name, options, error] of [
    ['expired', {}, 'SecurityExpiredCertificateError'],
    ['good', { fingerprint256: 'AB'.repeat(32) }, 'SecurityBadCertificateError'],
  ]) {
    for (const way of WAYS) {
      const there = await meet(own, way, { ca: ca(), ...options }, { name })
      const told = []
      there.socket.onerror = there.socket.onclose = () => told.push(there.socket.tls)
      await refused(t, there, error)
      t.deepEqual(told, [null, null])
    }
  }
})

test('tls is null where close() ends a handshake', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('localhost', server.port, trusting())
  await server.connection()
  socket.close()
  t.deepEqual(await events.closed(), ['close'])
  t.is(socket.tls, null)
})

test('tls is an attribute of the prototype, as all others are', (t) => {
  const { get, set, enumerable } = Object.getOwnPropertyDescriptor(TCPSocket.prototype, 'tls')
  t.is(typeof get, 'function')
  t.is(set, undefined)
  t.true(enumerable)
})
