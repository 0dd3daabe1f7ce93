'use strict'

// F-WIN-01 to 18 and 30 to 33 of the specification (docs/winter.md): a plain connection as two streams.

const { once } = require('node:events')
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')

const test = require('ava')

const { Socket, SocketError, connect, withOptions } = require('moz-tcp-socket/winter')
const { hasIPv6, testOn } = require('../../helpers/needs.js')
const { all, echo, pair, reasonOf, received, serverOf, take } = require('./support.js')

const run = promisify(execFile)
const text = (bytes) => Buffer.from(bytes).toString()

test('F-WIN-01: what is written comes back from an echo server, and close() ends everything', async (t) => {
  let connections = 0
  const port = await serverOf(t, (peer) => {
    connections++
    echo(peer)
  })
  const socket = connect({ hostname: '127.0.0.1', port })
  t.true(socket instanceof Socket)
  const writer = socket.writable.getWriter()
  const reader = socket.readable.getReader()
  await writer.write('hello')
  t.is(text((await reader.read()).value), 'hello')
  t.is(socket.close(), socket.closed)
  t.is(await socket.closed, undefined)
  t.true((await reader.read()).done)
  t.true((await reasonOf(writer.write('more'))) instanceof SocketError)
  t.is(connections, 1)
})

test('F-WIN-02: an address may be a string of a name and a port', async (t) => {
  let peer
  const port = await serverOf(t, (socket) => (peer = received(socket)))
  const socket = connect(`localhost:${port}`)
  const writer = socket.writable.getWriter()
  await writer.write('bytes')
  await writer.close()
  t.is(String(await peer), 'bytes')
})

