'use strict'

// `Symbol.dispose` and `Symbol.asyncDispose` of sockets and servers, which `using` and `await using` call at the end of a
// block.

const { once } = require('node:events')
const net = require('node:net')

const testAll = require('ava')

const { serialWhere } = require('./helpers/needs.js')
const {
  TCPServerSocket,
  TCPSocket,
  closedPort,
  mozTCPSocket,
  receive,
  scope,
} = require('./helpers/sockets.js')

const test = serialWhere(testAll, Symbol.dispose !== undefined, 'Symbol.dispose')

/** Resolves with whether `promise` is settled once everything that is under way in this turn is done. */
async function isSettled(promise) {
  let settled = false
  promise.then(() => (settled = true))
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

test('a socket is closed at the end of its block, and what was sent is delivered', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  const received = receive(peer)
  socket.send(new ArrayBuffer(4 << 20))
  t.is(socket[Symbol.dispose](), undefined)
  t.is(socket.readyState, 'closing')
  t.is((await received).length, 4 << 20)
  peer.end()
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
  t.is(socket[Symbol.dispose](), undefined, 'once more does nothing')
})

test('a socket that is disposed of asynchronously has fired close by then', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode({ binaryType: 'arraybuffer' }, { allowHalfOpen: true })
  socket.send(new ArrayBuffer(16 << 20))
  const disposed = socket[Symbol.asyncDispose]()
  const again = socket[Symbol.asyncDispose]()
  t.true(disposed instanceof Promise)
  await own.letTimeGo()
  t.false(await isSettled(disposed), 'the peer has not read it all')
  t.is((await receive(peer)).length, 16 << 20)
  t.is(await disposed, undefined)
  await again
  t.deepEqual(events.types, ['open', 'drain', 'close'])
  t.true(await isSettled(socket[Symbol.asyncDispose]()))
})

test('a socket that is connecting gives up', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', port)
  await socket[Symbol.asyncDispose]()
  t.deepEqual(events.types, ['close'])
})

test('a socket that fails meanwhile has fired error and close', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode({ binaryType: 'arraybuffer' })
  socket.send(new ArrayBuffer(16 << 20))
  const disposed = socket[Symbol.asyncDispose]()
  await new Promise((resolve) => setImmediate(resolve))
  peer.resetAndDestroy()
  await disposed
  t.deepEqual(events.types, ['open', 'error', 'close'])
})

test('between error and close, it waits for close', async (t) => {
  const own = scope(t)
  const [socket, events] = own.open('127.0.0.1', await closedPort())
  const disposed = new Promise((resolve) => {
    socket.onerror = () => resolve(socket[Symbol.asyncDispose]().then(() => [...events.types]))
  })
  t.deepEqual(await disposed, ['error', 'close'])
})

test('a socket that was never connected is closed already', async (t) => {
  mozTCPSocket[Symbol.dispose]()
  t.true(await isSettled(mozTCPSocket[Symbol.asyncDispose]()))
})

for (const symbol of ['dispose', 'asyncDispose']) {
  test(`a server is closed by Symbol.${symbol}, and what it accepted goes on`, async (t) => {
    const own = scope(t)
    const { server, port, accepted } = own.listen({ localAddress: '127.0.0.1' })
    const peer = net.connect(port, '127.0.0.1')
    own.onEnd(() => peer.destroy())
    const [socket] = await accepted()
    await server[Symbol[symbol]]()
    await server[Symbol[symbol]]()
    new TCPServerSocket(port, { localAddress: '127.0.0.1' }).close()
    socket.send('still here')
    const [data] = await once(peer, 'data')
    t.is(String(data), 'still here')
  })

  test(`Symbol.${symbol} is a method like those of Node's own classes, and calls the close() that there is`, (t) => {
    for (const Class of [TCPSocket, TCPServerSocket]) {
      const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, Symbol[symbol])
      t.is(descriptor.enumerable, false)
      t.is(descriptor.writable, true)
      t.is(descriptor.configurable, true)
      t.is(descriptor.value.length, 0)
    }
    class Counting extends TCPServerSocket {
      closes = 0

      close() {
        this.closes++
        super.close()
      }
    }
    const server = new Counting(0, { localAddress: '127.0.0.1' })
    void server[Symbol[symbol]]()
    t.is(server.closes, 1)
  })
}
