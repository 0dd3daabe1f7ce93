'use strict'

// Sessions that are taken up again: with the server, the name and the options they were made with, and never
// with less verification than that. Servers here would take up each other's, so that only the client keeps
// them apart.

const { X509Certificate, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const timers = require('node:timers/promises')
const tls = require('node:tls')

const base = require('ava')

const { certificate, fingerprint, revocationList } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, accepted, failed, tlsServer } = require('../helpers/tls-peers.js')

// Windows and macOS do not tell whether a session was taken up.
const test = TELLS_REASONS ? base : base.skip

const ca = () => certificate('root').ca
const stranger = () => certificate('stranger').own

/** What servers need to take up each other's sessions. */
const ticketKeys = randomBytes(48)

const only = (version) => ({ minVersion: version, maxVersion: version })

/** Ports that servers here have had. */
const ports = new Set()

/**
 * The server that `listen` makes, on a port that none had before it: the system gives the ports of closed servers again,
 * and by host and port the client would know sessions of theirs.
 */
async function onNewPort(listen) {
  let server
  do server = await listen()
  while (ports.has(server.port))
  ports.add(server.port)
  return server
}

/**
 * A server with the certificate called `name`, which sends back what it gets. Of each connection it keeps in
 * `known` whether a session was taken up, and the client's name.
 */
async function echo(own, options = {}, name = 'good') {
  const known = []
  const onSession = (session) => {
    known.push({ reused: session.isSessionReused(), client: session.getPeerCertificate().subject?.CN })
    session.on('data', (bytes) => {
      server.received += bytes.toString('latin1')
      session.write(bytes)
    })
  }
  const server = await onNewPort(() => tlsServer(own, name, { ticketKeys, ...options }, onSession))
  return Object.assign(server, { known })
}

/** Gives `server` another certificate, and new keys for its tickets, so that it knows no session. */
function replaceCertificate(server, name, options) {
  const { cert, key } = certificate(name)
  server.setSecureContext({ cert, key, ...options })
  server.setTicketKeys(randomBytes(48))
}

/** A client of `server`, not open yet, in the form that `accepted` takes. */
function client(own, server, options = {}, host = 'localhost') {
  const all = { useSecureTransport: true, binaryType: 'arraybuffer', ca: ca(), ...options }
  const [socket, events] = own.open(host, server.port, all)
  return { socket, events, server }
}

/** Talks to `server` and ends: whether a session was taken up. The answer comes after tickets do. */
async function visit(t, own, server, options, host) {
  const there = client(own, server, options, host)
  await accepted(t, there)
  const { resumed } = there.socket.tls
  t.is(server.known.at(-1).reused, resumed)
  there.socket.close()
  await there.events.closed()
  return resumed
}

/** Asserts that `server` is known: after a first visit a second one takes its session up. */
async function acquainted(t, own, server, options) {
  t.false(await visit(t, own, server, options))
  t.true(await visit(t, own, server, options))
}

