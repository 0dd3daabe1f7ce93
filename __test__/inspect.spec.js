'use strict'

// What console.log shows of sockets and listeners, whose attributes are no properties of their own.

const { inspect } = require('node:util')

const test = require('ava')

const { TCPSocket, mozTCPSocket } = require('../index.js')
const { scope } = require('./helpers/sockets.js')

test('the attributes of a socket are shown', async (t) => {
  const { socket } = await scope(t).toNode()
  socket.send('12345')
  const expected =
    "TCPSocket { host: '127.0.0.1', port: PORT, ssl: false, tls: null, bufferedAmount: 5, " +
    "binaryType: 'arraybuffer', readyState: 'open', localAddress: '127.0.0.1', localPort: LOCAL, " +
    "remoteAddress: '127.0.0.1', remotePort: PORT, bytesRead: 0, bytesWritten: 5 }"
  const shown = expected.replaceAll('PORT', socket.port).replace('LOCAL', socket.localPort)
  t.is(inspect(socket, { breakLength: Infinity }), shown)
})

test('the attributes of a listener are shown', (t) => {
  const { server, port } = scope(t).listen()
  const expected = `TCPServerSocket { localAddress: '0.0.0.0', localPort: ${port}, failedHandshakes: 0 }`
  t.is(inspect(server, { breakLength: Infinity }), expected)
})

test('so are properties of its own, and the name of its class', async (t) => {
  class Session extends TCPSocket {
    user = 'me'
  }
  const own = scope(t)
  const session = new Session('127.0.0.1', (await own.netServer()).port)
  own.watch(session)
  t.regex(inspect(session), /^Session \{[^]*readyState: 'connecting',[^]*\s+user: 'me'\s+\}$/)
})

test('an assertion library may ask with fewer arguments than Node', (t) => {
  const { server, port } = scope(t).listen()
  const show = server[inspect.custom]
  const expected = `TCPServerSocket { localAddress: '0.0.0.0', localPort: ${port}, failedHandshakes: 0 }`
  const inOneLine = (text) => text.replaceAll(/\s+/g, ' ')
  t.is(inOneLine(show.call(server, 2, {})), expected)
  t.is(inOneLine(show.call(server, 2)), expected)
})

test('the factory is shown as the socket that it is', (t) => {
  t.regex(inspect(mozTCPSocket), /^TCPSocket \{\s+host: '',\s+port: 0,/)
})

test('deep inside other objects a socket is only named', async (t) => {
  const { socket } = await scope(t).toNode()
  t.is(inspect({ a: { socket } }, { depth: 1 }), '{ a: { socket: [TCPSocket] } }')
})

test('what is no socket, but looks like one, is shown without an exception', (t) => {
  for (const other of [TCPSocket.prototype, Object.create(TCPSocket.prototype)]) {
    t.regex(inspect(other), /host/)
    t.notThrows(() => inspect(other, { depth: null, showHidden: true, getters: true }))
  }
})
