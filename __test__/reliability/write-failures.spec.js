'use strict'

// A write that fails says that the peer is gone. What it said before is still delivered, also when that has to wait for
// `resume()`; and the failure keeps its own name, whatever is asked of the socket next.

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { failed, secure, trusting } = require('../helpers/tls-peers.js')

const TRANSPORTS = {
  async plain(own) {
    const { socket, events, peer } = await own.toNode()
    return { socket, events, peer, raw: peer }
  },
  async tls(own) {
    const server = await own.netServer()
    const [socket, events] = own.open('localhost', server.port, trusting())
    const raw = await server.connection()
    const peer = secure(raw, 'good')
    await events.event('open')
    return { socket, events, peer, raw }
  },
}

/** Until the kernel knows, and JavaScript does not: no turn of the event loop is left to it. */
function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

for (const [name, connect] of Object.entries(TRANSPORTS)) {
  for (const how of ['resetAndDestroy', 'destroy']) {
    for (const sends of [1, 3]) {
      test(`what came before ${sends} failing sends waits for resume() (${name}, ${how})`, async (t) => {
        const own = scope(t)
        const { socket, events, peer, raw } = await connect(own)
        socket.suspend()
        await new Promise((resolve) => {
          peer.write('precious', resolve)
        })
        await own.letTimeGo()
        raw[how]()
        await own.letTimeGo()
        for (let i = 0; i < sends; i++) {
          socket.send('lost')
          await own.letTimeGo()
        }
        t.deepEqual(events.types, ['open'], 'nothing comes while suspended')
        t.is(socket.readyState, 'open')
        socket.resume()
        // A peer that ended before it was gone is closed, or has failed, depending on what the kernel said first.
        const types = await events.closed()
        t.is(String(await events.data(8)), 'precious')
        if (how === 'resetAndDestroy') {
          t.deepEqual(types, ['open', 'error', 'close'])
          t.is((await events.event('error')).name, 'NetworkError')
        }
      })
    }
  }

  test(`who suspended the socket until drain hears of a reset, though something waits to be read (${name})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer, raw } = await connect(own)
    socket.suspend()
    // Nothing is read there from now on.
    raw.pause()
    peer.pause?.()
    const much = new ArrayBuffer(32 << 20)
    t.false(socket.send(much))
    await new Promise((resolve) => {
      peer.write('not read', resolve)
    })
    await own.letTimeGo()
    t.deepEqual(events.types, ['open'])
    raw.resetAndDestroy()
    t.deepEqual(await events.closed(), ['open', 'error', 'close'])
    t.is((await events.event('error')).name, 'NetworkError')
  })

  test(`a send that the system refuses is a NetworkError with its number (${name})`, async (t) => {
    const { socket, events, raw } = await connect(scope(t))
    raw.resetAndDestroy()
    block(50)
    for (let turn = 0; turn < 3; turn++) {
      socket.send('lost')
      await Promise.resolve()
      await Promise.resolve()
    }
    const error = await failed(t, events, 'NetworkError', ['open'])
    t.true(['ECONNRESET', 'EPIPE'].includes(error.data.code), error.data.message)
  })
}

test('what is sent after a write failed stays pending until resume(), and there is no drain', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  socket.suspend()
  peer.write('precious')
  await own.letTimeGo()
  peer.resetAndDestroy()
  await own.letTimeGo()
  socket.send('lost')
  await own.letTimeGo()
  t.true(socket.send(new ArrayBuffer(50_000)))
  await own.letTimeGo()
  t.is(socket.bufferedAmount, 50_000)
  socket.resume()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.is(socket.bufferedAmount, 0)
})

// As the server in README.md does. There is nothing else that such an application would be called for.
for (const [name, connect] of Object.entries(TRANSPORTS)) {
  test(`whoever suspends until drain hears of a peer that is gone (${name})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer, raw } = await connect(own)
    peer.pause()
    t.false(socket.send(new ArrayBuffer(20_000_000)))
    socket.suspend()
    await new Promise((resolve) => {
      peer.write('what nobody reads', resolve)
    })
    await own.letTimeGo()
    raw.resetAndDestroy()
    await failed(t, events, 'NetworkError', ['open'])
    t.is(socket.bufferedAmount, 0)
  })
}

test('a send that says to wait for drain, after a write failed unnoticed, is error and close', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  socket.suspend()
  peer.write('what nobody reads')
  await own.letTimeGo()
  peer.resetAndDestroy()
  await own.letTimeGo()
  socket.send('lost')
  await own.letTimeGo()
  t.deepEqual(events.types, ['open'])
  t.false(socket.send(new ArrayBuffer(100_000)))
  await failed(t, events, 'NetworkError', ['open'])
})

test('a reset that comes before upgradeToSecure() has its own name', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  peer.resetAndDestroy()
  block(50)
  socket.upgradeToSecure()
  await failed(t, events, 'NetworkError', ['open'])
})
