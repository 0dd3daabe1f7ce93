'use strict'

// REL-43 and REL-44: a reset is an error, an end is not, in whichever state it arrives; and what came before it is
// delivered first.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { serialWhere } = require('../helpers/needs.js')
const { TCPSocket, scope } = require('../helpers/sockets.js')

const MIB = 1 << 20

const BINARY = { binaryType: 'arraybuffer' }

/** A connection of ours to node, in the state named. `end()` makes the rest of the story possible after the peer acts. */
const STATES = {
  async idle(own) {
    return own.toNode()
  },
  async sending(own) {
    const pair = await own.toNode(BINARY, { pauseOnConnect: true })
    pair.socket.send(new ArrayBuffer(32 * MIB))
    await new Promise(setImmediate)
    return pair
  },
  async suspended(own) {
    const pair = await own.toNode()
    pair.socket.suspend()
    return { ...pair, resumes: true }
  },
  async closing(own) {
    const pair = await own.toNode(BINARY, { pauseOnConnect: true })
    pair.socket.send(new ArrayBuffer(32 * MIB))
    pair.socket.close()
    return pair
  },
}

function isReset(t, event) {
  t.is(event.name, 'NetworkError')
  t.is(event.message, 'Network')
  t.true(['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(event.data.code), event.data.message)
}

for (const [state, prepare] of Object.entries(STATES)) {
  test(`REL-43: a reset is error, then close (${state})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer, resumes } = await prepare(own)
    peer.resetAndDestroy()
    if (resumes) {
      await own.letTimeGo()
      t.deepEqual(events.types, ['open'], 'it goes unnoticed while suspended')
      socket.resume()
    }
    t.deepEqual(await events.closed(), ['open', 'error', 'close'])
    isReset(t, await events.event('error'))
    t.is(socket.bufferedAmount, 0)
  })
}

test('REL-43: a reset during closeImmediately() is only close', async (t) => {
  const { socket, events, peer } = await scope(t).toNode(BINARY, { pauseOnConnect: true })
  socket.send(new ArrayBuffer(32 * MIB))
  await new Promise(setImmediate)
  socket.closeImmediately()
  peer.resetAndDestroy()
  t.deepEqual(await events.closed(), ['open', 'close'])
})

for (const [how, act] of [
  ['reset', (peer) => peer.resetAndDestroy()],
  ['end', (peer) => peer.end()],
]) {
  test(`REL-43: ${how} while connecting, before TLS is established, is error and close without open`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, (peer) => peer.once('data', () => act(peer)))
    const [, events] = own.open('127.0.0.1', server.port, { useSecureTransport: true })
    t.deepEqual(await events.closed(), ['error', 'close'])
    const { name } = await events.event('error')
    t.is(name, how === 'end' ? 'NetworkInterruptError' : 'NetworkError')
  })

  test(`REL-43: ${how} as the answer to connecting: close comes once, and nothing hangs`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, act)
    for (let i = 0; i < 20; i++) {
      const [, events] = own.open('127.0.0.1', server.port, BINARY)
      const types = await events.closed()
      const expected = how === 'end' ? ['open,close'] : ['open,error,close', 'error,close']
      t.true(expected.includes(types.join()), types.join())
    }
  })
}

test('REL-43: the end of the stream is close and no error, in every state', async (t) => {
  const own = scope(t)
  const idle = await own.toNode()
  idle.peer.end()
  t.deepEqual(await idle.events.closed(), ['open', 'close'])

  const suspended = await own.toNode()
  suspended.socket.suspend()
  suspended.peer.end()
  await own.letTimeGo()
  t.deepEqual(suspended.events.types, ['open'], 'it goes unnoticed while suspended')
  suspended.socket.resume()
  t.deepEqual(await suspended.events.closed(), ['open', 'close'])

  const closing = await own.toNode(BINARY, { pauseOnConnect: true, allowHalfOpen: true })
  closing.socket.send(new ArrayBuffer(8 * MIB))
  closing.socket.close()
  closing.peer.end()
  closing.peer.resume()
  t.deepEqual(await closing.events.closed(), ['open', 'drain', 'close'])
})

const onUnix = serialWhere(test, process.platform !== 'win32', 'SIGKILL')

onUnix('REL-43: a peer that is killed with data unread resets: error, then close', async (t) => {
  const own = scope(t)
  const { child, next, result } = start(own, 'unread-server.js')
  const [socket, events] = own.open('127.0.0.1', await next(), BINARY)
  await events.event('open')
  // More than the kernel takes, so some of it is there, unread.
  socket.send(new ArrayBuffer(16 * MIB))
  await events.data(1)
  child.kill('SIGKILL')
  t.is((await result).signal, 'SIGKILL')
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  isReset(t, await events.event('error'))
})

test('REL-44: what came before the end is delivered, all of it', async (t) => {
  const own = scope(t)
  const source = randomBytes(MIB)
  const server = await own.netServer({}, (peer) => peer.end(source))
  for (const suspendFirst of [false, true]) {
    const [socket, events] = own.open('127.0.0.1', server.port, BINARY)
    if (suspendFirst) {
      socket.suspend()
      await events.event('open')
      await own.letTimeGo()
      socket.resume()
    }
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.true(Buffer.concat(events.chunks).equals(source))
  }
})

test('REL-44: what came before a reset is a prefix of what was sent, then error and close', async (t) => {
  const own = scope(t)
  const source = randomBytes(MIB)
  const server = await own.netServer({}, (peer) => {
    peer.write(source, () => peer.resetAndDestroy())
  })
  for (let round = 0; round < 5; round++) {
    const socket = new TCPSocket('127.0.0.1', server.port, BINARY)
    const events = own.watch(socket)
    t.deepEqual(await events.closed(), ['open', 'error', 'close'])
    const all = Buffer.concat(events.chunks)
    t.true(all.equals(source.subarray(0, all.length)), `${all.length} bytes`)
    isReset(t, await events.event('error'))
  }
})

test('REL-44: data that was read before a reset arrived is delivered, though it waits for resume()', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  const hash = createHash('sha256')
  peer.write('first')
  await events.data(5)
  socket.suspend()
  peer.write('second')
  await own.letTimeGo()
  peer.resetAndDestroy()
  await once(peer, 'close')
  await own.letTimeGo()
  t.deepEqual(events.types, ['open', 'data'])
  socket.resume()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  hash.update(Buffer.concat(events.chunks))
  t.true('firstsecond'.startsWith(String(Buffer.concat(events.chunks))))
})
