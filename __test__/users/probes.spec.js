'use strict'

// How applications find the API and what they pass to it: existence probes, options of every generation, ports and
// results as they come (users.md sections 1, 2 and 5).

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const api = require('../../index.js')
const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')

test('navigator.TCPSocket || navigator.mozTCPSocket: there, objects with open and listen, and they work', async (t) => {
  const script = join(__dirname, '../fixtures/users/navigator.js')
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  t.deepEqual(JSON.parse(stdout), {
    'mozTCPSocket in navigator': true,
    'typeof navigator.mozTCPSocket': 'object',
    'typeof navigator.TCPSocket.open': 'function',
    'typeof api.listen': 'function',
    globals: ['TCPSocket', 'TCPServerSocket', 'TCPSocketEvent', 'TCPSocketErrorEvent'],
    data: 'hi',
  })
})

test('tcp-socket: the API is an object for typeof, not a function', (t) => {
  t.is(typeof mozTCPSocket, 'object')
})

test('fxos-certsuite: open and listen are in mozTCPSocket, and are functions', (t) => {
  for (const name of ['open', 'listen']) {
    t.true(name in mozTCPSocket)
    t.is(typeof mozTCPSocket[name], 'function')
  }
})

test('WebAPI self-test: every member of the first generation is on mozTCPSocket itself', (t) => {
  const members = ['host', 'port', 'ssl', 'bufferedAmount', 'binaryType', 'readyState']
  const methods = ['open', 'listen', 'suspend', 'resume', 'close', 'send', 'upgradeToSecure']
  const handlers = ['onopen', 'ondrain', 'ondata', 'onerror', 'onclose']
  for (const name of [...members, ...methods, ...handlers]) t.not(mozTCPSocket[name], undefined, name)
  t.is(mozTCPSocket.readyState, 'closed')
  t.is(mozTCPSocket.bufferedAmount, 0)
  t.is(mozTCPSocket.host, '')
  t.is(mozTCPSocket.port, 0)
  t.is(mozTCPSocket.ssl, false)
  t.is(mozTCPSocket.binaryType, 'string')
  for (const name of handlers) t.is(mozTCPSocket[name], null, name)
  t.throws(() => mozTCPSocket.send('x'), { message: 'Socket not open.' })
  t.notThrows(() => mozTCPSocket.close())
})

test('emailjs clients: the class itself has open(), which makes a socket', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const { open } = TCPSocket
  const socket = open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  t.true(socket instanceof TCPSocket)
  await own.watch(socket).event('open')
  t.pass()
})

test('the class itself has listen(), whose onconnect gets the socket, as that of mozTCPSocket does', async (t) => {
  const own = scope(t)
  const { listen } = TCPSocket
  const server = listen(0, { binaryType: 'arraybuffer', localAddress: '127.0.0.1' })
  own.onEnd(() => server.close())
  t.true(server instanceof TCPServerSocket)
  const connected = new Promise((resolve) => (server.onconnect = resolve))
  const [client] = own.open('127.0.0.1', server.localPort)
  const accepted = await connected
  const events = own.watch(accepted)
  t.true(accepted instanceof TCPSocket)
  t.is(accepted.socket, accepted)
  t.is(accepted.binaryType, 'arraybuffer')
  client.close()
  t.deepEqual(await events.closed(), ['close'])
})

test('CIRCuit, Loqui: open(host, port) without options is a string socket without TLS', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  for (const options of [[], [undefined], [null], [{}]]) {
    const socket = mozTCPSocket.open('127.0.0.1', server.port, ...options)
    t.is(socket.binaryType, 'string')
    t.false(socket.ssl)
    t.is(socket.readyState, 'connecting')
    await own.watch(socket).event('open')
  }
})

test('FoxyMPD, Commander, relay chat: the port may be a string, and is a number afterwards', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [host, port] = `127.0.0.1:${server.port}`.split(':')
  const socket = mozTCPSocket.open(host, port)
  const events = own.watch(socket)
  await events.event('open')
  t.is(socket.port, server.port)
  t.is(socket.host, '127.0.0.1')
})

test('fxos-irc, gelam: useSSL and useSecureTransport together, both false or both true', (t) => {
  const own = scope(t)
  for (const value of [false, true]) {
    const socket = mozTCPSocket.open('127.0.0.1', 9, { useSSL: value, useSecureTransport: value })
    own.watch(socket)
    t.is(socket.ssl, value)
  }
})

test('1.0-era code: useSSL alone is never silent cleartext', (t) => {
  const socket = mozTCPSocket.open('127.0.0.1', 9, { useSSL: true })
  scope(t).watch(socket)
  t.true(socket.ssl)
})

test('pluotsorbet, WebAPI_pf: bad host or port is a synchronous throw, and no socket is left', (t) => {
  for (const [host, port] of [
    ['', 80],
    ['a b', 80],
    ['localhost', 0],
    ['localhost', 65536],
    ['localhost', -1],
    ['localhost', 'http'],
    ['localhost', NaN],
    ['localhost', undefined],
  ]) {
    const error = t.throws(() => mozTCPSocket.open(host, port), undefined, `${host}:${port}`)
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
})

test('kaios-types: the classes are EventTargets, with the names that toString shows', (t) => {
  const own = scope(t)
  const server = new TCPServerSocket(0)
  own.onEnd(() => server.close())
  const [socket] = own.open('127.0.0.1', server.localPort)
  t.true(socket instanceof EventTarget)
  t.true(server instanceof EventTarget)
  t.is(String(socket), '[object TCPSocket]')
  t.is(String(server), '[object TCPServerSocket]')
})

test('Thunderbird: isInstance tells objects of each class from all others, and from what is no object', (t) => {
  const server = new TCPServerSocket(0)
  server.close()
  const objects = {
    TCPSocket: mozTCPSocket,
    TCPServerSocket: server,
    TCPSocketEvent: new api.TCPSocketEvent('data', { data: 'x' }),
    TCPSocketErrorEvent: new api.TCPSocketErrorEvent('error', { name: 'NetworkError' }),
    TCPServerSocketEvent: new api.TCPServerSocketEvent('connect'),
  }
  const others = [undefined, null, 0, 'error', Symbol('error'), {}, Object.create(null), new Event('error')]
  for (const name of Object.keys(objects)) {
    const { isInstance } = api[name]
    for (const [other, object] of Object.entries(objects)) t.is(isInstance(object), other === name, other)
    for (const value of others) t.false(isInstance(value), String(value?.constructor ?? 'nothing'))
    t.false(isInstance(), name)
  }
})

test('cordova: the result of open() can be handed to a callback, and handlers set there', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.write('x'))
  const success = (socket) => {
    own.watch(socket)
    return new Promise((resolve) => (socket.ondata = ({ data }) => resolve(data)))
  }
  t.is(await success(mozTCPSocket.open('127.0.0.1', server.port)), 'x')
})
