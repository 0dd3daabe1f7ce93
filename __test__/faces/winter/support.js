'use strict'

// Clients of moz-tcp-socket/winter for its specs, and their peers.

const { connect, withOptions } = require('moz-tcp-socket/winter')
const { makePki } = require('../../helpers/pki.js')
const peers = require('../helpers/peers.js')

const { serverOf } = peers

/** `connect` of a binding that trusts the throwaway authority. */
function trusting(more) {
  return withOptions({ ca: makePki().ca, caOnly: true, ...more })
}

/** A client, and the server's end of its connection. */
async function pair(t, options, serve = () => {}) {
  let accepted
  const peer = new Promise((resolve) => (accepted = resolve))
  const port = await serverOf(t, (socket) => {
    accepted(socket)
    serve(socket)
  })
  const socket = connect({ hostname: '127.0.0.1', port }, options)
  t.teardown(() => socket.close().catch(() => {}))
  return { socket, peer: await peer }
}

module.exports = { ...peers, pair, trusting }
