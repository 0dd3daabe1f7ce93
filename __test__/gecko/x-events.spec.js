'use strict'

// Appendix X: the event objects, and handlers that throw..

const test = require('ava')

const { TCPServerSocketEvent, TCPSocketErrorEvent, TCPSocketEvent, mozTCPSocket } = require('../../index.js')
const { deferred, scope } = require('../helpers/sockets.js')
const { refusedPort } = require('./helpers/ports.js')
const { resultOf } = require('./helpers/run-script.js')

for (const way of ['attribute', 'listener']) {
  test(`X-19 an exception in a handler (${way}) is reported, and stops no later event`, async (t) => {
    t.deepEqual(await resultOf(t, 'throwing-handlers.js', way), {
      seen: ['open', 'drain', 'close'],
      text: 'onetwo',
      throwers: ['close', 'data', 'data', 'drain', 'open'],
      reported: true,
    })
  })
}

test('X-25 open, data, drain and close have type, target and data', async (t) => {
  const { client, clientEvents, accepted } = await scope(t).pair()
  client.send(new ArrayBuffer(100000))
  accepted.send('hello')
  await Promise.all([clientEvents.event('drain'), clientEvents.data(5)])
  client.close()
  await clientEvents.closed()
  t.deepEqual([...new Set(clientEvents.types)].toSorted(), ['close', 'data', 'drain', 'open'])
  for (const event of clientEvents.events) {
    t.true(event instanceof TCPSocketEvent, event.type)
    t.true(event instanceof Event, event.type)
    t.is(event.target, client, event.type)
    t.deepEqual([event.bubbles, event.cancelable], [false, false], event.type)
    // Decision Q-04: "" as in the first generation and the documentation; the second had undefined.
    if (event.type === 'data') t.true(event.data instanceof ArrayBuffer)
    else t.is(event.data, '', event.type)
  }
})

test('X-25 a handler attribute gets the event as its only argument, and the socket as this', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', port)
  const calls = []
  const types = ['open', 'close']
  for (const type of types) {
    socket[`on${type}`] = function handler(...args) {
      calls.push({ self: this, args })
    }
  }
  await events.event('open')
  socket.close()
  await events.closed()
  t.is(calls.length, types.length)
  calls.forEach(({ self, args }, index) => {
    t.is(self, socket)
    t.is(args.length, 1)
    t.is(args[0].type, types[index])
    t.is(args[0].target, socket)
    t.is(args[0].data, '')
  })
})

test('X-25 an error has what readers of both generations look for', async (t) => {
  const { port, release } = await refusedPort()
  t.teardown(release)
  const [socket, events] = scope(t).open('127.0.0.1', port)
  const error = await events.event('error')
  t.true(error instanceof TCPSocketErrorEvent)
  t.is(error.type, 'error')
  t.is(error.target, socket)
  t.is(error.name, 'ConnectionRefusedError')
  t.is(error.message, 'Network')
  // Decision Q-07: the second generation's number; the first wrote the one of "not connected".
  t.is(error.errorCode, 0x804b000d)
  t.true(error.data instanceof Error)
  t.is(error.data.name, 'ConnectionRefusedError')
  t.is(error.data.code, 'ECONNREFUSED')
  t.true(error.data.message.includes(`127.0.0.1 port ${port}`), error.data.message)
  t.true(String(error.data).startsWith('ConnectionRefusedError: '))
  await events.closed()
})

test('X-25 an event is at its target, and isTrusted is false', async (t) => {
  // In Gecko: true.
  const own = scope(t)
  const { server, port } = own.listen()
  const connected = deferred()
  server.onconnect = (event) => {
    own.watch(event.socket)
    connected.resolve([event.isTrusted, event.eventPhase, event.composedPath()])
  }
  own.open('127.0.0.1', port)
  t.deepEqual(await connected.promise, [false, Event.AT_TARGET, [server]])
})

test('X-25 connect has the socket, as socket and as data', async (t) => {
  const own = scope(t)
  const { server, port } = own.listen()
  const connected = deferred()
  server.onconnect = connected.resolve
  own.open('127.0.0.1', port)
  const event = await connected.promise
  own.watch(event.socket)
  t.true(event instanceof TCPServerSocketEvent)
  t.is(event.type, 'connect')
  t.is(event.target, server)
  t.is(event.socket.readyState, 'open')
  t.is(event.data, event.socket)
})

test('X-25 scripts can make the events', (t) => {
  t.is(new TCPSocketEvent('data', { data: 'x' }).data, 'x')
  t.is(new TCPSocketEvent('data').data, null)
  const { type, name, message, errorCode } = new TCPSocketErrorEvent('error', {
    name: 'a',
    message: 'b',
    errorCode: 5,
  })
  t.deepEqual({ type, name, message, errorCode }, { type: 'error', name: 'a', message: 'b', errorCode: 5 })
  t.is(new TCPServerSocketEvent('connect', { socket: mozTCPSocket }).socket, mozTCPSocket)
})