testOn(
  test,
  hasIPv6,
  'IPv6',
)('F-WIN-03: an IPv6 address may have brackets or not', async (t) => {
  const net = require('node:net')
  const server = net.createServer((socket) => socket.end('hi'))
  server.listen(0, '::1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address()
  for (const hostname of ['::1', '[::1]']) {
    const socket = connect({ hostname, port })
    t.regex((await socket.opened).remoteAddress, /^\[::1\]:\d+$/)
    t.is(String(await all(socket.readable)), 'hi')
    await socket.closed
  }
  const socket = connect(`[::1]:${port}`)
  t.is(String(await all(socket.readable)), 'hi')
})

test('F-WIN-04: an address that cannot be right throws a TypeError', (t) => {
  const wrong = [
    'localhost',
    '',
    ':80',
    'a b:80',
    'http://x:80',
    'x:80/y',
    `${'a'.repeat(256)}:80`,
    'user@x:80',
    'x:0',
    'x:65536',
    '::1:80',
    { hostname: 'x' },
    { port: 80 },
    { hostname: '', port: 80 },
    { hostname: 'a'.repeat(256), port: 80 },
    { hostname: 'x', port: 0 },
    { hostname: 'x', port: 1.5 },
    { hostname: 'x/y', port: 80 },
    { hostname: 'x+y', port: 80 },
    {},
  ]
  for (const address of wrong) {
    t.throws(() => connect(address), { instanceOf: TypeError }, JSON.stringify(address))
  }
  t.throws(() => connect(), { instanceOf: TypeError })
  t.throws(() => new Socket(), { instanceOf: TypeError })
})

test('F-WIN-05: of any view the bytes in its window are written', async (t) => {
  const { socket, peer } = await pair(t)
  const writer = socket.writable.getWriter()
  const memory = Uint8Array.from({ length: 64 }, (_, i) => i).buffer
  const views = [
    new Uint8Array(memory, 3, 5),
    new Uint16Array(memory, 2, 3),
    new Uint32Array(memory, 4, 2),
    new BigUint64Array(memory, 8, 1),
    new DataView(memory, 1, 2),
    memory,
  ]
  for (const view of views) await writer.write(view)
  await writer.write(new Uint8Array(0))
  await writer.close()
  const windows = views.map((view) =>
    view === memory ? Buffer.from(memory) : Buffer.from(memory, view.byteOffset, view.byteLength),
  )
  t.deepEqual(await received(peer), Buffer.concat(windows))
})

test('a chunk that is neither bytes nor text is a TypeError, and ends our side', async (t) => {
  const { socket, peer } = await pair(t)
  const writer = socket.writable.getWriter()
  await writer.write('before')
  const reason = await reasonOf(writer.write(42))
  t.true(reason instanceof TypeError && !(reason instanceof SocketError))
  t.is(String(await received(peer)), 'before')
})

test('F-WIN-06: a connection that is refused fails everything with one SocketError', async (t) => {
  const socket = connect('127.0.0.1:1')
  const written = socket.writable.getWriter().write('x')
  const read = socket.readable.getReader().read()
  const reason = await reasonOf(socket.opened)
  t.true(reason instanceof SocketError && reason instanceof TypeError)
  t.is(reason.name, 'SocketError')
  t.regex(reason.message, /^SocketError: connect to 127\.0\.0\.1 port 1/)
  t.like(reason.cause, { code: 'ECONNREFUSED', syscall: 'connect' })
  t.is(await reasonOf(socket.closed), reason)
  t.is(await reasonOf(written), reason)
  t.is(await reasonOf(read), reason)
})

test('F-WIN-06: where nobody looks, no failure is an unhandled rejection', async (t) => {
  const code = `
    const { connect } = require('moz-tcp-socket/winter')
    connect('127.0.0.1:1')
    const socket = connect('127.0.0.1:1')
    socket.closed
    socket.opened
    connect('name.invalid:1')`
  await t.notThrowsAsync(run(process.execPath, ['-e', code], { cwd: __dirname }))
})

test('F-WIN-07: our own end does not end reading', async (t) => {
  const { socket, peer } = await pair(t, { allowHalfOpen: false })
  const writer = socket.writable.getWriter()
  await writer.write('question')
  await writer.close()
  t.is(String(await received(peer)), 'question')
  peer.write('answer')
  const reader = socket.readable.getReader()
  t.is(text((await reader.read()).value), 'answer')
  await socket.close()
})

test('F-WIN-08: when the peer has ended and all was read, closed fulfils without close()', async (t) => {
  const { socket } = await pair(t, undefined, (peer) => peer.end('hello'))
  t.is(String(await all(socket.readable)), 'hello')
  t.is(await socket.closed, undefined)
})

test('F-WIN-08: closed fulfils though nobody reads, where nothing is unread', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  peer.end()
  await socket.closed
  t.true((await socket.readable.getReader().read()).done)
})

test('what the peer sent before it ended is not lost to whoever reads late', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  peer.end('late')
  await once(peer, 'finish')
  const state = await Promise.race([socket.closed, new Promise((done) => setTimeout(done, 100, 'open'))])
  t.is(state, 'open')
  t.is(String(await all(socket.readable)), 'late')
  await socket.closed
})

for (const isLocked of [true, false]) {
  test(`F-WIN-09: without allowHalfOpen our side ends behind the peer's (${isLocked ? 'locked' : 'unlocked'})`, async (t) => {
    const { socket, peer } = await pair(t, { allowHalfOpen: false })
    const writer = isLocked ? socket.writable.getWriter() : undefined
    await writer?.write('x')
    const everything = received(peer)
    peer.end()
    t.true((await socket.readable.getReader().read()).done)
    t.is(String(await everything), isLocked ? 'x' : '')
    await socket.closed
    if (isLocked) await t.throwsAsync(writer.write('y'), { instanceOf: SocketError })
    else await socket.writable.getWriter().closed
  })
}

test('F-WIN-10: with allowHalfOpen a write after the end of reading arrives', async (t) => {
  const { socket, peer } = await pair(t, { allowHalfOpen: true })
  const everything = received(peer)
  peer.end()
  t.true((await socket.readable.getReader().read()).done)
  const writer = socket.writable.getWriter()
  await writer.write('after')
  await writer.close()
  t.is(String(await everything), 'after')
  t.is(await socket.closed, undefined)
})

