'use strict'

// The fault proxy of moz-tcp-socket/testing: each switch, before and in the middle of a connection, in both directions.

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { TCPSocket } = require('../../index.js')
const { faultProxy } = require('../../testing.js')

/** A server on Node's sockets that echoes, or does what `serve` does. Closed with its connections when the test ends. */
async function serverOf(t, serve = (socket) => socket.pipe(socket)) {
  const sockets = new Set()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    const closed = once(server, 'close')
    server.close()
    await closed
  })
  return { port: server.address().port, sockets }
}

async function proxyOf(t, server) {
  const proxy = await faultProxy({ to: server.port })
  t.teardown(() => proxy.close())
  return proxy
}

/** A client whose events are kept. */
function clientOf(t, { port }) {
  const socket = new TCPSocket('127.0.0.1', port)
  t.teardown(() => socket.closeImmediately())
  const client = { socket, text: '', error: null, look: () => {} }
  client.open = new Promise((resolve) => (socket.onopen = resolve))
  socket.ondata = ({ data }) => {
    client.text += data
    client.look()
  }
  socket.onerror = (event) => (client.error = event.name)
  client.closed = new Promise((resolve) => {
    socket.onclose = () => resolve({ error: client.error, text: client.text })
  })
  /** Resolves when that many bytes came. */
  client.has = (length) =>
    new Promise((resolve) => {
      client.look = () => client.text.length >= length && resolve()
      client.look()
    })
  return client
}

/** Resolves when `condition()` holds. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Resolves when `value()` has been the same for some time. */
async function settled(value) {
  for (let last, same = 0; same < 6;) {
    await pause(20)
    same = value() === last ? same + 1 : 0
    last = value()
  }
}

test('without a switch everything passes, both ways, also the ends', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  const sent = 'abc'.repeat(1 << 20)
  client.socket.send(sent)
  await client.has(sent.length)
  t.true(client.text === sent)
  client.socket.close()
  t.is((await client.closed).error, null)
  await until(() => proxy.counts.open === 0)
  t.deepEqual(proxy.counts, {
    connections: 1,
    open: 0,
    toServer: sent.length,
    toClient: sent.length,
    dropped: 0,
  })
})

test('what a side sent before it ended arrives, and the other side may still send', async (t) => {
  const server = await serverOf(t, (socket) => {
    let text = ''
    socket.on('data', (data) => (text += data))
    socket.on('end', () => socket.end(`got ${text}`))
  })
  const proxy = await proxyOf(t, server)
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.end('all')
  let text = ''
  for await (const data of socket) text += data
  t.is(text, 'got all')
})

test('stall() stops both directions, is felt by who sends, and resume() loses nothing', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('before')
  await client.has(6)
  proxy.stall()
  const sent = 'x'.repeat(32 << 20)
  t.false(client.socket.send(sent))
  await settled(() => client.socket.bufferedAmount)
  t.is(client.text, 'before')
  t.true(client.socket.bufferedAmount > 8 << 20, 'the proxy does not read ahead')
  proxy.resume()
  await client.has(6 + sent.length)
  t.true(client.text === `before${sent}`)
})

test('stall() of one direction lets the other pass', async (t) => {
  const server = await serverOf(t, (socket) => {
    socket.write('hi')
    socket.on('data', (data) => socket.write(data))
  })
  const proxy = await proxyOf(t, server)
  proxy.stall({ direction: 'toServer' })
  const client = clientOf(t, proxy)
  await client.has(2)
  client.socket.send('echo')
  await pause(40)
  t.is(client.text, 'hi')
  t.is(proxy.counts.toServer, 0)
  proxy.resume({ direction: 'toServer' })
  await client.has(6)
  t.is(client.text, 'hiecho')
})

test('reset() resets both sides', async (t) => {
  const server = await serverOf(t)
  const proxy = await proxyOf(t, server)
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('hi')
  await client.has(2)
  const [accepted] = server.sockets
  const failed = once(accepted, 'error')
  proxy.reset()
  t.is((await client.closed).error, 'NetworkError')
  t.is((await failed)[0].code, 'ECONNRESET')
})

test('cut() lets exactly that many bytes through, of connections that are there and of new ones', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('12345')
  await client.has(5)
  proxy.cut({ afterBytes: 3, direction: 'toClient' })
  client.socket.send('67890')
  t.deepEqual(await client.closed, { error: null, text: '12345678' })

  const later = clientOf(t, proxy)
  await later.open
  later.socket.send('abcdef')
  t.is((await later.closed).text, 'abc')
  t.is(proxy.counts.toClient, 11)
})

