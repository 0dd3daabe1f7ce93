'use strict'

// The other end of cost.js, in a process of its own: a server of node:tls for each version, with and without sessions to
// take up. It says one byte, which comes behind its tickets. Ends with its parent.

const { constants } = require('node:crypto')
const { once } = require('node:events')
const tls = require('node:tls')

process.once('message', async ({ cert, key, versions, kinds }) => {
  const ports = {}
  for (const version of versions) {
    for (const kind of kinds) {
      const server = tls.createServer({
        cert,
        key,
        noDelay: true,
        minVersion: version,
        maxVersion: version,
        secureOptions: kind === 'full' ? constants.SSL_OP_NO_TICKET : undefined,
      })
      server.on('secureConnection', (socket) => {
        socket.on('error', () => {}).resume()
        socket.write('x')
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      ports[`${version} ${kind}`] = server.address().port
    }
  }
  process.send(ports)
})

process.once('disconnect', () => process.exit())