test('F-WIN-11: with allowHalfOpen close() fulfils closed', async (t) => {
  const { socket, peer } = await pair(t, { allowHalfOpen: true })
  await socket.opened
  const ended = once(peer, 'end')
  peer.resume()
  t.is(await socket.close(), undefined)
  await ended
})

test('close() sends all that was written, in many chunks of which none was waited for', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const everything = received(peer)
  const writer = socket.writable.getWriter()
  const writes = []
  for (let i = 0; i < 64; i++) writes.push(writer.write(new Uint8Array(64 * 1024).fill(i)))
  const closed = socket.close()
  const late = writer.write('late')
  await closed
  t.is((await everything).length, 64 * 64 * 1024)
  await Promise.all(writes)
  t.true((await reasonOf(late)) instanceof SocketError)
})

test('F-WIN-13: after the end of the peer close() fulfils, with undefined', async (t) => {
  const { socket } = await pair(t, undefined, (peer) => peer.end('x'))
  await all(socket.readable)
  t.is(await socket.close(), undefined)
})

test('F-WIN-14: close() abandons an attempt to connect at once, and the process can end', async (t) => {
  const code = `
    const { connect } = require('moz-tcp-socket/winter')
    const socket = connect('192.0.2.1:80')
    const began = performance.now()
    socket.close()
    socket.opened.catch((reason) => {
      if (reason.name !== 'SocketError') throw reason
      socket.closed.then(() => console.log(performance.now() - began))
    })`
  const times = []
  // On a machine that does other things, too, the best of three.
  while (times.length < 3 && !times.some((time) => time < 100)) {
    const { stdout } = await run(process.execPath, ['-e', code], { cwd: __dirname, timeout: 20_000 })
    times.push(Number(stdout))
  }
  t.true(Math.min(...times) < 100, `${times} ms`)
})

test('F-WIN-15: a signal that aborts while it connects is the reason of everything', async (t) => {
  const socket = connect('192.0.2.1:80', { signal: AbortSignal.timeout(50) })
  const written = socket.writable.getWriter().write('x')
  const read = socket.readable.getReader().read()
  const reason = await reasonOf(socket.opened)
  t.is(reason.name, 'TimeoutError')
  for (const promise of [socket.closed, written, read]) t.is(await reasonOf(promise), reason)
})

test('F-WIN-15: a signal that aborts while it is open is the reason of everything', async (t) => {
  const controller = new AbortController()
  const { socket, peer } = await pair(t, { signal: controller.signal })
  await socket.opened
  const ended = once(peer.resume(), 'close')
  const writer = socket.writable.getWriter()
  const read = socket.readable.getReader().read()
  controller.abort('enough')
  for (const promise of [socket.closed, read, writer.write('x')]) t.is(await reasonOf(promise), 'enough')
  peer.end()
  await ended
})

test('F-WIN-15: a signal that has aborted connects to nobody', async (t) => {
  let connections = 0
  const port = await serverOf(t, () => connections++)
  const socket = connect({ hostname: '127.0.0.1', port }, { signal: AbortSignal.abort('before') })
  t.is(await reasonOf(socket.opened), 'before')
  t.is(await reasonOf(socket.closed), 'before')
  t.is(connections, 0)
})

test('F-WIN-16: the reason of close() is what opened rejects with', async (t) => {
  const socket = connect('192.0.2.1:80')
  const closed = socket.close('not needed')
  t.is(await reasonOf(socket.opened), 'not needed')
  t.is(await closed, undefined)
})

test('F-WIN-17: what is written before it is open is delivered, and ready is fulfilled at once', async (t) => {
  let peer
  const port = await serverOf(t, (socket) => (peer = received(socket)))
  const socket = connect({ hostname: '127.0.0.1', port })
  const writer = socket.writable.getWriter()
  let isOpen = false
  socket.opened.then(() => (isOpen = true))
  await writer.ready
  t.false(isOpen)
  writer.write('early ')
  writer.write('birds')
  await writer.close()
  t.true(isOpen)
  t.is(String(await peer), 'early birds')
})

