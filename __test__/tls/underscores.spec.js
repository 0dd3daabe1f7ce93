'use strict'

// Host names with an underscore, which browsers take a wildcard for and OpenSSL by itself does not. Whatever else is
// wrong with the certificate is still wrong.

const { X509Certificate } = require('node:crypto')

const base = require('ava')

const { certificate, certificateNaming } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, failed, tlsServer, trusting } = require('../helpers/tls-peers.js')

// Elsewhere it is up to the system.
const test = TELLS_REASONS ? base : base.skip

const MISMATCH = 'SecurityCertificateDomainMismatchError'

const wildcard = () => certificateNaming(['DNS:other.test', 'DNS:*.mail.test', 'DNS:*.my_zone.test'])

/** An echo server whose certificate is `identity`. */
function serve(own, { cert, key }, options = {}) {
  return tlsServer(own, 'good', { cert, key, ...options }, (session) => session.pipe(session))
}

/** A client of `server` under the name `servername`. */
function client(own, server, servername, options = {}) {
  const [socket, events] = own.open('127.0.0.1', server.port, trusting({ servername, ...options }))
  return { socket, events }
}

/** Asserts that a client gets an answer. */
async function talks(t, { socket, events }) {
  await events.event('open')
  socket.send(Buffer.from('ping'))
  t.is(String(await events.data(4)), 'ping')
}

test('a wildcard stands for a label with an underscore', async (t) => {
  const own = scope(t)
  const server = await serve(own, wildcard())
  for (const name of [
    'my_host.mail.test',
    '_dmz.mail.test',
    'MY_HOST.Mail.test',
    'host.my_zone.test',
    'plain.mail.test',
  ]) {
    const there = client(own, server, name)
    await talks(t, there)
    t.is(there.socket.tls.servername, name)
  }
})

test('it stands for one label, whole, and for nothing else', async (t) => {
  const own = scope(t)
  const server = await serve(own, wildcard())
  for (const name of [
    'a_b.c.mail.test',
    'a.b_c.mail.test',
    'my_host.other.test',
    'my_host.mail.test.evil.test',
    'mail.test',
    'my_host.test',
    'a.b.mail.test',
  ]) {
    await failed(t, client(own, server, name).events, MISMATCH)
  }
  for (const pattern of [
    'DNS:my*.mail.test',
    'DNS:*_host.mail.test',
    'DNS:*.*.test',
    'DNS:*.test',
    'DNS:*',
  ]) {
    const other = await serve(own, certificateNaming([pattern], '*.mail.test'))
    await failed(t, client(own, other, 'my_host.mail.test').events, MISMATCH)
  }
  const nameless = await serve(own, certificateNaming([], '*.mail.test'))
  await failed(t, client(own, nameless, 'my_host.mail.test').events, MISMATCH)
})

test('what else is wrong with the certificate is still found', async (t) => {
  const own = scope(t)
  const identity = wildcard()
  const server = await serve(own, identity)
  const name = 'my_host.mail.test'
  const untrusted = client(own, server, name, { ca: undefined })
  await failed(t, untrusted.events, 'SecurityUntrustedCertificateIssuerError')
  const pinned = { fingerprint256: new X509Certificate(identity.own).fingerprint256 }
  await talks(t, client(own, server, name, pinned))
  const other = client(own, server, name, { fingerprint256: 'AB'.repeat(32) })
  await failed(t, other.events, 'SecurityBadCertificateError')
  await failed(t, client(own, server, 'my_host.wrong.test', pinned).events, MISMATCH)
  const expired = await serve(own, certificateNaming(['DNS:*.mail.test'], 'nobody', { from: -20, until: -1 }))
  const events = client(own, expired, name).events
  await failed(t, events, 'SecurityExpiredCertificateError')
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`STARTTLS and sessions go by the same rule (${version})`, async (t) => {
    const own = scope(t)
    const options = { minVersion: version, maxVersion: version }
    const server = await serve(own, wildcard(), options)
    const plain = await own.netServer({}, (raw) => server.server.emit('connection', raw))
    const secure = async (servername) => {
      const [socket, events] = own.open('127.0.0.1', plain.port, {
        ca: certificate('root').ca,
        binaryType: 'arraybuffer',
      })
      await events.event('open')
      socket.upgradeToSecure({ servername })
      return { socket, events }
    }
    for (const resumed of [false, true]) {
      const there = await secure('my_host.mail.test')
      there.socket.send(Buffer.from('ping'))
      await there.events.data(4)
      t.is(there.socket.tls.resumed, resumed)
      there.socket.close()
      await there.events.closed()
    }
    const wrong = await secure('a_b.c.mail.test')
    await failed(t, wrong.events, MISMATCH, ['open'])
  })
}
