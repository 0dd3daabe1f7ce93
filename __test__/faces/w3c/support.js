'use strict'

// What the specs of moz-tcp-socket/w3c have in common: connections with both ends at hand, and chunks as text.

const { once } = require('node:events')
const net = require('node:net')

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/w3c')
const { serverOf } = require('../helpers/peers.js')

const text = (chunk) => Buffer.from(chunk).toString()

/** Everything that `reader` gives from now on, as one Buffer. */
async function rest(reader) {
  const chunks = []
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return Buffer.concat(chunks)
    chunks.push(Buffer.from(value))
  }
}

/** A client, and the server's end of its connection. */
async function pair(t, options, serve = () => {}) {
  let accepted
  const peer = new Promise((resolve) => (accepted = resolve))
  const port = await serverOf(t, (socket) => {
    accepted(socket)
    serve(socket)
  })
  const socket = new TCPSocket('127.0.0.1', port, options)
  t.teardown(() => socket.close().catch(() => {}))
  return { socket, peer: await peer, port }
}

/** A TCPServerSocket on loopback, which is open. */
async function listener(t, options) {
  const server = new TCPServerSocket({ localAddress: '127.0.0.1', ...options })
  t.teardown(() => server.close().catch(() => {}))
  await server.opened
  return server
}

/** A client of Node's that is connected to `port`. */
async function client(t, port) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** The states that `promise` finds `socket` in when it settles, whatever it comes to. */
function stateAt(promise, socket) {
  const look = () => socket.readyState
  return promise.then(look, look)
}

module.exports = { client, listener, pair, rest, stateAt, text }