test('F-WIN-18: options that cannot be right throw a TypeError', (t) => {
  const wrong = [
    { secureTransport: 'maybe' },
    { sni: 'x' },
    { alpn: ['h2'] },
    { secureTransport: 'off', sni: 'x' },
    { secureTransport: 'on', alpn: 'h2' },
    { secureTransport: 'on', alpn: [''] },
    { secureTransport: 'on', sni: 'a b' },
    { highWaterMark: -1 },
    { highWaterMark: 1.5 },
    { signal: {} },
    'on',
  ]
  for (const options of wrong) {
    t.throws(() => connect('127.0.0.1:1', options), { instanceOf: TypeError }, JSON.stringify(options))
  }
  for (const options of [undefined, null, {}, { secureTransport: undefined, unknown: 1 }]) {
    t.notThrows(() => connect('127.0.0.1:1', options))
  }
  const { connect: other } = withOptions({ noDelay: false })
  t.notThrows(() => other('127.0.0.1:1'))
  for (const options of [
    { rejectUnauthorised: false },
    { what: 1 },
    { ca: 1 },
    { block: true },
    { port: 1 },
  ]) {
    t.throws(() => withOptions(options), { instanceOf: TypeError }, JSON.stringify(options))
  }
})

test('a host that block() refuses is connected to by nobody', async (t) => {
  let connections = 0
  const port = await serverOf(t, () => connections++)
  const asked = []
  const binding = withOptions({
    block: (...args) => {
      asked.push(args)
      return true
    },
  })
  const socket = binding.connect({ hostname: '127.0.0.1', port })
  const reason = await reasonOf(socket.opened)
  t.true(reason instanceof SocketError)
  t.is(await reasonOf(socket.closed), reason)
  t.deepEqual(asked, [['127.0.0.1', port]])
  t.is(connections, 0)
})

test('F-WIN-30: 64 KiB and 1 MiB each way, in small reads, on many connections at once', async (t) => {
  const port = await serverOf(t, echo)
  const roundTrip = async (length) => {
    const socket = connect({ hostname: '127.0.0.1', port })
    const sent = Buffer.alloc(length, `${length} bytes `)
    const writer = socket.writable.getWriter()
    const written = writer.write(sent).then(() => writer.close())
    const reader = socket.readable.getReader({ mode: 'byob' })
    const chunks = []
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(4096))
      if (done) break
      chunks.push(value)
    }
    t.true(Buffer.concat(chunks).equals(sent))
    await written
    await socket.closed
  }
  await Promise.all([64, 1024].flatMap((kib) => Array.from({ length: 10 }, () => roundTrip(kib * 1024))))
})

test('F-WIN-31: a reset fails the read that waits, and closed', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const read = socket.readable.getReader().read()
  peer.resetAndDestroy()
  const reason = await reasonOf(read)
  t.true(reason instanceof SocketError)
  t.is(reason.cause.code, 'ECONNRESET')
  t.true((await reasonOf(socket.closed)) instanceof SocketError)
  t.true((await reasonOf(socket.writable.getWriter().write('x'))) instanceof SocketError)
})

test('F-WIN-31: a reset is noticed also while nobody reads', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  peer.resetAndDestroy()
  t.is((await reasonOf(socket.closed)).cause.code, 'ECONNRESET')
})

