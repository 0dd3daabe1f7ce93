'use strict'

// A server for very many connections, in a process of its own, so that its descriptors and its memory are not the caller's: drops what
// comes, and ends with its client. Sends its port, and tells how many connections it has when asked. Ends with its parent.

const net = require('node:net')

let connections = 0
const server = net.createServer({ noDelay: true }, (socket) => {
  connections++
  socket
    .on('error', () => {})
    .on('close', () => connections--)
    .resume()
})

// Every loopback address: each has ephemeral ports of its own.
server.listen({ port: 0, host: '0.0.0.0', backlog: 20_000 }, () =>
  process.send({ port: server.address().port }),
)
process.on('message', () => process.send({ connections }))
process.on('disconnect', () => process.exit())
