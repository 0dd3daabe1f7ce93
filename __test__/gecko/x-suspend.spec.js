'use strict'

// Appendix X: suspend and resume. X-08 … X-10.

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const api = require('../../index.js')

const notSuspended = {
  name: 'NS_ERROR_FAILURE',
  message: 'Calling resume() on a connection that was not suspended.',
}

/** The peer's bytes are in our kernel, and another connection has lived a whole life since. */
async function written(peer, bytes) {
  await new Promise((resolve) => peer.write(bytes, resolve))
  await settle(api)
}

test('X-08 suspended before open, a socket opens but delivers nothing until resumed', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  socket.suspend()
  const [peer] = await Promise.all([server.connection(), events.event('open')])
  await written(peer, 'hello')
  t.deepEqual(events.types, ['open'])
  socket.resume()
  t.is(String(await events.data(5)), 'hello')
})

test('X-08 suspends are counted: each needs a resume of its own', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.suspend()
  socket.suspend()
  await written(peer, 'hello')
  socket.resume()
  await settle(api)
  t.deepEqual(events.types, ['open'])
  socket.resume()
  t.is(String(await events.data(5)), 'hello')
  t.throws(() => socket.resume(), notSuspended)
})

test('X-08 suspends before and after open are counted together', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  socket.suspend()
  const [peer] = await Promise.all([server.connection(), events.event('open')])
  socket.suspend()
  socket.resume()
  await written(peer, 'hello')
  t.deepEqual(events.types, ['open'])
  socket.resume()
  t.is(String(await events.data(5)), 'hello')
})

test('X-08 resume without suspend throws in every state, and changes nothing', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  t.throws(() => socket.resume(), notSuspended)
  t.is(socket.readyState, 'connecting')
  const [peer] = await Promise.all([server.connection(), events.event('open')])
  t.throws(() => socket.resume(), notSuspended)
  t.is(socket.readyState, 'open')
  peer.write('hello')
  t.is(String(await events.data(5)), 'hello')
  socket.close()
  t.throws(() => socket.resume(), notSuspended)
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.throws(() => socket.resume(), notSuspended)
  t.is(socket.readyState, 'closed')
})

test('X-08 suspend and resume answer nothing', async (t) => {
  const { socket } = await scope(t).toNode()
  t.is(socket.suspend(), undefined)
  t.is(socket.resume(), undefined)
})

test('X-08 a suspended socket still sends, and drain comes', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.suspend()
  peer.resume()
  t.false(socket.send(new ArrayBuffer(100000)))
  await events.event('drain')
  t.deepEqual(events.types, ['open', 'drain'])
})

test('X-09 suspend inside ondata stops further data, and resume loses none of it', async (t) => {
  const bytes = randomBytes(1024 * 1024)
  const { socket, events, peer } = await scope(t).toNode()
  socket.ondata = () => socket.suspend()
  peer.write(bytes)
  let rounds = 0
  while (events.bytes < bytes.length) {
    rounds++
    await events.when(() =>
      events.types.filter((type) => type === 'data').length >= rounds ? true : undefined,
    )
    await settle(api)
    t.is(events.types.filter((type) => type === 'data').length, rounds)
    socket.resume()
  }
  t.true(rounds > 1)
  t.true(Buffer.concat(events.chunks).equals(bytes))
})

test('X-10 the end of the peer is not seen while suspended: data and close come after resume', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.suspend()
  peer.end('last words')
  await once(peer, 'finish')
  await settle(api)
  t.deepEqual(events.types, ['open'])
  t.is(socket.readyState, 'open')
  socket.resume()
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(Buffer.concat(events.chunks).toString(), 'last words')
})

test('X-10 close() by the application needs no resume', async (t) => {
  // Decision Q-13: in Gecko the close event waited for resume, and the socket leaked.
  const { socket, events, peer } = await scope(t).toNode()
  socket.suspend()
  await written(peer, 'unread')
  socket.close()
  t.is(socket.readyState, 'closing')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(events.bytes, 0)
})
