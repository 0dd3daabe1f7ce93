'use strict'

// A port that refuses connections for as long as a test needs it.

const { once } = require('node:events')
const net = require('node:net')

/**
 * `{ port, release() }` of a port of 127.0.0.1 where nobody listens. It is the local port of a connection, bound
 * explicitly, so that until `release()` no other process is given it: neither a listener, nor the very client that is
 * to be refused (a client that draws its target as its own port connects to itself).
 */
async function refusedPort() {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const holder = net.connect({ port: server.address().port, host: '127.0.0.1', localAddress: '127.0.0.1' })
  const [[other]] = await Promise.all([once(server, 'connection'), once(holder, 'connect')])
  server.close()
  const release = () => {
    holder.destroy()
    other.destroy()
  }
  return { port: holder.localPort, release }
}

module.exports = { refusedPort }
