// Run with `node --import moz-tcp-socket/register`: the API is where Firefox OS had it.

import assert from 'node:assert/strict'

import * as moz from 'moz-tcp-socket'

assert.equal(navigator.mozTCPSocket, moz.mozTCPSocket)
assert.equal(navigator.TCPSocket, moz.mozTCPSocket)
for (const name of Object.keys(moz)) {
  if (name.startsWith('TCP')) assert.equal(globalThis[name], moz[name], name)
}

// As a Firefox OS application wrote it.
const server = navigator.mozTCPSocket.listen(0, { binaryType: 'arraybuffer' }, -1)
server.onconnect = function (socket) {
  socket.ondata = function (event) {
    socket.send(event.data, 0, event.data.byteLength)
  }
}
const socket = (navigator.TCPSocket || navigator.mozTCPSocket).open('127.0.0.1', String(server.localPort))
socket.onopen = () => socket.send('ping')
socket.ondata = (event) => {
  assert.equal(event.data, 'ping')
  socket.close()
}
socket.onclose = () => {
  server.close()
  console.log('ok')
}
