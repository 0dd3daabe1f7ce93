// ECMAScript modules: named imports, the default import, a namespace, and top-level await that lets the process end.

import assert from 'node:assert/strict'
import { once } from 'node:events'

import moz, {
  AllowList,
  TCPServerSocket,
  TCPServerSocketEvent,
  TCPSocket,
  TCPSocketErrorEvent,
  TCPSocketEvent,
  UDPMessageEvent,
  UDPSocket,
  mozTCPSocket,
  createGlobals,
  createNavigator,
  setPolicy,
} from 'moz-tcp-socket'
import * as namespace from 'moz-tcp-socket'

const names = {
  AllowList,
  TCPServerSocket,
  TCPServerSocketEvent,
  TCPSocket,
  TCPSocketErrorEvent,
  TCPSocketEvent,
  UDPMessageEvent,
  UDPSocket,
  mozTCPSocket,
  createGlobals,
  createNavigator,
  setPolicy,
}
assert.deepEqual(Object.keys(moz).sort(), Object.keys(names).sort())
for (const [name, value] of Object.entries(names)) {
  assert.equal(moz[name], value)
  assert.equal(namespace[name], value)
}

const server = mozTCPSocket.listen(0)
server.onconnect = (socket) => {
  socket.ondata = ({ data }) => socket.send(data.toUpperCase())
}
const socket = new TCPSocket('127.0.0.1', server.localPort)
await once(socket, 'open')
socket.send('hello')
const [event] = await once(socket, 'data')
assert.equal(event.data, 'HELLO')
socket.close()
await once(socket, 'close')
server.close()
console.log('ok')