test('cut() with a reset', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('12345')
  await client.has(5)
  proxy.cut({ reset: true })
  t.is((await client.closed).error, 'NetworkError')
})

test('corrupt() changes the byte that it names, once, and no other', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('ab')
  await client.has(2)
  proxy.corrupt({ at: 1, mask: 0x20, direction: 'toServer' })
  client.socket.send('cdef')
  await client.has(6)
  t.is(client.text, 'abcDef')
})

test('slow() and delay() take their time, and lose nothing', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  proxy.slow({ bytesPerSecond: 1000, chunk: 10, direction: 'toClient' })
  const client = clientOf(t, proxy)
  await client.open
  let before = performance.now()
  client.socket.send('x'.repeat(101))
  await client.has(101)
  t.true(performance.now() - before >= 99, `${performance.now() - before} ms`)
  proxy.slow(null).delay(30)
  before = performance.now()
  client.socket.send('y')
  await client.has(102)
  // To the server and back.
  t.true(performance.now() - before >= 58, `${performance.now() - before} ms`)
  t.is(client.text, `${'x'.repeat(101)}y`)
})

test('blackhole() loses everything, also the end, and the connection stays', async (t) => {
  const server = await serverOf(t)
  const proxy = await proxyOf(t, server)
  const client = clientOf(t, proxy)
  await client.open
  client.socket.send('hi')
  await client.has(2)
  proxy.blackhole()
  client.socket.send('lost')
  await until(() => proxy.counts.dropped === 4)
  const [accepted] = server.sockets
  accepted.end()
  await pause(40)
  t.is(client.socket.readyState, 'open')
  t.is(client.text, 'hi')
})

test('refuse() refuses new connections and keeps those that are there; accept() has the same port', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  const client = clientOf(t, proxy)
  await client.open
  const { port } = proxy
  await proxy.refuse()
  t.is((await clientOf(t, proxy).closed).error, 'ConnectionRefusedError')
  client.socket.send('still')
  await client.has(5)
  await proxy.accept()
  t.is(proxy.port, port)
  const again = clientOf(t, proxy)
  await again.open
  again.socket.send('here')
  await again.has(4)
  t.is(proxy.counts.connections, 2)
})

test('where nobody listens behind it, the client is reset', async (t) => {
  const closed = net.createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address()
  closed.close()
  await once(closed, 'close')
  const proxy = await proxyOf(t, { port })
  t.is((await clientOf(t, proxy).closed).error, 'NetworkError')
})

test('a reset of either side is one for the other', async (t) => {
  const server = await serverOf(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const client = clientOf(t, await proxyOf(t, server))
  await client.open
  client.socket.send('x')
  t.is((await client.closed).error, 'NetworkError')
})

test('close() ends everything whatever the switches say, also twice', async (t) => {
  for (const turn of ['stall', 'blackhole', 'delay', 'slow']) {
    const proxy = await proxyOf(t, await serverOf(t))
    const client = clientOf(t, proxy)
    await client.open
    if (turn === 'slow') proxy.slow({ bytesPerSecond: 1 })
    else if (turn === 'delay') proxy.delay(1e6)
    else proxy[turn]()
    client.socket.send('z'.repeat(1 << 20))
    await Promise.all([proxy.close(), proxy.close()])
    await client.closed
    t.is(proxy.counts.open, 0)
  }
  const refusing = await proxyOf(t, await serverOf(t))
  await refusing.refuse()
  if (Symbol.asyncDispose) await refusing[Symbol.asyncDispose]()
  t.pass()
})

test('what cannot be set throws, and names the switch', async (t) => {
  const proxy = await proxyOf(t, await serverOf(t))
  t.throws(() => proxy.stall({ direction: 'up' }), {
    message: "stall: direction 'up': must be 'toServer' or 'toClient'",
  })
  t.throws(() => proxy.cut({ after: 5 }), { message: /^cut: unknown option after/ })
  t.throws(() => proxy.corrupt({ mask: 256 }), { instanceOf: RangeError })
  t.throws(() => proxy.delay('1s'), { message: /^delay '1s': must be a number/ })
  await t.throwsAsync(async () => faultProxy({}), { message: /^faultProxy: to undefined: must be a number/ })
  await t.throwsAsync(async () => faultProxy({ to: 0 }), { instanceOf: RangeError })
})
