'use strict'

// A connection between one of our sockets and one of node:net, where either may be the one that connected: what holds for
// a client has to hold for an accepted socket as well.

const { once } = require('node:events')
const net = require('node:net')

const { hasIPv6 } = require('./needs.js')
const { tlsServer, trusting } = require('./tls-peers.js')
const { listenSecurely, secured } = require('./tls-servers.js')

/** Which end is ours. */
const SIDES = ['client', 'server']

/** `[name, secure]` of each. */
const TRANSPORTS = [
  ['plain', false],
  ['TLS', true],
]

/** The loopback addresses of this machine. */
const LOOPBACKS = hasIPv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']

/** A `node:net` client that ignores its errors, and is destroyed when the test ends. It may still be connecting. */
function netClient(own, port, options = {}) {
  const peer = net.connect({ port, host: '127.0.0.1', noDelay: true, ...options })
  peer.on('error', () => {})
  own.onEnd(() => peer.destroy())
  return peer
}

/**
 * Our end of the connection is the `side`, with `options`; the other one is node's, with `peerOptions`. Resolves with `{ socket, events,
 * peer, raw }` once both are open. `secure` is TLS from the first byte; then `raw` is what is below the peer's, else it is the peer.
 */
async function meetNode(own, side, { host = '127.0.0.1', secure = false, options, peerOptions } = {}) {
  const ours = { binaryType: 'arraybuffer', ...options }
  if (side === 'client') {
    const server = secure
      ? await tlsServer(own, 'good', { host, ...peerOptions }, () => {})
      : await own.netServer({ host, ...peerOptions })
    const connected = once(server.server, 'connection')
    const greeted = secure ? once(server.server, 'secureConnection') : connected
    const [socket, events] = own.open(host, server.port, secure ? trusting(ours) : ours)
    const [[raw], [peer]] = await Promise.all([connected, greeted, events.event('open')])
    return { socket, events, peer, raw }
  }
  const at = { localAddress: host, ...ours }
  const { port, accepted } = secure ? listenSecurely(own, at) : own.listen(at)
  const raw = netClient(own, port, { host, ...peerOptions })
  const peer = secure ? secured(own, raw) : raw
  const [[socket, events]] = await Promise.all([accepted(), once(peer, secure ? 'secureConnect' : 'connect')])
  return { socket, events, peer, raw }
}

/** Resolves when a socket of node has closed, also with an error. */
function gone(peer) {
  return peer.closed ? Promise.resolve() : new Promise((resolve) => peer.once('close', resolve))
}

/** What `events` tell, `data` left out, of an end of `side` where nothing but `more` happened after it was open. */
function after(side, ...more) {
  return side === 'client' ? ['open', ...more] : more
}

module.exports = { LOOPBACKS, SIDES, TRANSPORTS, after, gone, meetNode, netClient }
