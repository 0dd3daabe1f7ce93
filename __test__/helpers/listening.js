'use strict'

// A server of Node's own for as long as a test runs, also where it fails: with its connections it is gone afterwards.

const { once } = require('node:events')

/** Starts `server`, of node:net or node:tls, on loopback. Returns its port. */
async function listening(t, server) {
  const sockets = new Set()
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
    })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return server.address().port
}

module.exports = { listening }
