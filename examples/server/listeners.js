'use strict'

// Three ways to the same mailbox: a TCPServerSocket of this package for plain connections, and Node's own sockets
// where the server speaks TLS, behind STLS and from the first byte, so that the client meets the TLS of others.
// TCPServerSocket speaks it as well.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const { Session } = require('./session.js')

const LOOPBACK = '127.0.0.1'

/** Serves `account` on three free ports: `{ plain, stls, tls, waits(), close() }`, the first three being the ports. */
async function serve(account, { cert, key }) {
  const secureContext = tls.createSecureContext({ cert, key })
  const sessions = []
  const sockets = new Set()
  const begin = (wire, options) => {
    const session = new Session(account, wire, options)
    sessions.push(session)
    return session
  }

  const plain = navigator.mozTCPSocket.listen(0, { binaryType: 'string', localAddress: LOOPBACK })
  plain.onconnect = (socket) => {
    const session = begin({
      send: (bytes) => socket.send(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      end: () => socket.close(),
    })
    socket.ondata = ({ data }) => session.received(data)
    socket.ondrain = () => session.drained()
    sockets.add(socket)
    socket.onclose = () => sockets.delete(socket)
  }

  function onNode(socket, { startTls, ...options } = {}) {
    const session = begin(
      { send: (bytes) => socket.write(bytes), end: () => socket.end(), startTls },
      options,
    )
    socket.on('data', (bytes) => session.received(bytes.toString('latin1')))
    socket.on('drain', () => session.drained())
    watch(socket)
  }
  function watch(socket) {
    sockets.add(socket)
    // That a client left, or did not trust the certificate, is for the client to report.
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }

  const stls = net.createServer({ noDelay: true }, (socket) => {
    onNode(socket, {
      startTls() {
        for (const event of ['data', 'drain']) socket.removeAllListeners(event)
        onNode(new tls.TLSSocket(socket, { isServer: true, secureContext }), { greet: false })
      },
    })
  })
  const implicit = tls.createServer({ noDelay: true, cert, key }, (socket) => onNode(socket))
  implicit.on('connection', watch)
  for (const server of [stls, implicit]) {
    server.listen(0, LOOPBACK)
    await once(server, 'listening')
  }

  return {
    host: LOOPBACK,
    plain: plain.localPort,
    stls: stls.address().port,
    tls: implicit.address().port,
    /** How often a session had to wait for its client. */
    waits: () => sessions.reduce((sum, session) => sum + session.waits, 0),
    close() {
      for (const server of [plain, stls, implicit]) server.close()
      for (const socket of sockets) (socket.closeImmediately ?? socket.destroy).call(socket)
    },
  }
}

module.exports = { serve }
