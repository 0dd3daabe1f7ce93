'use strict'

// Clients and servers of the package, as a soak uses them. Each client is a promise for its end; what it did not expect rejects it.

const { setTimeout: delay } = require('node:timers/promises')

const { TCPServerSocket, TCPSocket } = require('../../index.js')
const { arrival, content, signedArrival } = require('./content.js')

const HOST = '127.0.0.1'
const BINARY_TYPES = ['arraybuffer', 'string']

/** How a client asks for TLS in the clear, and the server agrees. */
const PLEASE = 'STARTTLS\n'
const GO = 'GO\n'

const toBuffer = (data) => (typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data))
const toData = (socket, bytes) => (socket.binaryType === 'string' ? bytes.latin1Slice() : bytes)

/** Sends `source` as fast as `socket` takes it. Calls `then` when the last piece was given to it. */
function pour(socket, source, then = () => {}) {
  const fill = () => {
    while (socket.readyState === 'open') {
      const piece = source.next()
      if (piece === undefined) {
        socket.ondrain = null
        return then()
      }
      if (!socket.send(toData(socket, piece))) return
    }
  }
  socket.ondrain = fill
  fill()
}

/** Now and then reads nothing for a few milliseconds. */
function pauseSometimes(socket, { below }) {
  if (below(8) > 0) return
  socket.suspend()
  setTimeout(() => socket.readyState === 'open' && socket.resume(), below(10))
}

/** `[type, event]` of the first event of `socket` among `types`. */
function first(socket, ...types) {
  return new Promise((resolve) => {
    for (const type of types) socket.addEventListener(type, (event) => resolve([type, event]), { once: true })
  })
}

/** Resolves when `socket` is closed, with the name of its error, if there was one. */
async function ended(socket) {
  let name
  socket.addEventListener('error', (event) => (name = event.name))
  await first(socket, 'close')
  return name
}

function open(port, options, random) {
  return new TCPSocket(HOST, port, { binaryType: random.pick(BINARY_TYPES), ...options })
}

/** Sends to an echo, and compares. With `isUpgraded` it asks for TLS first. */
async function echo(lanes, random, port, options, { isUpgraded = false } = {}) {
  const socket = open(port, options, random)
  const source = content(random)
  const back = arrival(source.size)
  socket.onopen = () => (isUpgraded ? socket.send(toData(socket, Buffer.from(PLEASE))) : pour(socket, source))
  const receive = ({ data }) => {
    back.take(toBuffer(data))
    if (back.left() <= 0) socket.close()
    else pauseSometimes(socket, random)
  }
  socket.ondata = isUpgraded
    ? () => {
        socket.ondata = receive
        socket.upgradeToSecure()
        pour(socket, source)
      }
    : receive
  const error = await ended(socket)
  const lost = back.lost(source.digest())
  lanes.lost(lost)
  if (error) throw new Error(`${error}, ${lost} bytes of ${source.size} lost`)
  lanes.moved(2 * (source.size - lost))
}

/** Takes what a server pushes before it closes. */
async function fetch(lanes, random, port, options) {
  const socket = open(port, options, random)
  const coming = signedArrival()
  socket.ondata = ({ data }) => {
    coming.take(toBuffer(data))
    pauseSometimes(socket, random)
  }
  const error = await ended(socket)
  const lost = coming.lost()
  lanes.lost(lost)
  if (error) throw new Error(`${error}, ${lost} bytes lost`)
  lanes.moved(coming.bytes())
}

/** Connects, sends, and closes at once when the first bytes come, which resets the connection. */
async function reset(_lanes, random, port, options) {
  const socket = open(port, options, random)
  const gone = ended(socket)
  socket.onopen = () => pour(socket, content(random))
  socket.ondata = () => socket.closeImmediately()
  const error = await gone
  if (error) throw new Error(error)
}

/** Connects, and is aborted a moment later, wherever it is then. */
async function abort(_lanes, random, port, options) {
  const controller = new AbortController()
  const socket = open(port, { ...options, signal: controller.signal }, random)
  const gone = ended(socket)
  await delay(random.below(5))
  controller.abort()
  const error = await gone
  if (error) throw new Error(error)
}

/** A connection that fails, with an error that matches `expected`. */
async function fail(_lanes, random, port, options, expected) {
  const socket = open(port, options, random)
  socket.onopen = () => pour(socket, content(random))
  const error = await ended(socket)
  if (!expected.test(error)) throw new Error(`ended with ${error ?? 'no error'} instead of ${expected}`)
}

/**
 * Listens, and serves each connection with `serve(socket)`. Errors of accepted sockets are problems, but not where `mayFail`. Returns
 * the server.
 */
function listen(lanes, random, options, serve, { mayFail = false } = {}) {
  const server = new TCPServerSocket(0, {
    localAddress: HOST,
    binaryType: random.pick(BINARY_TYPES),
    ...options,
  })
  server.onconnect = ({ socket }) => {
    if (!mayFail) socket.onerror = ({ name, data }) => lanes.problem(`accepted: ${name}, ${data.message}`)
    serve(socket, random)
  }
  server.onerror = ({ data }) => lanes.problem(`listener: ${data.message}`)
  return server
}

/** Sends back what comes, and takes no more than the peer does. */
function serveEcho(socket, random) {
  socket.ondata = ({ data }) => {
    if (socket.readyState !== 'open') return
    if (!socket.send(data)) {
      socket.suspend()
      socket.addEventListener('drain', () => socket.readyState === 'open' && socket.resume(), { once: true })
    } else pauseSometimes(socket, random)
  }
}

/** Agrees to TLS, then the same. */
function serveUpgrade(socket, random) {
  socket.ondata = () => {
    socket.send(toData(socket, Buffer.from(GO)))
    socket.upgradeToSecure()
    serveEcho(socket, random)
  }
}

/** Sends a few bytes or many, their SHA-256 and closes, while most of it is still to be written. */
function servePush(socket, random) {
  const source = content(random)
  pour(socket, source, () => {
    socket.send(toData(socket, source.digest()))
    socket.close()
  })
}

/** A listener for each way to serve: plain and, with the options `server`, TLS. Those from which connections are reset may fail. */
function listenAll(lanes, random, server) {
  const { cert, key } = server
  const mayFail = { mayFail: true }
  return {
    echo: listen(lanes, random, {}, serveEcho),
    secureEcho: listen(lanes, random, server, serveEcho),
    upgrade: listen(lanes, random, { cert, key }, serveUpgrade),
    push: listen(lanes, random, {}, servePush),
    securePush: listen(lanes, random, server, servePush),
    reset: listen(lanes, random, {}, serveEcho, mayFail),
    secureReset: listen(lanes, random, server, serveEcho, mayFail),
  }
}

/** The ports of what `listenAll` has made. */
function portsOf(servers) {
  return Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, server.localPort]))
}

module.exports = { abort, echo, fail, fetch, listen, listenAll, portsOf, reset, serveEcho }
