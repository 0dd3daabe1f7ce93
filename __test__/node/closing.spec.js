'use strict'

// What Node's own tests say of the end of a connection, whoever ends it: what comes before it, what may still be sent, and what
// a socket answers afterwards (REL-113, REL-115 … REL-120, REL-123, REL-150).

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { setImmediate: nextTurn } = require('node:timers/promises')

const test = require('ava')

const { SIDES, TRANSPORTS, after, gone, meetNode } = require('../helpers/both-sides.js')
const { arrayBuffer, closedPort, receive, scope } = require('../helpers/sockets.js')

const MIB = 1 << 20

const NOT_OPEN = { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' }

const HALF_OPEN = { allowHalfOpen: true }

for (const [transport, secure] of TRANSPORTS) {
  for (const side of SIDES) {
    const where = `(${transport}, we are the ${side})`

    test(`REL-113: the end of the peer is told after all of its data, and by close alone ${where}`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { secure })
      for (let i = 0; i < 50; i++) peer.write(Buffer.alloc(10_000, i))
      peer.end('last')
      t.deepEqual(await events.closed(), after(side, 'close'))
      t.is(events.types.at(-1), 'close')
      t.is(events.bytes, 500_004)
      t.is(String(events.chunks.at(-1).subarray(-4)), 'last')
      t.is(socket.readyState, 'closed')
    })

    test(`REL-115: what was queued when the peer ended is all sent, then comes close ${where}`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { secure, peerOptions: HALF_OPEN })
      const bytes = randomBytes(8 * MIB)
      t.false(socket.send(bytes))
      peer.end('that is all')
      await events.data(11)
      t.true((await receive(peer)).equals(bytes))
      t.deepEqual(await events.closed(), after(side, 'drain', 'close'))
    })

    test(`REL-150: an answer to the last words of a peer that ended is delivered ${where}`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { secure, peerOptions: HALF_OPEN })
      const answer = randomBytes(MIB)
      socket.ondata = () => socket.send(answer)
      peer.end('?')
      t.true((await receive(peer)).equals(answer))
      t.deepEqual(await events.closed(), after(side, 'drain', 'close'))
      // Node would let it answer for as long as it likes. Here the socket closes with the peer: what comes later throws.
      t.throws(() => socket.send('too late'), NOT_OPEN)
    })
  }
}

/** Moments around the end of the peer at which to send. */
const MOMENTS = {
  'in the same turn, before': async (peer, send) => {
    send()
    peer.end()
  },
  'in the same turn, after': async (peer, send) => {
    peer.end()
    send()
  },
  'in the next turn': async (peer, send) => {
    peer.end()
    await nextTurn()
    send()
  },
  'when it is on its way': async (peer, send) => {
    peer.end()
    await once(peer, 'finish')
    send()
  },
  'in many turns, until it is refused': async (peer, send) => {
    peer.end()
    while (send()) await nextTurn()
  },
}

for (const side of SIDES) {
  test(`REL-116: what is sent at the moment of the peer's end arrives, or throws (we are the ${side})`, async (t) => {
    const own = scope(t)
    for (const [moment, act] of Object.entries(MOMENTS)) {
      for (let round = 0; round < 5; round++) {
        const { socket, events, peer } = await meetNode(own, side, { peerOptions: HALF_OPEN })
        const received = receive(peer)
        let taken = 0
        await act(peer, () => {
          try {
            socket.send('tell')
            taken += 4
            return true
          } catch (error) {
            t.is(error.name, 'NS_ERROR_FAILURE', moment)
            return false
          }
        })
        t.deepEqual(await events.closed(), after(side, 'close'), moment)
        t.is((await received).length, taken, moment)
        t.is(socket.bytesWritten, taken, moment)
      }
    }
  })

  for (const method of ['close', 'closeImmediately']) {
    test(`REL-117: send() after ${method}() throws at once, and changes nothing (we are the ${side})`, async (t) => {
      const own = scope(t)
      for (const queued of ['', 'tail', Buffer.alloc(4 * MIB)]) {
        const { socket, events, peer } = await meetNode(own, side)
        const received = receive(peer)
        socket.send(queued)
        socket[method]()
        const { bufferedAmount, bytesWritten } = socket
        for (const data of ['late', arrayBuffer([1]), '']) t.throws(() => socket.send(data), NOT_OPEN)
        t.deepEqual([socket.bufferedAmount, socket.bytesWritten], [bufferedAmount, bytesWritten])
        const types = await events.closed()
        t.deepEqual(
          types.filter((type) => type !== 'drain'),
          after(side, 'close'),
        )
        t.throws(() => socket.send('later'), NOT_OPEN)
        const all = await received
        if (method === 'close') t.is(all.length, queued.length)
        t.false(all.includes('late'))
      }
    })
  }

  test(`REL-118: a failure is told between turns and never inside send(), error before close (we are the ${side})`, async (t) => {
    const own = scope(t)
    const piece = new ArrayBuffer(1000)
    for (let round = 0; round < 10; round++) {
      const { socket, events, peer } = await meetNode(own, side)
      let isInside = false
      const told = []
      for (const type of ['error', 'close']) socket.addEventListener(type, () => told.push([type, isInside]))
      peer.resetAndDestroy()
      while (socket.readyState === 'open') {
        isInside = true
        for (let i = 0; i < 50; i++) socket.send(piece)
        t.is(socket.readyState, 'open', 'nothing changes within a turn')
        isInside = false
        await nextTurn()
      }
      await events.event('close')
      t.deepEqual(told, [
        ['error', false],
        ['close', false],
      ])
    }
  })

  for (const method of ['close', 'closeImmediately']) {
    test(`REL-119: ${method}() on 10 MB that were not read gives one close, and the peer one error at most (we are the ${side})`, async (t) => {
      const own = scope(t)
      const { socket, events, peer } = await meetNode(own, side)
      socket.suspend()
      let errors = 0
      peer.on('error', () => errors++)
      peer.write(Buffer.alloc(10_000_000))
      await own.letTimeGo()
      socket[method]()
      t.deepEqual(await events.closed(), after(side, 'close'))
      // The peer has not ended by itself: what it still writes tells it.
      peer.end()
      await gone(peer)
      t.true(errors <= 1, `${errors} errors`)
    })
  }
}

