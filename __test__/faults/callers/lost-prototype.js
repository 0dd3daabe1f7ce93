'use strict'

// A socket with listeners, which loses its prototype when it is open: Node takes it for no EventTarget any more. Prints the codes of
// the exceptions that nobody catches, whether the connection is closed, and how the peer learns of it. Ends by itself.

const net = require('node:net')

const { TCPSocket } = require('../../../index.js')

const { prototype } = TCPSocket
const exceptions = []
process.on('uncaughtException', ({ code }) => exceptions.push(code))

const server = net.createServer((peer) => {
  let how = 'nothing'
  peer
    .on('error', () => (how = 'error'))
    .on('end', () => (how = 'end'))
    .on('close', () => {
      server.close()
      const closed = Reflect.get(prototype, 'readyState', socket) === 'closed'
      setImmediate(() => console.log(JSON.stringify({ exceptions, closed, peer: how })))
    })
    .write('data')
})

let socket
server.listen(0, '127.0.0.1', () => {
  socket = new TCPSocket('127.0.0.1', server.address().port)
  socket.addEventListener('data', () => {})
  socket.addEventListener('close', () => {})
  socket.onopen = () => {
    Object.setPrototypeOf(socket, null)
    // When `data` has come and gone.
    setImmediate(() => setImmediate(() => prototype.close.call(socket)))
  }
})
