'use strict'

// Appendix X: how the peer's end reaches the application..

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')

const test = require('ava')

const { arrayBuffer, receive, scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const api = require('../../index.js')

for (const size of [1, 65536, 300000]) {
  test(`X-05 bytes (${size}) and FIN from the peer: all of them arrive, then close, no error`, async (t) => {
    const bytes = randomBytes(size)
    const own = scope(t)
    const server = await own.netServer({}, (peer) => peer.end(bytes))
    const [, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.deepEqual(Buffer.concat(events.chunks), bytes)
    t.is(events.types.at(-1), 'close')
  })
}

test('X-05 an accepted socket gets everything before close as well', async (t) => {
  const bytes = randomBytes(300000)
  const { client, acceptedEvents } = await scope(t).pair()
  client.send(arrayBuffer(bytes))
  client.close()
  t.deepEqual(await acceptedEvents.closed(), ['close'])
  t.deepEqual(Buffer.concat(acceptedEvents.chunks), bytes)
})

test('X-06 a reset after open is a NetworkError and then close, the state closed in both', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const states = []
  socket.onerror = () => states.push(['error', socket.readyState])
  socket.onclose = () => states.push(['close', socket.readyState])
  peer.resetAndDestroy()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.deepEqual(states, [
    ['error', 'closed'],
    ['close', 'closed'],
  ])
  const error = await events.event('error')
  t.is(error.name, 'NetworkError')
  t.is(error.data.name, 'NetworkError')
  t.is(error.data.code, 'ECONNRESET')
})

test('X-06 between error and close the socket is closed already, and whatever it is told changes nothing', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const notOpen = { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' }
  const look = () => {
    t.is(socket.readyState, 'closed')
    t.is(socket.bufferedAmount, 0)
    t.throws(() => socket.send('x'), notOpen)
    t.throws(() => socket.upgradeToSecure(), notOpen)
    socket.suspend()
    socket.resume()
    socket.close()
    socket.closeImmediately()
    t.is(socket.unref().ref(), socket)
  }
  socket.onerror = async () => {
    look()
    await undefined
    t.deepEqual(events.types, ['open', 'error'])
    look()
  }
  peer.resetAndDestroy()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  await new Promise((resolve) => setImmediate(resolve))
  look()
  t.deepEqual(events.types, ['open', 'error', 'close'])
})

test('X-06 a socket that is suspended in its error handler closes all the same', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.onerror = () => socket.suspend()
  peer.resetAndDestroy()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
})

test('X-07 the peer ends while our queue is full: everything is flushed, then drain, then close', async (t) => {
  // Decision Q-11: Gecko never reported close in this case.
  const bytes = randomBytes(16 * 1024 * 1024)
  const { socket, events, peer } = await scope(t).toNode(
    { binaryType: 'arraybuffer' },
    { allowHalfOpen: true },
  )
  peer.pause()
  t.false(socket.send(arrayBuffer(bytes)))
  peer.end('last words')
  await Promise.all([once(peer, 'finish'), events.data(10)])
  // The end right behind these words has had all the time it needs.
  await settle(api)
  t.is(socket.readyState, 'open')
  t.true(socket.bufferedAmount > 0)
  t.deepEqual(events.types, ['open', 'data'])
  const received = await receive(peer)
  t.true(received.equals(bytes))
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
})

test('X-07 without an overfull send before, the end is just close', async (t) => {
  const { socket, events, peer } = await scope(t).toNode(
    { binaryType: 'arraybuffer' },
    { allowHalfOpen: true },
  )
  socket.send('few')
  peer.end()
  const [received, types] = await Promise.all([receive(peer), events.closed()])
  t.is(String(received), 'few')
  t.deepEqual(types, ['open', 'close'])
})

test('X-23 a name that does not exist is a DomainNotFoundError, then close', async (t) => {
  // Decision Q-05: Gecko said ConnectionRefusedError. No label of a name may be longer than 63 bytes, so every resolver
  // knows the answer without asking anybody.
  const host = `${'a'.repeat(64)}.invalid`
  const [socket, events] = scope(t).open(host, 80)
  t.is(socket.readyState, 'connecting')
  t.deepEqual(await events.closed(), ['error', 'close'])
  const error = await events.event('error')
  t.is(error.name, 'DomainNotFoundError')
  t.is(error.message, 'Network')
  t.is(error.errorCode, 0x804b001e)
  t.is(error.data.name, 'DomainNotFoundError')
  t.true(error.data.message.includes(host))
  t.is(socket.host, host)
})
