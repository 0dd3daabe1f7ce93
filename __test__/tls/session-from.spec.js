'use strict'

// `sessionFrom`: a connection to another port takes up the session of one that is there already, as FTPS servers demand of
// data connections. Never with less verification than its own options ask for.

const { constants, randomBytes } = require('node:crypto')

const base = require('ava')

const { TCPSocket } = require('../../index.js')
const { certificate, fingerprint, revocationList } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, tlsServer } = require('../helpers/tls-peers.js')

// Windows and macOS keep their sessions to themselves.
const test = TELLS_REASONS ? base : base.skip

const ca = () => certificate('root').ca

/** Two ports of one server: they take up each other's sessions, as those of an FTP server. */
async function ftpServer(own, options = {}, name = 'good') {
  const ticketKeys = randomBytes(48)
  const reused = []
  const onSession = (session) => {
    reused.push(session.isSessionReused())
    session.pipe(session)
  }
  const serve = () => tlsServer(own, name, { ticketKeys, ...options }, onSession)
  return { control: await serve(), data: await serve(), reused }
}

function open(own, { port }, options = {}, host = 'localhost') {
  const all = { useSecureTransport: true, binaryType: 'arraybuffer', ca: ca(), ...options }
  const [socket, events] = own.open(host, port, all)
  return { socket, events }
}

/** Opens and gets an answer, which comes after the tickets do. */
async function talk(own, server, options, host) {
  const there = open(own, server, options, host)
  await there.events.event('open')
  there.socket.send(Buffer.from('ping'))
  await there.events.data(4)
  return there
}

async function end({ socket, events }) {
  socket.close()
  await events.closed()
}

/** Opens a data connection with the session of `sessionFrom`, and ends it: whether that was taken up. */
async function transfer(own, server, sessionFrom, options, host) {
  const there = await talk(own, server.data, { sessionFrom, ...options }, host)
  const { resumed } = there.socket.tls
  await end(there)
  return resumed && server.reused.at(-1)
}

const refuses = (t, server, options, message, host = 'localhost') =>
  t.throws(() => new TCPSocket(host, server.data.port, { useSecureTransport: true, ca: ca(), ...options }), {
    instanceOf: TypeError,
    message,
  })

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  test(`every data connection takes up the session of the control connection (${version})`, async (t) => {
    const own = scope(t)
    const server = await ftpServer(own, only)
    const control = await talk(own, server.control)
    t.false(control.socket.tls.resumed)
    for (let i = 0; i < 5; i++) t.true(await transfer(own, server, control.socket), `${i}`)
    // Without the option the port is another server.
    const alone = await talk(own, server.data)
    t.false(alone.socket.tls.resumed)
  })

  test(`several at once do (${version})`, async (t) => {
    const own = scope(t)
    const server = await ftpServer(own, only)
    const control = await talk(own, server.control)
    const all = Array.from({ length: 8 }, () => talk(own, server.data, { sessionFrom: control.socket }))
    for (const there of await Promise.all(all)) t.true(there.socket.tls.resumed)
  })

  test(`a control connection that resumed one itself, or is closed, has a session all the same (${version})`, async (t) => {
    const own = scope(t)
    const server = await ftpServer(own, only)
    await end(await talk(own, server.control))
    const control = await talk(own, server.control)
    t.true(control.socket.tls.resumed)
    t.true(await transfer(own, server, control.socket))
    await end(control)
    t.true(await transfer(own, server, control.socket))
  })

  test(`a data connection that breaks does not spoil the session (${version})`, async (t) => {
    const own = scope(t)
    const server = await ftpServer(own, only)
    const control = await talk(own, server.control)
    const broken = await talk(own, server.data, { sessionFrom: control.socket })
    server.data.sessions.at(-1).destroy()
    t.deepEqual((await broken.events.closed()).at(-1), 'close')
    t.true(await transfer(own, server, control.socket))
    server.control.sessions[0].destroy()
    await control.events.closed()
    t.true(await transfer(own, server, control.socket))
  })

  test(`upgradeToSecure() takes it as well (${version})`, async (t) => {
    const own = scope(t)
    const server = await ftpServer(own, only)
    const starts = (inside) => own.netServer({}, (raw) => inside.server.emit('connection', raw))
    const [control, data] = [await starts(server.control), await starts(server.data)]
    const secure = async (port, options) => {
      const [socket, events] = own.open('localhost', port, { binaryType: 'arraybuffer', ca: ca() })
      await events.event('open')
      socket.upgradeToSecure(options)
      socket.send(Buffer.from('ping'))
      await events.data(4)
      return socket
    }
    const first = await secure(control.port)
    t.true((await secure(data.port, { sessionFrom: first })).tls.resumed)
    t.false((await secure(data.port)).tls.resumed)
  })
}

