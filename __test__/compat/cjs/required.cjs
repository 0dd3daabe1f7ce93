'use strict'

// CommonJS: `require` by name, the module of an import, and no other entry than the documented ones.

const assert = require('node:assert/strict')

const moz = require('moz-tcp-socket')

assert.throws(() => require('moz-tcp-socket/lib/tcp-socket.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
assert.equal(require('moz-tcp-socket/package.json').name, 'moz-tcp-socket')

const server = new moz.TCPServerSocket(0)
server.onconnect = (event) => {
  event.socket.send('hello')
  event.socket.close()
}
const socket = moz.TCPSocket.open('127.0.0.1', server.localPort)
let text = ''
socket.ondata = (event) => {
  text += event.data
}
socket.onclose = async () => {
  server.close()
  assert.equal(text, 'hello')
  assert.equal((await import('moz-tcp-socket')).TCPSocket, moz.TCPSocket)
  console.log('ok')
}