test('F-WIN-32: with a highWaterMark desiredSize falls by bytes, and ready waits from 0 on', async (t) => {
  const { socket } = await pair(t, { highWaterMark: 1024 })
  await socket.opened
  const writer = socket.writable.getWriter()
  t.is(writer.desiredSize, 1024)
  // More than the kernel takes.
  const writes = [writer.write(new Uint8Array(16 * 1024 * 1024))]
  t.true(writer.desiredSize < 0)
  let isReady = false
  writer.ready.then(
    () => (isReady = true),
    () => {},
  )
  await new Promise(setImmediate)
  t.false(isReady)
  for (const write of writes) write.catch(() => {})
  await writer.abort('enough')
  const another = (await pair(t, { highWaterMark: 1024n })).socket.writable.getWriter()
  await another.ready
  another.write(new Uint8Array(1000))
  t.is(another.desiredSize, 24)
})

test('F-WIN-33: close() with locked streams answers reads that wait', async (t) => {
  const { socket } = await pair(t)
  await socket.opened
  socket.writable.getWriter()
  const reader = socket.readable.getReader({ mode: 'byob' })
  const read = reader.read(new Uint8Array(16))
  await socket.close()
  const { done, value } = await read
  t.true(done)
  t.is(value.byteLength, 0)
})

test('both streams given up by hand fulfil closed', async (t) => {
  const { socket, peer } = await pair(t)
  peer.resume()
  await socket.opened
  await socket.readable.cancel('enough')
  await socket.writable.close()
  t.is(await socket.closed, undefined)
})

test('what is cancelled holds no peer up', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.readable.cancel()
  peer.write(Buffer.alloc(16 * 1024 * 1024))
  const everything = received(peer)
  await once(peer, 'drain')
  const writer = socket.writable.getWriter()
  await writer.write('still here')
  await writer.close()
  t.is(String(await everything), 'still here')
})

test('a chunk is a buffer of exactly its length, and can be transferred', async (t) => {
  const { socket, peer } = await pair(t)
  const reader = socket.readable.getReader()
  for (const length of [1, 100, 5000, 60_000]) {
    peer.write(Buffer.alloc(length, 1))
    for (let have = 0; have < length;) {
      const { value } = await reader.read()
      t.is(value.byteOffset, 0)
      t.is(value.buffer.byteLength, value.byteLength)
      have += value.byteLength
      t.notThrows(() => structuredClone(value.buffer, { transfer: [value.buffer] }))
    }
  }
  await socket.close()
})

test('nothing is read that nobody asked for: the peer is pushed back', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const length = 32 * 1024 * 1024
  peer.write(Buffer.alloc(length, 1))
  peer.end()
  // What both kernels hold, and no more.
  await new Promise((done) => setTimeout(done, 200))
  t.true(peer.writableLength > 0, 'the peer could write everything')
  t.is((await all(socket.readable)).length, length)
  await socket.closed
})

test('a large write fulfils when the peer has read, and not before', async (t) => {
  const { socket, peer } = await pair(t)
  const writer = socket.writable.getWriter()
  let isWritten = false
  const written = writer.write(new Uint8Array(32 * 1024 * 1024)).then(() => (isWritten = true))
  await new Promise((done) => setTimeout(done, 100))
  t.false(isWritten)
  peer.resume()
  await written
})

test('writing without a break leaves timers their turn', async (t) => {
  const { socket, peer } = await pair(t)
  peer.resume()
  const writer = socket.writable.getWriter()
  await socket.opened
  const timer = { isOver: false }
  setTimeout(() => (timer.isOver = true), 20)
  const chunk = new Uint8Array(1000)
  let writes = 0
  while (!timer.isOver && writes < 10_000_000) {
    await writer.write(chunk)
    writes++
  }
  t.true(timer.isOver)
  await socket.close()
})

test('reads by two readers, one behind the other, lose nothing', async (t) => {
  const { socket, peer } = await pair(t)
  const first = socket.readable.getReader()
  peer.write('one')
  t.is(String(await take(first, 3)), 'one')
  const pending = first.read()
  first.releaseLock()
  await t.throwsAsync(pending, { instanceOf: TypeError })
  const second = socket.readable.getReader({ mode: 'byob' })
  peer.write('two')
  const { value } = await second.read(new Uint8Array(10))
  t.is(text(value), 'two')
})
