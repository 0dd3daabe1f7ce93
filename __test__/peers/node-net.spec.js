'use strict'

// node:net at the other end, both ways round: our client on its server, its client on our server. Bulk data in both
// directions at once, half-close, and many connections.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')

const BULK = 32 * 1024 * 1024

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Sends `bytes` in pieces of odd sizes, waiting for `drain` as the API wants it. */
async function sendAll(socket, events, bytes) {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 150_001) {
    const drains = events.types.filter((type) => type === 'drain').length
    const isDrained = () => events.types.filter((type) => type === 'drain').length > drains || undefined
    if (!socket.send(bytes.subarray(at, at + size))) await events.when(isDrained)
  }
}

async function writeAll(peer, bytes) {
  for (let at = 0; at < bytes.length; at += 100_003) {
    if (!peer.write(bytes.subarray(at, at + 100_003))) await once(peer, 'drain')
  }
}

async function exchange(t, socket, events, peer) {
  const [there, back] = [randomBytes(BULK), randomBytes(BULK)]
  const [got] = await Promise.all([
    receive(peer, BULK),
    sendAll(socket, events, there),
    writeAll(peer, back),
    events.data(BULK),
  ])
  t.is(sha256(got), sha256(there))
  t.is(sha256(await events.data(BULK)), sha256(back))
  // Another byte of the peer, which is read after it was noted that all is written.
  peer.write('.')
  await events.data(BULK + 1)
  t.is(socket.bufferedAmount, 0)
}

test('32 MB in each direction at once, our client and its server', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  await exchange(t, socket, events, peer)
})

test('32 MB in each direction at once, its client and our server', async (t) => {
  const own = scope(t)
  const listening = own.listen({ binaryType: 'arraybuffer' })
  const peer = net.connect(listening.port, '127.0.0.1')
  own.onEnd(() => peer.destroy())
  const [socket, events] = await listening.accepted()
  await exchange(t, socket, events, peer)
})

test('what our server knows of its client: address, port, and that it is not secured', async (t) => {
  const own = scope(t)
  const listening = own.listen({ binaryType: 'string' })
  const peer = net.connect(listening.port, '127.0.0.1')
  own.onEnd(() => peer.destroy())
  const [socket] = await listening.accepted()
  t.is(socket.host, '127.0.0.1')
  t.is(socket.port, peer.localPort)
  t.is(socket.binaryType, 'string')
  t.false(socket.ssl)
  t.is(socket.readyState, 'open')
})

test('a client that half-closes first still gets what our server had queued, then the end', async (t) => {
  const own = scope(t)
  const listening = own.listen({ binaryType: 'arraybuffer' })
  const peer = net.connect({ port: listening.port, host: '127.0.0.1', allowHalfOpen: true })
  own.onEnd(() => peer.destroy())
  const [socket, events] = await listening.accepted()
  const answer = randomBytes(8 * 1024 * 1024)
  socket.ondata = () => socket.send(answer)
  peer.end('request')
  const got = await receive(peer)
  t.is(sha256(got), sha256(answer))
  t.deepEqual(await events.closed(), ['drain', 'close'])
})

test('node sees our close() as an end, not as a reset, also with unread input', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  let reset
  peer.on('error', (error) => (reset = error))
  socket.suspend()
  peer.write(randomBytes(200_000))
  socket.send('last words')
  socket.close()
  t.is(String(await receive(peer)), 'last words')
  await events.closed()
  t.is(reset, undefined)
})

test('node sees our closeImmediately() as an end too', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.closeImmediately()
  t.is((await receive(peer)).length, 0)
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('two hundred clients of node, each echoed by our server', async (t) => {
  const own = scope(t)
  const { server, port } = own.listen({ binaryType: 'arraybuffer' })
  server.onconnect = ({ socket }) => {
    socket.ondata = ({ data }) => socket.send(data)
  }
  const talk = async (i) => {
    const peer = net.connect(port, '127.0.0.1')
    const text = String(i).padStart(1000, '.')
    peer.write(text)
    const got = String(await receive(peer, text.length))
    peer.end()
    peer.resume()
    await once(peer, 'close')
    return got === text
  }
  const results = await Promise.all(Array.from({ length: 200 }, (_, i) => talk(i)))
  t.true(results.every(Boolean))
})
