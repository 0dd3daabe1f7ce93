'use strict'

// close() as applications use it: in every handler and state, twice, right after send(), and as the one event that
// always comes (users.md sections 2 and 5, items 5 and 8).

const test = require('ava')

const { TCPSocket, closedPort, mozTCPSocket, receive, scope } = require('../helpers/sockets.js')

/** Runs a socket that does `act(socket)` in its handler for `type`, and resolves with the types of its events. */
async function closeIn(t, type, act, serve) {
  const own = scope(t)
  const server = await own.netServer({}, serve)
  const port = type === 'error' ? await closedPort() : server.port
  const socket = mozTCPSocket.open('127.0.0.1', port, { binaryType: 'arraybuffer' })
  const events = own.watch(socket)
  socket.addEventListener('open', () => type === 'drain' && socket.send(new ArrayBuffer(100_000)))
  let runs = 0
  socket[`on${type}`] = () => {
    runs++
    act(socket)
  }
  const types = await events.closed()
  t.true(runs >= 1)
  return types
}

const serve = (raw) => {
  raw.write('hello')
  raw.on('data', () => {})
  raw.on('end', () => raw.end())
}

for (const [type, expected] of [
  ['open', ['open', 'close']],
  ['data', ['open', 'close']],
  ['drain', ['open', 'drain', 'close']],
  ['error', ['error', 'close']],
]) {
  test(`close() in on${type}: one close follows, and nothing else`, async (t) => {
    t.deepEqual(await closeIn(t, type, (socket) => socket.close(), serve), expected)
  })

  test(`close() twice, and closeImmediately(), in on${type} are harmless`, async (t) => {
    const act = (socket) => {
      socket.close()
      socket.close()
      socket.closeImmediately()
      socket.close()
    }
    t.deepEqual(await closeIn(t, type, act, serve), expected)
  })
}

test('roBrowser, Mozilla: this.close() inside onclose is harmless', async (t) => {
  const types = await closeIn(
    t,
    'close',
    (socket) => socket.close(),
    (raw) => raw.end('bye'),
  )
  t.deepEqual(types, ['open', 'close'])
})

test('onclose comes once after own close(), the close of the peer, and both at the same time', async (t) => {
  const own = scope(t)
  for (const [ours, theirs] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    const { socket, events, peer } = await own.toNode()
    if (theirs) peer.end()
    if (ours) socket.close()
    t.deepEqual(await events.closed(), ['open', 'close'])
    peer.end()
  }
})

test('onclose comes after all data that the peer sent before it closed', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.end(Buffer.alloc(5_000_000, 'd')))
  const [, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(events.bytes, 5_000_000)
})

test('SMTP QUIT, loopback, libdweb: close() right after send() delivers what send() took', async (t) => {
  const own = scope(t)
  for (const size of [6, 65_536, 3_000_000]) {
    const { socket, events, peer } = await own.toNode()
    socket.send(Buffer.alloc(size, 'q'))
    socket.close()
    t.is((await receive(peer)).length, size)
    t.is((await events.closed()).at(-1), 'close')
  }
})

test('XbeeSocket, Mocha: close() inside ondata: no more data, though more has arrived', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.write(Buffer.alloc(2_000_000)))
  const [socket, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  let calls = 0
  socket.ondata = () => {
    calls++
    socket.close()
    t.is(socket.readyState, 'closing')
  }
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(calls, 1)
})

test('Firefox DevTools: close() while connecting gives close, no open and no error', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  if (socket.readyState === 'open' || socket.readyState === 'connecting') socket.close()
  t.is(socket.readyState, 'closing')
  t.deepEqual(await events.closed(), ['close'])
})

test('Loqui: `readyState !== "closed"` before close(), and close() on a socket that was never opened', async (t) => {
  const own = scope(t)
  const { socket, events } = await own.toNode()
  if (socket.readyState !== 'closed') socket.close()
  await events.closed()
  if (socket.readyState !== 'closed') t.fail()
  t.notThrows(() => mozTCPSocket.close())
})

test('properties keep their values after close, and bufferedAmount is 0', async (t) => {
  const { socket, events, peer, port } = await scope(t).toNode()
  socket.send(new ArrayBuffer(500_000))
  peer.resetAndDestroy()
  await events.closed()
  const { host, ssl, bufferedAmount, binaryType, readyState } = socket
  t.deepEqual(
    { host, port: socket.port, ssl, bufferedAmount, binaryType, readyState },
    {
      host: '127.0.0.1',
      port,
      ssl: false,
      bufferedAmount: 0,
      binaryType: 'arraybuffer',
      readyState: 'closed',
    },
  )
})

test('pluotsorbet: data that came is still there for the application after close', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.end('abc'))
  const socket = new TCPSocket('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  const kept = []
  await new Promise((resolve) => {
    socket.ondata = ({ data }) => kept.push(data)
    socket.onclose = resolve
  })
  t.is(Buffer.concat(kept.map((data) => Buffer.from(data))).toString(), 'abc')
})
