'use strict'

// A socket that is closing always ends: the peer has to take what is owed to it, or is given up. What a peer has to take,
// and in what time, is in src/net/policy/progress.rs; its arithmetic has tests there.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { tcpSockets } = require('../fixtures/reliability/kernel.js')
const { testOn } = require('../helpers/needs.js')
const { makePki } = require('../helpers/pki.js')
const { receive, scope } = require('../helpers/sockets.js')

const onLinux = testOn(test, process.platform === 'linux', 'Linux')

/** More than the kernel keeps for one connection, at both ends together. */
const MUCH = 20_000_000

/** Milliseconds that a peer has to take the least that counts. */
const STALL = 30_000

/** Milliseconds by which a busy machine may be late. */
const LATE = 20_000

/** A listener of ours whose accepted sockets are owed `MUCH`, and are closed: `{ port, closing }`. */
function owing(own, options) {
  const { port, accepted } = own.listen({ binaryType: 'arraybuffer', localAddress: '127.0.0.1', ...options })
  const closing = accepted().then(([socket, events]) => {
    socket.send(new ArrayBuffer(MUCH))
    socket.close()
    return [socket, events]
  })
  return { port, closing }
}

/** Peers that take too little, and how they connect. */
const peers = {
  'that reads nothing'(own, port) {
    const peer = net.connect({ port, host: '127.0.0.1' })
    peer.pause()
    return peer
  },
  'that reads a byte now and then'(own, port) {
    let peer
    const timer = setInterval(() => peer.resume(), 500)
    own.onEnd(() => clearInterval(timer))
    // `false` stops reading.
    peer = net.connect({
      port,
      host: '127.0.0.1',
      onread: { buffer: Buffer.alloc(1), callback: () => false },
    })
    return peer
  },
  'that reads nothing over TLS'(own, port) {
    const peer = tls.connect({ port, host: '127.0.0.1', ca: makePki().ca })
    peer.pause()
    return peer
  },
  'that writes and reads nothing'(own, port) {
    const peer = net.connect({ port, host: '127.0.0.1' })
    peer.pause()
    const timer = setInterval(() => peer.write('still here'), 500)
    own.onEnd(() => clearInterval(timer))
    return peer
  },
}

for (const [which, connect] of Object.entries(peers)) {
  test(`a peer ${which} is given up after half a minute: NetworkTimeoutError, then close`, async (t) => {
    const own = scope(t)
    const { cert, key } = makePki()
    const { port, closing } = owing(own, which.includes('TLS') && { useSecureTransport: true, cert, key })
    const peer = connect(own, port)
    peer.on('error', () => {})
    own.onEnd(() => peer.destroy())
    const [socket, events] = await closing
    const began = performance.now()
    t.deepEqual(await events.closed(), ['error', 'close'])
    const took = performance.now() - began
    t.true(took > STALL / 2 && took < STALL + LATE, `${took} ms`)
    const { name, data } = events.events.find(({ type }) => type === 'error')
    t.is(name, 'NetworkTimeoutError')
    t.regex(data.message, /the peer does not take the last \d+ bytes/)
    t.is(socket.bufferedAmount, 0)
  })
}

test('a peer that reads slowly, but all the time, gets everything that was sent before close()', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen({ binaryType: 'arraybuffer', localAddress: '127.0.0.1' })
  // 32 KiB each second, for longer than a peer has that takes nothing; then the rest. Meanwhile the kernel, which has room for
  // megabytes, takes nothing more for a long time.
  let bytes = 0
  let isSlow = true
  const peer = net.connect({
    port,
    host: '127.0.0.1',
    onread: { buffer: Buffer.alloc(32 * 1024), callback: (length) => ((bytes += length), !isSlow) },
  })
  peer.on('error', () => {})
  own.onEnd(() => peer.destroy())
  const ended = once(peer, 'end')
  const timer = setInterval(() => peer.resume(), 1000)
  own.onEnd(() => clearInterval(timer))
  const [socket, events] = await accepted()
  socket.send(new ArrayBuffer(MUCH))
  socket.close()
  const hurry = setTimeout(() => {
    isSlow = false
    peer.resume()
  }, STALL + 15_000)
  own.onEnd(() => clearTimeout(hurry))
  t.deepEqual(await events.closed(), ['drain', 'close'])
  await ended
  t.is(bytes, MUCH)
})

test('closeImmediately() after close() drops what is queued, and only close fires', async (t) => {
  const own = scope(t)
  const { port, closing } = owing(own)
  const peer = net.connect({ port, host: '127.0.0.1' })
  peer.on('error', () => {}).pause()
  own.onEnd(() => peer.destroy())
  const [socket, events] = await closing
  await own.letTimeGo()
  t.is(socket.readyState, 'closing')
  t.true(socket.bufferedAmount > 0)
  t.deepEqual(events.types, [])
  socket.closeImmediately()
  t.is(socket.bufferedAmount, 0)
  t.is(socket.readyState, 'closing')
  t.deepEqual(await events.closed(), ['close'], 'no drain: nothing was drained')
  // What the kernel had is still delivered, then comes an orderly end.
  const received = await receive(peer)
  t.true(received.length > 0 && received.length < MUCH)
  t.is(peer.errored, null)
})

test('closeImmediately() after close() ends a TLS connection whose peer reads nothing', async (t) => {
  const own = scope(t)
  const { ca, cert, key } = makePki()
  const { port, closing } = owing(own, { useSecureTransport: true, cert, key })
  const peer = tls.connect({ port, host: '127.0.0.1', ca })
  peer.on('error', () => {}).pause()
  own.onEnd(() => peer.destroy())
  const [socket, events] = await closing
  await own.letTimeGo()
  t.is(socket.readyState, 'closing')
  socket.closeImmediately()
  t.deepEqual(await events.closed(), ['close'])
})

onLinux('what was accepted and sent nothing gives its descriptor back when close fires', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen({ localAddress: '127.0.0.1' })
  const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  peer.on('error', () => {})
  own.onEnd(() => peer.destroy())
  const ended = once(peer.resume(), 'end')
  const [[socket, events]] = await Promise.all([accepted(), once(peer, 'connect')])
  socket.close()
  t.deepEqual(await events.closed(), ['close'])
  await ended
  const left = tcpSockets().find(({ local, remote }) => local === port && remote === peer.localPort)
  // What the kernel remembers of it belongs to no descriptor.
  t.is(left?.inode ?? '0', '0')
})