/** Ways to a closed socket: resolves with `{ socket, events, expected }`. */
const CLOSED = {
  async 'closed by us'(own) {
    const { socket, events, peer } = await meetNode(own, 'client')
    peer.resume()
    socket.send('12345')
    socket.close()
    return { socket, events, expected: { bytesWritten: 5, isConnected: true } }
  },
  async 'closed by the peer'(own) {
    const { socket, events, peer } = await meetNode(own, 'server')
    peer.end('123')
    return { socket, events, expected: { bytesRead: 3, isConnected: true } }
  },
  async 'reset by the peer'(own) {
    const { socket, events, peer } = await meetNode(own, 'client')
    peer.resetAndDestroy()
    return { socket, events, expected: { isConnected: true } }
  },
  async refused(own) {
    const [socket, events] = own.open('127.0.0.1', await closedPort(), { binaryType: 'arraybuffer' })
    return { socket, events, expected: {} }
  },
  async 'given up'(own) {
    const server = await own.netServer()
    const [socket, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
    socket.close()
    return { socket, events, expected: {} }
  },
}

/** Asserts what a closed socket answers to everything. */
function answersAsClosed(t, socket, { bytesRead = 0, bytesWritten = 0, isConnected = false }, why) {
  const { host, port, ssl, tls, bufferedAmount, binaryType, readyState } = socket
  t.is(host, '127.0.0.1', why)
  t.true(port > 0, why)
  t.deepEqual(
    { ssl, tls, bufferedAmount, binaryType, readyState },
    { ssl: false, tls: null, bufferedAmount: 0, binaryType: 'arraybuffer', readyState: 'closed' },
    why,
  )
  t.deepEqual([socket.bytesRead, socket.bytesWritten], [bytesRead, bytesWritten], why)
  for (const name of ['localAddress', 'remoteAddress'])
    t.is(socket[name], isConnected ? '127.0.0.1' : null, why)
  for (const name of ['localPort', 'remotePort'])
    t.is(typeof socket[name], isConnected ? 'number' : 'object', why)
  t.throws(() => socket.resume(), { name: 'NS_ERROR_FAILURE' }, why)
  for (let i = 0; i < 2; i++) t.is(socket.suspend(), undefined, why)
  for (let i = 0; i < 2; i++) t.is(socket.resume(), undefined, why)
  t.throws(() => socket.resume(), { name: 'NS_ERROR_FAILURE' }, why)
  t.throws(() => socket.send('x'), NOT_OPEN, why)
  t.throws(() => socket.upgradeToSecure(), NOT_OPEN, why)
  for (const method of ['close', 'closeImmediately', 'close']) t.is(socket[method](), undefined, why)
  for (const method of ['ref', 'unref']) t.is(socket[method](), socket, why)
}

for (const [way, make] of Object.entries(CLOSED)) {
  test(`REL-120: a socket that was ${way} answers everything, in onclose and later`, async (t) => {
    const own = scope(t)
    const { socket, events, expected } = await make(own)
    socket.onclose = () => answersAsClosed(t, socket, expected, 'in onclose')
    await events.event('close')
    answersAsClosed(t, socket, expected, 'in a later turn')
    const seen = events.types.length
    await own.letTimeGo()
    t.is(events.types.length, seen, 'nothing follows')
  })
}

test('REL-123: to close again, in any handler and in either way, does nothing', async (t) => {
  const own = scope(t)
  const calls = ['close', 'closeImmediately', 'close', 'closeImmediately']
  for (const [way, make] of Object.entries(CLOSED)) {
    const { socket, events } = await make(own)
    const before = [...events.types]
    let handlers = 0
    const closeAgain = () => {
      handlers++
      for (const call of calls) socket[call]()
      t.is(socket.readyState, 'closed', way)
    }
    socket.onerror = socket.onclose = closeAgain
    const types = await events.closed()
    t.is(types.filter((type) => type === 'close').length, 1, way)
    t.true(types.filter((type) => type === 'error').length <= 1, way)
    t.is(handlers, types.length - before.filter((type) => type !== 'data').length, way)
  }
  // And before anything was told.
  const { socket, events, peer } = await meetNode(own, 'client')
  peer.resume()
  for (const call of ['close', 'close', ...calls]) socket[call]()
  t.deepEqual(await events.closed(), ['open', 'close'])
})
