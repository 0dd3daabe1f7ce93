'use strict'

// What was sent before close() reaches the peer, also one that is slow, and writes before it has read; and what such a
// close costs.

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { scope } = require('../helpers/sockets.js')

const SIZE = 2_000_000

/**
 * A `node:net` peer that takes 32 KiB every 10 ms, after `pause` milliseconds, and says something each time, as one that
 * reports its progress. `received` resolves with `{ bytes, error }` at the end.
 */
async function slowPeer(own, pause) {
  let settle
  const received = new Promise((resolve) => {
    settle = resolve
  })
  const { port } = await own.netServer({ pauseOnConnect: true, allowHalfOpen: true }, (peer) => {
    let bytes = 0
    peer.on('error', (error) => settle({ bytes, error: error.code }))
    peer.on('end', () => {
      settle({ bytes, error: null })
      peer.end()
    })
    const take = () => {
      const chunk = peer.read(Math.min(32 * 1024, peer.readableLength || 1))
      if (chunk !== null) {
        bytes += chunk.length
        peer.write('progress')
      }
      if (!peer.destroyed && !peer.readableEnded) setTimeout(take, 10)
    }
    setTimeout(take, pause)
  })
  return { port, received }
}

test.serial(
  'a process whose socket closed ends when a slow peer, which writes meanwhile, has everything',
  async (t) => {
    const own = scope(t)
    const { port, received } = await slowPeer(own, 500)
    const { next, result } = start(own, 'last-words.js', [port, SIZE])
    t.deepEqual(await next(), { type: 'close' })
    t.deepEqual(await received, { bytes: SIZE, error: null })
    const { code, signal } = await result
    t.deepEqual({ code, signal }, { code: 0, signal: null })
  },
)

test.serial('a peer that does not read for seven seconds still gets everything', async (t) => {
  const own = scope(t)
  const { port, received } = await slowPeer(own, 7000)
  const [socket, events] = own.open('127.0.0.1', port, { binaryType: 'arraybuffer' })
  await events.event('open')
  socket.send(new ArrayBuffer(SIZE))
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
  t.deepEqual(await received, { bytes: SIZE, error: null })
})

test('suspend() after close() does not keep a peer that answers before it reads on from its bytes', async (t) => {
  const own = scope(t)
  const total = 20_000_000
  let arrived
  const everything = new Promise((resolve) => {
    arrived = resolve
  })
  const { port } = await own.netServer({ allowHalfOpen: true }, (peer) => {
    let bytes = 0
    peer.on('end', () => arrived(bytes))
    peer.on('data', (chunk) => {
      bytes += chunk.length
      if (peer.write(Buffer.alloc(chunk.length * 4))) return
      peer.pause()
      peer.once('drain', () => peer.resume())
    })
  })
  const [socket, events] = own.open('127.0.0.1', port, { binaryType: 'arraybuffer' })
  await events.event('open')
  socket.send(new ArrayBuffer(total))
  socket.close()
  socket.suspend()
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
  t.is(await everything, total)
})

test('what the peer said before it went away is delivered to a suspended socket after resume()', async (t) => {
  const { socket, events, peer } = await scope(t).toNode({})
  socket.suspend()
  await new Promise((resolve) => peer.write('550 you are refused', resolve))
  peer.resetAndDestroy()
  // The write that meets the reset.
  socket.send('x')
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(events.types, ['open'], 'it would lose what waits')
  socket.resume()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.deepEqual(events.types, ['open', 'data', 'error', 'close'])
  t.is(String(Buffer.concat(events.chunks)), '550 you are refused')
})
