'use strict'

// Peers for the TLS specs: servers made with node:tls and node:net, a recording proxy for what really is on the wire,
// and the one assertion that all failures share.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const native = require('../../lib/platform/native.js')
const { certificate } = require('./pki-matrix.js')

/**
 * TLS is OpenSSL's, and not the system's as on macOS and Windows, which can be had on Linux, too (`npm run test:native-tls`).
 * Secure Transport and SChannel do not say why they refuse: every TLS failure has one name there.
 */
const TELLS_REASONS = native.sharesTlsSessions()

/** A server on Secure Transport has no say in ALPN. */
const CHOOSES_PROTOCOLS = process.platform !== 'darwin'

/** The versions that a server of ours speaks: that of native-tls stops at 1.2. */
const SERVER_VERSIONS = TELLS_REASONS ? ['TLSv1.2', 'TLSv1.3'] : ['TLSv1.2']

/** Whether a name in the certificate's subject alone is refused. Apple's systems and Windows do; OpenSSL by native-tls does not. */
const REFUSES_COMMON_NAMES = TELLS_REASONS || process.platform !== 'linux'

/** The name of the error of TLS that is `name` where reasons are told. */
function toldName(name) {
  return TELLS_REASONS || !name.startsWith('Security') ? name : 'SecurityError'
}

/** What a server says before it starts TLS. */
const GO_AHEAD = '220 go ahead\r\n'

/** Contract section 6.2: class and nsresult of each name. */
const ERRORS = {
  ConnectionRefusedError: ['Network', 0x804b000d],
  NetworkTimeoutError: ['Network', 0x804b000e],
  NetworkInterruptError: ['Network', 0x804b0047],
  NetworkError: ['Network', 0x804b0014],
  SecurityExpiredCertificateError: ['SecurityCertificate', 0x805a1ff5],
  SecurityUntrustedCertificateIssuerError: ['SecurityCertificate', 0x805a1ff3],
  SecurityRevokedCertificateError: ['SecurityCertificate', 0x805a1ff4],
  SecurityInadequateKeyUsageError: ['SecurityCertificate', 0x805a1fa6],
  SecurityCertificateSignatureAlgorithmDisabledError: ['SecurityCertificate', 0x805a1f50],
  SecurityCertificateDomainMismatchError: ['SecurityCertificate', 0x805a2ff4],
  SecurityNoCertificateError: ['SecurityProtocol', 0x805a2ffd],
  SecurityBadCertificateError: ['SecurityProtocol', 0x805a2ffc],
  SecurityUnsupportedCertificateTypeError: ['SecurityProtocol', 0x805a2ff8],
  SecurityUnsupportedTLSVersionError: ['SecurityProtocol', 0x805a2ff7],
  SecurityError: ['SecurityProtocol', undefined],
}

/** Options of a client that trusts the throwaway root. */
function trusting(more) {
  return { useSecureTransport: true, binaryType: 'arraybuffer', ca: certificate('root').ca, ...more }
}

/** What the server of `meet` knows of a client, by that one's events. */
const servers = new WeakMap()

/** For the message of a failure: how far it got, as the peer saw it. */
function seenBy(events) {
  const server = servers.get(events)
  if (server === undefined) return ''
  const { raw, failures } = server
  return ` (the server read ${raw.bytesRead} bytes and wrote ${raw.bytesWritten}; ${failures.map(String)})`
}

/**
 * Asserts that a socket failed as the contract says: `before`, then `error` of that name in every form in which
 * generations read it, then `close`. Returns the error event.
 */
async function failed(t, events, name, before = []) {
  // An `open` that must not come ends the test at once; the socket would stay open.
  const isOver = ({ types }) =>
    types.includes('close') || (types.includes('open') && !before.includes('open'))
  await events.when(() => isOver(events) || undefined)
  const story = `${events.events.find(({ type }) => type === 'error')?.data.message}${seenBy(events)}`
  t.deepEqual(
    events.types.filter((type) => type !== 'data'),
    [...before, 'error', 'close'],
    story,
  )
  const error = await events.event('error')
  // It is we who compare a pin, everywhere.
  const expected = /: the certificate is not the pinned one; /.test(story) ? name : toldName(name)
  const [message, code] = ERRORS[expected]
  t.is(error.name, expected, story)
  t.is(error.message, message)
  if (code !== undefined) t.is(error.errorCode, code)
  t.true(error.data instanceof Error)
  t.is(error.data.name, expected)
  t.is(error.data.errorCode, error.errorCode)
  t.not(error.data.message, '')
  const { socket } = events
  t.is(socket.readyState, 'closed')
  t.is(socket.bufferedAmount, 0)
  t.throws(() => socket.send('too late'), { name: 'NS_ERROR_FAILURE' })
  return error
}

