'use strict'

// Appendix X: what the state of a socket allows. X-01 ….

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const { refusedPort } = require('./helpers/ports.js')
const api = require('../../index.js')

const notOpen = { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' }

test('X-01 send throws while connecting, closing and closed, and sends nothing', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  t.is(socket.readyState, 'connecting')
  t.throws(() => socket.send('connecting'), notOpen)
  t.is(socket.bufferedAmount, 0)
  const [peer] = await Promise.all([server.connection(), events.event('open')])
  const received = receive(peer)
  socket.send('open')
  socket.close()
  t.is(socket.readyState, 'closing')
  t.throws(() => socket.send('closing'), notOpen)
  await events.closed()
  t.is(socket.readyState, 'closed')
  t.throws(() => socket.send('closed'), notOpen)
  t.is(String(await received), 'open')
})

test('X-01 the exception has the result of the second generation', (t) => {
  const error = t.throws(() => api.mozTCPSocket.send('a'), notOpen)
  t.is(error.result, 0x80004005)
})

test('X-02 handlers attached after open() returned still get open', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const socket = api.mozTCPSocket.open('127.0.0.1', server.port)
  t.teardown(() => socket.closeImmediately())
  const seen = []
  // Not even a microtask may run the event ahead of the handler.
  await Promise.resolve()
  const opened = new Promise((resolve) => {
    socket.onopen = (event) => {
      seen.push('onopen')
      t.is(event.type, 'open')
    }
    socket.addEventListener('open', () => {
      seen.push('listener')
      resolve()
    })
  })
  t.deepEqual(seen, [])
  await opened
  t.deepEqual(seen, ['onopen', 'listener'])
})

test('X-03 closing twice closes once', async (t) => {
  const { client, clientEvents } = await scope(t).pair()
  client.close()
  t.notThrows(() => client.close())
  t.deepEqual(await clientEvents.closed(), ['open', 'close'])
  t.notThrows(() => client.close())
  await settle(api)
  t.deepEqual(clientEvents.types, ['open', 'close'])
})

for (const type of ['open', 'data', 'drain', 'close']) {
  test(`X-03 close() inside on${type} is followed by exactly one close`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, (peer) => peer.resume().write('data'))
    const [socket, events] = own.open('127.0.0.1', server.port)
    const calls = []
    socket[`on${type}`] = () => {
      calls.push(t.notThrows(() => socket.close()))
      t.is(socket.readyState, type === 'close' ? 'closed' : 'closing')
    }
    await events.event('open')
    if (type === 'drain') socket.send(new ArrayBuffer(100000))
    if (type === 'close') socket.close()
    await events.event('close')
    await settle(api)
    t.is(calls.length, 1)
    t.is(events.types.filter((name) => name === 'close').length, 1)
    t.false(events.types.includes('error'))
  })
}

test('X-03 close() inside onerror is followed by exactly one close', async (t) => {
  const refused = await refusedPort()
  t.teardown(refused.release)
  const [socket, events] = scope(t).open('127.0.0.1', refused.port)
  socket.onerror = () => {
    t.notThrows(() => socket.close())
    t.is(socket.readyState, 'closed')
  }
  t.deepEqual(await events.closed(), ['error', 'close'])
  await settle(api)
  t.deepEqual(events.types, ['error', 'close'])
})

test('X-04 close() while connecting gives close, once, and no error', async (t) => {
  // Decision Q-09: Gecko reported ConnectionRefusedError first, although the application wanted the end.
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  socket.close()
  t.is(socket.readyState, 'closing')
  t.deepEqual(events.types, [])
  t.deepEqual(await events.closed(), ['close'])
  t.is(socket.readyState, 'closed')
  await settle(api)
  t.deepEqual(events.types, ['close'])
})

test('X-04 close() while a connection is being refused gives close, once, and no error', async (t) => {
  const refused = await refusedPort()
  t.teardown(refused.release)
  const [socket, events] = scope(t).open('127.0.0.1', refused.port)
  socket.close()
  t.deepEqual(await events.closed(), ['close'])
  await settle(api)
  t.deepEqual(events.types, ['close'])
})

test('X-24 a closed socket keeps what it knew, and has nothing buffered', async (t) => {
  const { socket, events, peer, port } = await scope(t).toNode()
  peer.resume()
  socket.send(new ArrayBuffer(200000))
  t.is(socket.bufferedAmount, 200000)
  socket.close()
  await events.closed()
  const { host, ssl, binaryType, readyState, bufferedAmount } = socket
  t.deepEqual(
    { host, port: socket.port, ssl, binaryType, readyState, bufferedAmount },
    {
      host: '127.0.0.1',
      port,
      ssl: false,
      binaryType: 'arraybuffer',
      readyState: 'closed',
      bufferedAmount: 0,
    },
  )
})

test('X-24 a socket whose connection broke with bytes unsent has nothing buffered either', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  peer.pause()
  socket.send(new ArrayBuffer(16 * 1024 * 1024))
  peer.resetAndDestroy()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.is(socket.bufferedAmount, 0)
  t.is(socket.host, '127.0.0.1')
})

test('X-24 a socket that was refused keeps host, port and options', async (t) => {
  const { port, release } = await refusedPort()
  t.teardown(release)
  const options = { useSecureTransport: true, binaryType: 'arraybuffer' }
  const [socket, events] = scope(t).open('127.0.0.1', port, options)
  t.deepEqual(await events.closed(), ['error', 'close'])
  const { host, ssl, binaryType, readyState, bufferedAmount } = socket
  t.deepEqual(
    { host, port: socket.port, ssl, binaryType, readyState, bufferedAmount },
    {
      host: '127.0.0.1',
      port,
      ssl: true,
      binaryType: 'arraybuffer',
      readyState: 'closed',
      bufferedAmount: 0,
    },
  )
})
