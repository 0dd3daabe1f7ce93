'use strict'

// Sockets of moz-tcp-socket/direct for its specs, closed with their test whatever is locked, and their peers.

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/direct')
const peers = require('../helpers/peers.js')

const bytes = (text) => Buffer.from(text)
const text = (chunk) => Buffer.from(chunk).toString()

/** Closes `socket`, which may be locked, at the end of the test. Returns it. */
function disposed(t, socket) {
  t.teardown(() => dispose(socket))
  return socket
}

/** Closes it whatever is locked, also where Node.js has no `Symbol.asyncDispose`. */
async function dispose(socket) {
  await socket[Symbol.asyncDispose]?.()
}

/** A client that is connected to 127.0.0.1, with what `opened` tells. */
async function open(t, port, options) {
  const socket = disposed(t, new TCPSocket('127.0.0.1', port, options))
  return { socket, ...(await socket.opened) }
}

/** A client, and the server's end of its connection, a socket of node:net. */
async function pair(t, answer = () => {}, options = undefined) {
  let accepted
  const peer = new Promise((resolve) => (accepted = resolve))
  const port = await peers.serverOf(t, (socket) => {
    accepted(socket)
    answer(socket)
  })
  return { ...(await open(t, port, options)), peer: await peer, port }
}

/** A server, with what `opened` tells. */
async function serve(t, options = undefined, address = '127.0.0.1') {
  const server = disposed(t, new TCPServerSocket(address, options))
  return { server, ...(await server.opened) }
}

/** Writes once, and lets the stream go. */
async function send(writable, chunk) {
  const writer = writable.getWriter()
  try {
    await writer.write(chunk)
  } finally {
    writer.releaseLock()
  }
}

/** Reads once, and lets the stream go. */
async function next(readable) {
  const reader = readable.getReader()
  try {
    return await reader.read()
  } finally {
    reader.releaseLock()
  }
}

/** `count` bytes of a pattern that shows what is missing or twice. */
function pattern(count, from = 0) {
  return Uint8Array.from({ length: count }, (_, i) => (from + i) % 251)
}

module.exports = { ...peers, bytes, dispose, disposed, next, open, pair, pattern, send, serve, text }