/**
 * A node:tls server with the certificate called `name`. `received` grows by what clients send encrypted, `names` by
 * the server name that each of them asked for, `ended` resolves when the first raw connection is gone.
 */
async function tlsServer(own, name = 'good', options = {}, onSession = undefined) {
  const { cert, key } = certificate(name)
  const peer = { names: [], received: '', sessions: [], failures: [] }
  const server = tls.createServer({ cert, key, ciphers: 'DEFAULT:@SECLEVEL=0', ...options })
  server.on('tlsClientError', (error) => peer.failures.push(error))
  server.on('secureConnection', (session) => {
    peer.names.push(session.servername)
    peer.sessions.push(session)
    session.on('error', () => {})
    if (onSession) return onSession(session)
    session.on('data', (bytes) => {
      peer.received += bytes.toString('latin1')
    })
  })
  const raw = []
  peer.ended = new Promise((resolve) => {
    server.on('connection', (socket) => {
      raw.push(socket)
      socket.on('error', () => {})
      socket.on('close', resolve)
    })
  })
  server.listen(0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  own.onEnd(() => {
    // In this order: where this runs inside a callback of a session, Node uses what it has freed if the connection goes first.
    for (const socket of [...peer.sessions, ...raw]) socket.destroy()
    server.close()
  })
  return Object.assign(peer, { server, port: server.address().port })
}

/** Resolves with exactly `count` bytes of `socket`; what follows stays unread. */
function readExactly(socket, count) {
  return new Promise((resolve, reject) => {
    const chunks = []
    let missing = count
    const onData = (bytes) => {
      chunks.push(bytes)
      missing -= bytes.length
      if (missing > 0) return
      stop()
      const all = Buffer.concat(chunks)
      if (missing < 0) socket.unshift(all.subarray(count))
      resolve(all.subarray(0, count))
    }
    const onEnd = () => {
      stop()
      reject(new Error(`the stream ended ${missing} bytes early`))
    }
    const stop = () => {
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
    }
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
  })
}

/** Resolves with one line of `socket`, without its end; what follows stays unread. */
async function readLine(socket) {
  let line = ''
  while (!line.endsWith('\r\n')) line += (await readExactly(socket, 1)).toString('latin1')
  return line.slice(0, -2)
}

/**
 * A plain connection of ours, right before STARTTLS: the server has said "go ahead", and the client has heard it.
 * Returns `{ socket, events, raw, port }`. `via(port)` may put a proxy between the two.
 */
async function beforeStartTls(own, options = {}) {
  const { host = '127.0.0.1', via, ...more } = options
  const server = await own.netServer({ allowHalfOpen: true })
  const port = via ? (await via(server.port)).port : server.port
  const [socket, events] = own.open(host, port, trusting({ useSecureTransport: false, ...more }))
  const [raw] = await Promise.all([server.connection(), events.event('open')])
  socket.send('STARTTLS\r\n')
  if ((await readLine(raw)) !== 'STARTTLS') throw new Error('the client does not ask for TLS')
  raw.write(GO_AHEAD)
  await events.data(GO_AHEAD.length)
  events.forgetData()
  return { socket, events, raw, port }
}

/** From here on `socket`, a raw connection, is the server side of TLS, with the certificate called `name`. */
function secure(socket, name = 'good', options = {}) {
  const { cert, key } = certificate(name)
  const secureContext = tls.createSecureContext({ cert, key, ...options })
  const session = new tls.TLSSocket(socket, { isServer: true, secureContext })
  session.on('error', () => {})
  return session
}

/** How a client can come by its TLS options. */
const WAYS = [
  'with useSecureTransport',
  'given to the constructor, for upgradeToSecure()',
  'given to upgradeToSecure(options)',
]

let greetings = 0

/**
 * A server in the clear: `{ port, greet(socket) }`, which resolves with the connection of `socket`, found by what it says.
 * A stranger, who wanted the one that had this port before, may come first.
 */
async function greetedServer(own) {
  const greeting = `${++greetings} of ${process.pid}`
  let found
  const connection = new Promise((resolve) => {
    found = resolve
  })
  const { port } = await own.netServer({}, async (raw) => {
    if ((await readLine(raw).catch(() => '')) === greeting) found(raw)
  })
  const greet = (socket) => {
    socket.send(`${greeting}\r\n`)
    return connection
  }
  return { port, greet }
}

/**
 * A client of ours that uses TLS with `options`, in one of WAYS, and a node:tls server with the certificate
 * called `name` and the options `server`, which sends back what it gets. Before an upgrade the client is made
 * with the options `made`. Returns `{ socket, events, server, way }`.
 */
async function meet(own, way, options, { name = 'good', host = 'localhost', made, ...more } = {}) {
  const server = await tlsServer(own, name, more.server, (session) => {
    session.on('data', (bytes) => {
      server.received += bytes.toString('latin1')
      session.write(bytes)
    })
  })
  const binaryType = 'arraybuffer'
  if (way === WAYS[0]) {
    const [socket, events] = own.open(host, server.port, { binaryType, useSecureTransport: true, ...options })
    return { socket, events, server, way }
  }
  const plain = await greetedServer(own)
  const early = way === WAYS[1]
  const [socket, events] = own.open(host, plain.port, { binaryType, ...made, ...(early && options) })
  await events.event('open')
  const raw = await plain.greet(socket)
  servers.set(events, { raw, failures: server.failures })
  server.server.emit('connection', raw)
  socket.upgradeToSecure(early ? undefined : options)
  return { socket, events, server, way }
}

/** Asserts that the client of `meet` is accepted: what it says comes back. Returns the server's side. */
async function accepted(t, { socket, events, server }) {
  const isOver = () => events.types.find((type) => type === 'open' || type === 'close')
  t.is(await events.when(isOver), 'open', events.events[0]?.data?.message)
  const { bytes } = events
  socket.send('ping')
  const echoed = () => (events.bytes >= bytes + 4 ? 'echoed' : events.types.find((type) => type === 'close'))
  t.is(await events.when(echoed), 'echoed', events.events.at(-2)?.data?.message)
  return server.sessions.at(-1)
}

/**
 * Asserts that the client of `meet` fails with the error `name`, and that no byte of it reaches the server.
 */
async function refused(t, { socket, events, server, way }, name) {
  const before = way === WAYS[0] ? [] : ['open']
  if (socket.readyState === 'open') socket.send('secret')
  const event = await failed(t, events, name, before)
  await server.ended
  t.is(server.received, '')
  t.is(socket.tls, null)
  return event
}

/** What follows version and random in the ClientHello that a client of ours sends with `options`. */
async function hello(own, host, options) {
  const server = await own.netServer()
  own.open(host, server.port, { useSecureTransport: true, ...options })
  const raw = await server.connection()
  const record = await readExactly(raw, 5)
  const message = await readExactly(raw, record.readUInt16BE(3))
  raw.destroy()
  return message.subarray(4 + 2 + 32)
}

/** The cipher suites that a client of ours offers with `options`, by their numbers, in its order. */
async function helloCiphers(own, host, options) {
  const body = await hello(own, host, options)
  const at = 1 + body[0]
  const list = body.subarray(at + 2, at + 2 + body.readUInt16BE(at))
  return Array.from({ length: list.length / 2 }, (_, index) => list.readUInt16BE(2 * index))
}

/**
 * The extensions of the ClientHello that a client of ours sends with `options`: a Map from their number to
 * their bytes (RFC 8446 section 4.2).
 */
async function helloExtensions(own, host, options) {
  const body = await hello(own, host, options)
  // Three vectors: session id, cipher suites, compression methods.
  let at = 1 + body[0]
  at += 2 + body.readUInt16BE(at)
  at += 1 + body[at]
  const extensions = new Map()
  for (at += 2; at < body.length; at += 4 + body.readUInt16BE(at + 2)) {
    const extension = body.subarray(at + 4, at + 4 + body.readUInt16BE(at + 2))
    extensions.set(body.readUInt16BE(at), extension)
  }
  return extensions
}

/**
 * A proxy to `port` that records both directions: `{ port, fromClient(), fromServer() }`. `ended` resolves when the
 * client has ended.
 */
async function tap(own, port) {
  const [fromClient, fromServer] = [[], []]
  let end
  const ended = new Promise((resolve) => {
    end = resolve
  })
  const proxy = await own.netServer({ allowHalfOpen: true }, (client) => {
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    own.onEnd(() => server.destroy())
    client.on('data', (bytes) => fromClient.push(bytes))
    server.on('data', (bytes) => fromServer.push(bytes))
    server.on('error', () => client.resetAndDestroy())
    client.on('error', () => server.resetAndDestroy())
    client.on('end', end).on('close', end)
    client.pipe(server)
    server.pipe(client)
  })
  return {
    port: proxy.port,
    ended,
    fromClient: () => Buffer.concat(fromClient),
    fromServer: () => Buffer.concat(fromServer),
  }
}

/** Types of the TLS records in `bytes`: 20 change cipher spec, 21 alert, 22 handshake, 23 application data. */
function recordTypes(bytes) {
  const types = []
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at])
  return types
}

module.exports = {
  CHOOSES_PROTOCOLS,
  GO_AHEAD,
  REFUSES_COMMON_NAMES,
  SERVER_VERSIONS,
  WAYS,
  accepted,
  beforeStartTls,
  failed,
  helloCiphers,
  helloExtensions,
  meet,
  readExactly,
  readLine,
  recordTypes,
  refused,
  secure,
  tap,
  tlsServer,
  toldName,
  trusting,
  TELLS_REASONS,
}