test('servers here take up the sessions of each other, as node:tls shows', async (t) => {
  const own = scope(t)
  const connect = async (server, session) => {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', ca: ca(), session })
    own.onEnd(() => socket.destroy())
    socket.write('ping')
    let ticket
    socket.on('session', (arrived) => (ticket = arrived))
    await once(socket, 'data')
    return { ticket, reused: socket.isSessionReused() }
  }
  const { ticket, reused } = await connect(await echo(own))
  t.false(reused)
  t.true((await connect(await echo(own, {}, 'test'), ticket)).reused)
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a second connection takes the session of the first up (${version})`, async (t) => {
    const own = scope(t)
    const server = await echo(own, only(version))
    t.false(await visit(t, own, server))
    const there = client(own, server)
    await accepted(t, there)
    const { resumed, protocol, servername, peerCertificate } = there.socket.tls
    t.true(resumed)
    t.is(protocol, version)
    t.is(servername, 'localhost')
    t.is(peerCertificate.fingerprint256, fingerprint('good'))
  })

  test(`REL-94: a session is not offered to another port (${version})`, async (t) => {
    const own = scope(t)
    const [server, other] = [await echo(own, only(version)), await echo(own, only(version))]
    t.false(await visit(t, own, server))
    t.false(await visit(t, own, other))
    t.true(await visit(t, own, server))
    t.true(await visit(t, own, other))
  })

  test(`REL-94: a session is not offered under another name (${version})`, async (t) => {
    const own = scope(t)
    const server = await echo(own, only(version))
    await acquainted(t, own, server)
    t.false(await visit(t, own, server, {}, '127.0.0.1'))
    const { received } = server
    const other = client(own, server, { servername: 'server.test' })
    await failed(t, other.events, 'SecurityCertificateDomainMismatchError')
    t.is(server.received, received)
  })

  test(`REL-94: a session that nobody verified is not taken up by who verifies (${version})`, async (t) => {
    for (const name of ['selfSigned', 'expired', 'wrongHost', 'unknownIssuer']) {
      const own = scope(t)
      const server = await echo(own, only(version), name)
      await acquainted(t, own, server, { rejectUnauthorized: false })
      await acquainted(t, own, server, { rejectUnauthorized: false, ca: undefined })
      const pin = { fingerprint256: fingerprint(name), ca: undefined }
      await visit(t, own, server, pin)
      for (const options of [{}, { ca: undefined }, { ...pin, ca: ca() }]) {
        const there = client(own, server, options)
        const first = await there.events.when(() => there.events.events[0])
        t.regex(`${first.name}`, /^Security(Expired|Untrusted|CertificateDomain)/, name)
        t.deepEqual(await there.events.closed(), ['error', 'close'])
      }
      t.regex(server.received, /^(ping)+$/)
    }
  })

  test(`REL-94: a session of a connection with another pin, or none, is not taken up (${version})`, async (t) => {
    const own = scope(t)
    const wrong = { fingerprint256: 'AB'.repeat(32) }
    const right = { fingerprint256: fingerprint('good') }
    for (const options of [{}, { rejectUnauthorized: false, ca: undefined }]) {
      const server = await echo(own, only(version))
      await acquainted(t, own, server, options)
      const { received } = server
      const there = client(own, server, { ...options, ...wrong })
      await failed(t, there.events, 'SecurityBadCertificateError')
      t.is(server.received, received)
      t.false(await visit(t, own, server, { ...options, ...right }))
    }
    const server = await echo(own, only(version))
    t.false(await visit(t, own, server, right))
    t.true(await visit(t, own, server, right))
  })

  test(`REL-94: a server with a new certificate that forgot its sessions is verified (${version})`, async (t) => {
    const own = scope(t)
    for (const [name, error] of [
      ['selfSigned', 'SecurityUntrustedCertificateIssuerError'],
      ['expired', 'SecurityExpiredCertificateError'],
    ]) {
      const server = await echo(own, only(version))
      await visit(t, own, server)
      replaceCertificate(server.server, name, only(version))
      const { received } = server
      const there = client(own, server)
      await failed(t, there.events, error)
      t.is(server.received, received)
      replaceCertificate(server.server, 'goodRsa', only(version))
      t.false(await visit(t, own, server))
    }
  })
}

const told = TELLS_REASONS ? base : base.skip
told('a new pin is not held against the old certificate of a session', async (t) => {
  const own = scope(t)
  const server = await echo(own)
  await visit(t, own, server, { fingerprint256: fingerprint('good') })
  const { cert, key } = certificate('goodRsa')
  // It has a new certificate, and still takes its sessions up.
  server.server.setSecureContext({ cert, key, ticketKeys })
  const there = client(own, server, { fingerprint256: fingerprint('goodRsa') })
  t.is((await there.events.when(() => there.events.events[0])).type, 'open')
})

/** Option sets that all accept the server called "good", and share nothing. */
const SETS = {
  'another list of ca': () => ({ ca: [ca(), stranger()] }),
  caOnly: () => ({ caOnly: true }),
  'a client certificate': () => ({ cert: certificate('client').cert, key: certificate('client').key }),
  'another client certificate': () => ({
    cert: certificate('clientRsa').cert,
    key: certificate('clientRsa').key,
  }),
  alpnProtocols: () => ({ alpnProtocols: ['imap'] }),
  minVersion: () => ({ minVersion: 'TLSv1.3' }),
  'rejectUnauthorized: false': () => ({ rejectUnauthorized: false }),
}

test('a session is not offered with another option set', async (t) => {
  const own = scope(t)
  const server = await echo(own, { requestCert: true, rejectUnauthorized: false, ca: ca() })
  await acquainted(t, own, server)
  for (const [what, options] of Object.entries(SETS)) {
    const set = options()
    // With a certificate of ours, sessions last as long as connections with it do.
    const first = client(own, server, set)
    await accepted(t, first)
    t.false(first.socket.tls.resumed, what)
    t.true(await visit(t, own, server, set), what)
  }
  t.true(await visit(t, own, server))
})

test('a client is known by its own certificate, whoever was there before', async (t) => {
  const own = scope(t)
  const server = await echo(own, { requestCert: true, rejectUnauthorized: true, ca: ca() })
  const subject = async (name) => {
    const { cert, key } = certificate(name)
    await visit(t, own, server, { cert, key })
    return server.known.at(-1).client
  }
  for (let i = 0; i < 3; i++) {
    t.is(await subject('client'), 'client')
    t.is(await subject('clientRsa'), 'client with RSA')
  }
  const without = client(own, server)
  await without.events.closed()
  t.is(without.events.events.at(-2).name, 'SecurityNoCertificateError')
})

test('a certificate that is revoked later is refused by who has the list', async (t) => {
  const own = scope(t)
  const server = await echo(own, {}, 'revoked')
  await acquainted(t, own, server)
  const crl = revocationList('root')
  for (let visits = 0; visits < 3; visits++) {
    t.false(await visit(t, own, server, { crl }), 'a list is asked each time')
  }
  const { received } = server
  const there = client(own, server, { crl: revocationList('root', { revoked: ['revoked'] }) })
  await failed(t, there.events, 'SecurityRevokedCertificateError')
  t.is(server.received, received)
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  // Time is what is tested, so it waits for it.
  test(`a session does not outlive the certificate that was verified for it (${version})`, async (t) => {
    const own = scope(t)
    const server = await echo(own, only(version), 'brief')
    await acquainted(t, own, server)
    const { validTo } = new X509Certificate(certificate('brief').own)
    await timers.setTimeout(Date.parse(validTo) + 1100 - Date.now())
    const { received } = server
    const there = client(own, server)
    await failed(t, there.events, 'SecurityExpiredCertificateError')
    t.is(server.received, received)
  })
}

test('STARTTLS takes up a session, too', async (t) => {
  const own = scope(t)
  const inside = await echo(own)
  const onConnection = (raw) => inside.server.emit('connection', raw)
  const plain = await onNewPort(() => own.netServer({}, onConnection))
  for (const resumed of [false, true]) {
    const [socket, events] = own.open('localhost', plain.port, { binaryType: 'arraybuffer', ca: ca() })
    await events.event('open')
    socket.upgradeToSecure()
    socket.send('ping')
    await events.data(4)
    t.is(socket.tls.resumed, resumed)
    socket.close()
    await events.closed()
  }
})

test('twenty sockets at once, with two authorities, are each verified by their own', async (t) => {
  const own = scope(t)
  const servers = [await echo(own), await echo(own, {}, 'unknownIssuer')]
  for (const round of ['new', 'known']) {
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const [serving, trusting] = [i & 1, (i >> 1) & 1]
        const there = client(own, servers[serving], { ca: trusting ? stranger() : ca() })
        const first = await there.events.when(() => there.events.events[0])
        const expected = serving === trusting ? 'open' : 'SecurityUntrustedCertificateIssuerError'
        if (expected === 'open' && first.type === 'open') await accepted(t, there)
        there.socket.close()
        return (first.name ?? first.type) === expected
      }),
    )
    t.true(results.every(Boolean), round)
  }
})
