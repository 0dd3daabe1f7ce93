'use strict'

// Peers for the specs of faces: servers of node:net and node:tls, torn down with their test, also where it fails; and what is read of streams.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const { listening } = require('../../helpers/listening.js')
const { makePki } = require('../../helpers/pki.js')

/** A TCP server that calls `serve` with each connection. It leaves a peer's end to `serve`. */
async function serverOf(t, serve, options = { allowHalfOpen: true }) {
  return listening(t, net.createServer(options, serve))
}

/** The same with TLS. */
function secureServerOf(t, serve, options = {}) {
  const { cert, key } = makePki()
  return listening(t, tls.createServer({ cert, key, ...options }, serve))
}

const echo = (socket) => socket.pipe(socket)

/** Everything that `readable` gives, as one Buffer. */
async function all(readable) {
  const chunks = []
  for await (const chunk of readable) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** So many bytes of `reader`, as one Buffer. */
async function take(reader, length) {
  const chunks = []
  for (let have = 0; have < length;) {
    const { value, done } = await reader.read()
    if (done) break
    chunks.push(value)
    have += value.length
  }
  return Buffer.concat(chunks)
}

/** What the peer gets until it ends. */
async function received(peer) {
  const chunks = []
  peer.on('data', (chunk) => chunks.push(chunk))
  await once(peer, 'end')
  return Buffer.concat(chunks)
}

/** What `promise` rejects with; the test fails where it does not. */
async function reasonOf(promise) {
  try {
    await promise
  } catch (reason) {
    return reason
  }
  throw new Error('it fulfilled')
}

module.exports = { all, echo, listening, reasonOf, received, secureServerOf, serverOf, take }
