'use strict'

// Appendix X: what exactly is sent and received, and when drain comes..

const { once } = require('node:events')
const path = require('node:path')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { arrayBuffer, receive, scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const api = require('../../index.js')

const FULL = 65536

test('X-11 a string is sent one byte for each character, zeros and all', async (t) => {
  const { socket, peer } = await scope(t).toNode({ binaryType: 'string' })
  t.true(socket.send('\u00e9\u0000\u00ff'))
  t.deepEqual([...(await receive(peer, 3))], [0xe9, 0x00, 0xff])
})

test('X-11 every byte is received as the character of its number', async (t) => {
  const all = Array.from({ length: 256 }, (_, index) => index)
  const { events, peer } = await scope(t).toNode({ binaryType: 'string' })
  peer.write(Buffer.from(all))
  await events.data(256)
  const pieces = events.events.filter(({ type }) => type === 'data').map(({ data }) => data)
  t.true(pieces.every((piece) => typeof piece === 'string' && piece.length > 0))
  t.is(pieces.join(''), String.fromCharCode(...all))
})

test('X-11 a character that is no byte is a TypeError, and nothing is sent', async (t) => {
  const { socket, peer } = await scope(t).toNode({ binaryType: 'string' })
  socket.send('before')
  const buffered = socket.bufferedAmount
  t.throws(() => socket.send('\u0100'), { instanceOf: TypeError })
  t.throws(() => socket.send(`${'a'.repeat(100)}\u20ac`), { instanceOf: TypeError })
  t.is(socket.bufferedAmount, buffered)
  socket.send(' after')
  socket.close()
  t.is(String(await receive(peer)), 'before after')
})

test('X-11 a closed socket complains about the character before it complains about its state', (t) => {
  t.throws(() => api.mozTCPSocket.send('\u0100'), { instanceOf: TypeError })
  t.throws(() => api.mozTCPSocket.send('a'), { name: 'NS_ERROR_FAILURE' })
})

const slices = [
  { name: 'an offset beyond the end selects nothing', args: [5], text: '' },
  { name: 'an offset far beyond the end selects nothing', args: [0xffffffff, 2], text: '' },
  { name: 'a negative offset wraps to a large one and selects nothing', args: [-1], text: '' },
  { name: 'a length beyond the end selects the rest', args: [1, 100], text: 'bcd' },
  { name: 'a negative length wraps to a large one and selects the rest', args: [1, -1], text: 'bcd' },
  { name: 'length 0 selects nothing', args: [1, 0], text: '' },
  { name: 'an undefined length selects the rest', args: [2, undefined], text: 'cd' },
  { name: 'an offset alone selects the rest', args: [3], text: 'd' },
  { name: 'undefined for both selects everything', args: [undefined, undefined], text: 'abcd' },
]
for (const { name, args, text } of slices) {
  test(`X-12 ${name}`, async (t) => {
    const { socket, peer } = await scope(t).toNode()
    t.true(socket.send(arrayBuffer(Buffer.from('abcd')), ...args))
    t.is(socket.bufferedAmount, text.length)
    socket.close()
    t.is(String(await receive(peer)), text)
  })
}

test('X-12 the answer is computed from what was selected, not from what was asked for', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  peer.resume()
  t.true(socket.send(new ArrayBuffer(4), 0, 1000000))
  t.is(socket.bufferedAmount, 4)
  await settle(api)
  t.deepEqual(events.types, ['open'])
})

test('X-13 what happens to the buffer after send() does not change what is sent', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const received = receive(peer)
  const [small, large] = [new Uint8Array(100).fill(1), new Uint8Array(100000).fill(2)]
  const detached = new Uint8Array(50).fill(3)
  for (const { buffer } of [small, large, detached]) socket.send(buffer)
  small.fill(9)
  large.fill(9)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  socket.close()
  const expected = Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(100000, 2), Buffer.alloc(50, 3)])
  t.true((await received).equals(expected))
})

test('X-22 sends that never fill the buffer cause no drain', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  for (let turn = 0; turn < 5; turn++) {
    for (let index = 0; index < 10; index++) t.true(socket.send('0123456789'))
    await receive(peer, 100)
  }
  await settle(api)
  t.deepEqual(events.types, ['open'])
  t.is(socket.bufferedAmount, 0)
})

test('X-22 several overfull sends cause one drain', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  peer.resume()
  for (let index = 0; index < 4; index++) t.false(socket.send(new ArrayBuffer(FULL + 1)))
  await events.event('drain')
  t.is(socket.bufferedAmount, 0)
  await settle(api)
  t.deepEqual(events.types, ['open', 'drain'])
})

test('X-22 exactly 64 KiB answer true, and drain comes all the same', async (t) => {
  // Decision Q-01 serves both generations: the second's answer, and the drain for which the first's servers waited.
  const { socket, events, peer } = await scope(t).toNode()
  peer.resume()
  t.true(socket.send(new ArrayBuffer(FULL)))
  await events.event('drain')
  await settle(api)
  t.deepEqual(events.types, ['open', 'drain'])
})

test('X-22 one byte less than 64 KiB answers true, and no drain comes', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  t.true(socket.send(new ArrayBuffer(FULL - 1)))
  await receive(peer, FULL - 1)
  await settle(api)
  t.deepEqual(events.types, ['open'])
})

test('GT-11 and GT-31 rest on this: bufferedAmount shrinks between turns only', async (t) => {
  const worker = new Worker(path.join(__dirname, '../fixtures/gecko/reading-peer.js'))
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  const [socket, events] = scope(t).open('127.0.0.1', port, { binaryType: 'arraybuffer' })
  await events.event('open')
  const clock = new Int32Array(new SharedArrayBuffer(4))
  socket.send(new ArrayBuffer(32 * 1024 * 1024))
  do {
    // Another turn. The peer reads and the engine writes, but JavaScript stands still.
    await new Promise(setImmediate)
    const before = socket.bufferedAmount
    Atomics.wait(clock, 0, 0, 5)
    t.is(socket.bufferedAmount, before)
    socket.send('x')
    t.is(socket.bufferedAmount, before + 1)
  } while (!events.types.includes('drain') && socket.bufferedAmount > 1)
})