test('a server that keeps sessions itself, and gives no tickets, takes up that of the control connection', async (t) => {
  const own = scope(t)
  const server = await ftpServer(own, { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET })
  const sessions = new Map()
  const asked = []
  for (const { server: inside } of [server.control, server.data]) {
    inside.on('newSession', (id, data, done) => {
      sessions.set(id.toString('hex'), data)
      done()
    })
    inside.on('resumeSession', (id, done) => {
      asked.push(id.toString('hex'))
      done(null, sessions.get(id.toString('hex')) ?? null)
    })
  }
  const control = await talk(own, server.control)
  const [first] = sessions.keys()
  for (let i = 0; i < 3; i++) t.true(await transfer(own, server, control.socket), `${i}`)
  // Not any session, but that one. (A hello without one has an id of no meaning, RFC 8446 appendix D.4.)
  t.deepEqual(asked.slice(1), [first, first, first])
  t.is(sessions.size, 1)
})

test('another name for the same server is told by servername', async (t) => {
  const own = scope(t)
  const server = await ftpServer(own)
  const control = await talk(own, server.control)
  const { socket: sessionFrom } = control
  refuses(t, server, { sessionFrom }, /^sessionFrom: .*localhost.*127\.0\.0\.1/, '127.0.0.1')
  t.true(await transfer(own, server, sessionFrom, { servername: 'localhost' }, '127.0.0.1'))
  t.true(await transfer(own, server, sessionFrom, {}, 'LOCALHOST'))
  refuses(t, server, { sessionFrom, servername: 'server.test' }, /^sessionFrom: .*localhost.*server\.test/)
})

test('a session that was verified by other options is refused', async (t) => {
  const own = scope(t)
  const server = await ftpServer(own)
  const unverified = { rejectUnauthorized: false, ca: undefined }
  const pinned = { fingerprint256: fingerprint('good') }
  const sets = [
    {},
    unverified,
    pinned,
    { ...pinned, ca: undefined },
    { ca: [ca(), certificate('stranger').own] },
    { caOnly: true },
    { alpnProtocols: ['ftp'] },
    { minVersion: 'TLSv1.3' },
    { cert: certificate('client').cert, key: certificate('client').key },
  ]
  for (const [i, made] of sets.entries()) {
    const control = await talk(own, server.control, made)
    for (const [j, options] of sets.entries()) {
      if (i === j) t.true(await transfer(own, server, control.socket, options), `${i}`)
      else
        refuses(t, server, { sessionFrom: control.socket, ...options }, /^sessionFrom: .*other TLS options/)
    }
  }
  const crl = revocationList('root')
  const listed = await talk(own, server.control, { crl })
  refuses(t, server, { sessionFrom: listed.socket, crl }, /^sessionFrom: with crl/)
})

test('what has no session is refused', async (t) => {
  const own = scope(t)
  const server = await ftpServer(own)
  for (const value of [{}, 'socket', 1, true, Object.create(TCPSocket.prototype), new EventTarget()]) {
    refuses(t, server, { sessionFrom: value }, /^sessionFrom .*must be a TCPSocket/)
  }
  const none = /^sessionFrom: that socket has no session/
  const early = open(own, server.control)
  refuses(t, server, { sessionFrom: early.socket }, none)
  await early.events.event('open')
  const plain = own.open('127.0.0.1', (await own.netServer({}, () => {})).port)
  await plain[1].event('open')
  refuses(t, server, { sessionFrom: plain[0] }, none)
  const { cert, key } = certificate('good')
  const listening = own.listen({ useSecureTransport: true, cert, key })
  await open(own, listening).events.event('open')
  const [accepted] = await listening.accepted()
  t.is(accepted.tls.resumed, false)
  refuses(t, server, { sessionFrom: accepted }, none)
  plain[0].close()
  await plain[1].closed()
  refuses(t, server, { sessionFrom: plain[0] }, none)
  for (const absent of [undefined, null]) await end(await talk(own, server.data, { sessionFrom: absent }))
})

test('a server that does not know the session is verified, and the connection is as any other', async (t) => {
  const own = scope(t)
  const [server, other] = [await ftpServer(own), await ftpServer(own)]
  const control = await talk(own, server.control)
  t.false(await transfer(own, other, control.socket))
  const stranger = await ftpServer(own, {}, 'selfSigned')
  const there = open(own, stranger.data, { sessionFrom: control.socket })
  t.deepEqual(await there.events.closed(), ['error', 'close'])
  t.is((await there.events.event('error')).name, 'SecurityUntrustedCertificateIssuerError')
})

test('the tickets of data connections do not take the places of servers', async (t) => {
  const own = scope(t)
  const server = await ftpServer(own)
  const control = await talk(own, server.control)
  const first = await talk(own, server.data, { sessionFrom: control.socket })
  t.true(first.socket.tls.resumed)
  t.false((await talk(own, server.data)).socket.tls.resumed)
})
