'use strict'

// F-W3C-01 to 17 of the specification (docs/w3c.md): TCPSocket of the draft with streams.

const { execFile } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { promisify } = require('node:util')

const test = require('ava')

const { TCPSocket } = require('moz-tcp-socket/w3c')
const { testOn } = require('../../helpers/needs.js')
const { makePki } = require('../../helpers/pki.js')
const { echo, reasonOf, received, secureServerOf, serverOf } = require('../helpers/peers.js')
const { pair, rest, stateAt, text } = require('./support.js')

const run = promisify(execFile)

const turn = () => new Promise(setImmediate)

test('F-W3C-01: the attributes of a new socket are as given, or the defaults', async (t) => {
  const port = await serverOf(t, () => {})
  const socket = new TCPSocket('127.0.0.1', String(port))
  t.teardown(() => socket.close().catch(() => {}))
  t.like(socket, {
    remoteAddress: '127.0.0.1',
    remotePort: port,
    localAddress: null,
    localPort: null,
    noDelay: true,
    addressReuse: true,
    readyState: 'opening',
  })
  t.true(socket.opened instanceof Promise && socket.closed instanceof Promise)
  t.not(socket.opened, socket.closed)
  t.is(socket.opened, socket.opened)
  t.is(socket.closed, socket.closed)
  t.is(socket.readable, socket.readable)
  t.is(socket.writeable, socket.writable)
  t.true(socket.readable instanceof ReadableStream && socket.writeable instanceof WritableStream)
  t.is(String(socket), '[object TCPSocket]')
  t.throws(() => Reflect.set(Object.freeze(socket), 'x', 1) || new TCPSocket('127.0.0.1'), {
    instanceOf: TypeError,
  })
  t.throws(() => new TCPSocket(), { instanceOf: TypeError })
})

test('F-W3C-01: options are what the attributes say', async (t) => {
  const port = await serverOf(t, () => {})
  const options = {
    localAddress: '127.0.0.1',
    addressReuse: false,
    noDelay: false,
    tcpKeepAliveOptions: 'sparse',
    tcpKeepAliveSparseIntvl: 30,
    unknown: 1,
  }
  const socket = new TCPSocket('127.0.0.1', port, options)
  t.teardown(() => socket.close().catch(() => {}))
  t.like(socket, { localAddress: '127.0.0.1', addressReuse: false, noDelay: false })
  await socket.opened
  t.is(socket.localAddress, '127.0.0.1')
  for (const wrong of [
    5,
    'x',
    { tcpKeepAliveOptions: 'often' },
    { tcpKeepAliveSparseIntvl: 0 },
    { tcpKeepAliveSparseIntvl: NaN },
    { signal: 5 },
    { ca: 'x' },
    { useSecureTransport: true, ca: 'x' },
    { ssl: true },
  ]) {
    t.throws(() => new TCPSocket('127.0.0.1', port, wrong), { instanceOf: TypeError }, JSON.stringify(wrong))
  }
  for (const none of [undefined, null]) {
    new TCPSocket('127.0.0.1', port, none).close()
    new TCPSocket('127.0.0.1', port, { localAddress: undefined }).close()
  }
})

test('F-W3C-02: it is open inside the reaction of opened, with a local port', async (t) => {
  const { socket, peer } = await pair(t)
  t.is(await stateAt(socket.opened, socket), 'open')
  t.is(await socket.opened, undefined)
  t.is(socket.localPort, peer.remotePort)
  t.is(socket.localAddress, '127.0.0.1')
})

test('F-W3C-03: a refused port rejects reads and both promises, with the reason of the system', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  const reading = socket.readable.getReader().read()
  const writing = socket.writeable.getWriter().write('x')
  const states = Promise.all([reading, writing, socket.opened, socket.closed].map((p) => stateAt(p, socket)))
  const reason = await reasonOf(reading)
  t.true(reason instanceof DOMException)
  t.is(reason.name, 'NetworkError')
  t.like(reason.cause, { code: 'ECONNREFUSED', syscall: 'connect' })
  t.regex(reason.message, /127\.0\.0\.1.*port 1/)
  t.is(await reasonOf(socket.opened), reason)
  t.is(await reasonOf(socket.closed), reason)
  t.is(await reasonOf(writing), reason)
  t.deepEqual(await states, ['closed', 'closed', 'closed', 'closed'])
})

test('F-W3C-03: where nobody looks, no failure is an unhandled rejection', async (t) => {
  const code = `
    const { TCPSocket, TCPServerSocket } = require('moz-tcp-socket/w3c')
    new TCPSocket('127.0.0.1', 1)
    const { opened, closed } = new TCPSocket('127.0.0.1', 1)
    new TCPSocket('name.invalid', 1)
    new TCPSocket('127.0.0.1', 1).close()
    const server = new TCPServerSocket({ localAddress: '127.0.0.1' })
    server.opened.then(() => {
      new TCPServerSocket({ localAddress: '127.0.0.1', localPort: server.localPort })
      server.close()
    })`
  await t.notThrowsAsync(run(process.execPath, ['-e', code], { cwd: __dirname }))
})

test('F-W3C-04: a host or a port that cannot be is an InvalidAccessError', (t) => {
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  t.throws(() => new TCPSocket('127.0.0.1', 0), invalid)
  for (const host of ['', 'a b', 'http://a', 'a/b', '[::1]', '.', 'a..b', '127.1', 'x'.repeat(300)]) {
    t.throws(() => new TCPSocket(host, 80), invalid, host)
  }
  for (const port of [65_536, -1, NaN, Infinity, 'x', undefined, 1n, Symbol('port')]) {
    t.throws(() => new TCPSocket('127.0.0.1', port), { instanceOf: TypeError }, String(port))
  }
  t.throws(() => new TCPSocket(Symbol('host'), 80), { instanceOf: TypeError })
  t.throws(() => new TCPSocket('127.0.0.1', 80, { localPort: 0 }), invalid)
})

test('F-W3C-05: a localAddress that no interface has is an InvalidAccessError', (t) => {
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  const error = t.throws(() => new TCPSocket('127.0.0.1', 80, { localAddress: '203.0.113.9' }), invalid)
  t.is(error.cause.code, 'EADDRNOTAVAIL')
  for (const localAddress of ['localhost', '', '127.0.0.1:80', 'fe80::1%lo', null]) {
    t.throws(() => new TCPSocket('127.0.0.1', 80, { localAddress }), invalid, String(localAddress))
  }
  // Of the other version of IP nothing can reach the peer.
  t.throws(() => new TCPSocket('127.0.0.1', 80, { localAddress: '::1' }), invalid)
})

test('F-W3C-05: a localPort that is taken is a NetworkError of the promises', async (t) => {
  const port = await serverOf(t, () => {})
  const socket = new TCPSocket('127.0.0.1', port, { localAddress: '127.0.0.1', localPort: port })
  t.is(socket.readyState, 'opening')
  const reason = await reasonOf(socket.opened)
  t.is(reason.name, 'NetworkError')
  t.is(reason.cause.code, 'EADDRINUSE')
})

test('F-W3C-06: what is written before it is open arrives, and the write fulfils after that', async (t) => {
  const order = []
  let peer
  const port = await serverOf(t, (socket) => (peer = received(socket)))
  const socket = new TCPSocket('127.0.0.1', port)
  const writer = socket.writeable.getWriter()
  socket.opened.then(() => order.push('opened'))
  await Promise.all(
    ['one ', 'two ', 'three'].map((part) => writer.write(part).then(() => order.push('written'))),
  )
  await writer.close()
  t.deepEqual(order, ['opened', 'written', 'written', 'written'])
  t.is(String(await peer), 'one two three')
})

test('F-W3C-06: chunks are BufferSources and strings, and nothing else', async (t) => {
  const { socket, peer } = await pair(t)
  const writer = socket.writeable.getWriter()
  const memory = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]).buffer
  await writer.write(memory)
  await writer.write(new Uint16Array(memory, 2, 1))
  await writer.write(new DataView(memory, 7))
  await writer.write('é€')
  await writer.write(new ArrayBuffer(0))
  for (const wrong of [5]) t.true((await reasonOf(writer.write(wrong))) instanceof TypeError)
  t.deepEqual([...(await received(peer))], [1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 8, ...Buffer.from('é€')])
  for (const wrong of [{}, null, undefined, new SharedArrayBuffer(1), new Blob(['x'])]) {
    const { socket: other } = await pair(t)
    t.true((await reasonOf(other.writeable.write(wrong))) instanceof TypeError)
  }
})

test('F-W3C-07: a chunk is an ArrayBuffer of exactly the bytes that came', async (t) => {
  const { socket } = await pair(t, undefined, echo)
  const reader = socket.readable.getReader()
  t.throws(() => socket.readable.getReader({ mode: 'byob' }), { instanceOf: TypeError })
  await socket.writeable.write(new Uint8Array([1, 0, 255]))
  const { value } = await reader.read()
  t.true(value instanceof ArrayBuffer)
  t.deepEqual([...new Uint8Array(value)], [1, 0, 255])
  t.is(structuredClone(value, { transfer: [value] }).byteLength, 3)
})

test('F-W3C-08: an echo client in the manner of 2014 gets its text back', async (t) => {
  const port = await serverOf(t, echo)
  const log = []
  const socket = new TCPSocket('127.0.0.1', port)
  const done = new Promise((resolve, reject) => {
    socket.writeable.write('Hello World').then(() => {
      log.push('sent')
      socket.readable
        .getReader()
        .read()
        .then(({ value, done: isDone }) => {
          log.push(isDone, text(value))
          resolve(socket.close())
        }, reject)
    }, reject)
  })
  socket.halfClose()
  await done
  t.deepEqual(log, ['sent', false, 'Hello World'])
  t.is(await socket.closed, undefined)
  t.is(socket.readyState, 'closed')
})

test('F-W3C-08: writeable.write() needs the stream to be unlocked, as a writer does', async (t) => {
  const { socket } = await pair(t)
  const writer = socket.writeable.getWriter()
  t.true((await reasonOf(socket.writeable.write('x'))) instanceof TypeError)
  writer.releaseLock()
  await socket.writeable.write('x')
  t.false(socket.writeable.locked)
  await socket.writeable.close()
  t.true((await reasonOf(socket.writeable.write('x'))) instanceof TypeError)
})

for (const isLocked of [false, true]) {
  const how = isLocked ? ' (locked)' : ''

  test(`F-W3C-09: halfClose() ends our side behind everything that was written, and reading goes on${how}`, async (t) => {
    const { socket, peer } = await pair(t)
    await socket.opened
    const writer = isLocked ? socket.writeable.getWriter() : socket.writeable
    const block = new Uint8Array(256 * 1024).fill(1)
    const writes = []
    for (let i = 0; i < 8; i++) writes.push(writer.write(block))
    t.is(socket.halfClose(), undefined)
    t.is(socket.readyState, 'open')
    const sent = await received(peer)
    t.is(sent.length, 8 * block.length)
    await Promise.all(writes)
    // Its own end has been told by now, or is with the next event.
    peer.write('still')
    const reader = socket.readable.getReader()
    t.is(text((await reader.read()).value), 'still')
    t.is(socket.readyState, 'halfclosed')
    socket.halfClose()
    t.truthy(await reasonOf(writer.write('more')))
    const ended = reader.read()
    peer.end()
    t.true((await ended).done)
    t.is(socket.readyState, 'closed')
    t.is(await socket.closed, undefined)
  })
}

test('F-W3C-10: halfClose() while it connects ends our side as soon as it is connected', async (t) => {
  let accepted
  const connection = new Promise((resolve) => (accepted = resolve))
  const port = await serverOf(t, (peer) => accepted({ peer, sent: received(peer) }))
  const socket = new TCPSocket('127.0.0.1', port)
  socket.halfClose()
  t.is(socket.readyState, 'opening')
  t.is(await stateAt(socket.opened, socket), 'open')
  const { peer, sent } = await connection
  t.is(String(await sent), '')
  peer.write('hello')
  t.is(text((await socket.readable.getReader().read()).value), 'hello')
  t.is(socket.readyState, 'halfclosed')
  peer.end()
  await socket.closed
})

test('F-W3C-11: when the peer ends reading ends, and writing does not', async (t) => {
  const { socket, peer } = await pair(t)
  const everything = received(peer)
  peer.end('bye')
  const reader = socket.readable.getReader()
  t.is(String(await rest(reader)), 'bye')
  t.is(socket.readyState, 'open')
  await socket.writeable.write('late')
  let isClosed = false
  socket.closed.then(() => (isClosed = true))
  await turn()
  t.false(isClosed)
  socket.halfClose()
  t.is(await stateAt(socket.closed, socket), 'closed')
  t.is(String(await everything), 'late')
})

test('F-W3C-11: a chunk is read ahead, so that both ends can be noticed though nobody reads', async (t) => {
  const { socket, peer } = await pair(t)
  peer.resume()
  peer.end('bye')
  socket.halfClose()
  t.is(await socket.closed, undefined)
  // It is still there.
  t.is(String(await rest(socket.readable.getReader())), 'bye')
})

for (const isLocked of [false, true]) {
  test(`F-W3C-12: close() sends what was written, then ends (${isLocked ? 'locked' : 'unlocked'})`, async (t) => {
    const { socket, peer } = await pair(t)
    await socket.opened
    const block = new Uint8Array(64 * 1024).fill(7)
    const writer = isLocked ? socket.writeable.getWriter() : socket.writeable
    const reading = isLocked ? socket.readable.getReader().read() : undefined
    const writes = Array.from({ length: 32 }, () => writer.write(block))
    const closed = socket.close()
    t.is(closed, socket.closed)
    t.is(socket.readyState, 'closing')
    if (isLocked) t.true((await reading).done)
    peer.write('dropped')
    const sent = received(peer)
    t.is((await sent).length, 32 * block.length)
    await Promise.all(writes)
    peer.end()
    t.is(await stateAt(closed, socket), 'closed')
    t.is(await closed, undefined)
    t.truthy(await reasonOf(writer.write('more')))
  })
}

test('F-W3C-12: a connection that is lost while it closes rejects closed', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const writes = Array.from({ length: 64 }, () => socket.writeable.write(new Uint8Array(1024 * 1024)))
  for (const write of writes) write.catch(() => {})
  const closed = socket.close()
  t.is(socket.readyState, 'closing')
  peer.resetAndDestroy()
  const reason = await reasonOf(closed)
  t.is(reason.name, 'NetworkError')
  t.regex(reason.cause.code, /^(?:ECONNRESET|EPIPE)$/)
  t.is(socket.readyState, 'closed')
})

test('F-W3C-13: close() in the turn of the constructor abandons it', async (t) => {
  const connections = []
  const port = await serverOf(t, (peer) => {
    peer.resume()
    peer.on('end', () => peer.end())
    connections.push(once(peer, 'close'))
  })
  const socket = new TCPSocket('127.0.0.1', port)
  const written = socket.writeable.write('never')
  const read = socket.readable.getReader().read()
  t.is(socket.close(), socket.closed)
  t.is(socket.readyState, 'closing')
  for (const promise of [socket.opened, socket.closed, written, read]) {
    const reason = await reasonOf(promise)
    t.true(reason instanceof DOMException)
    t.is(reason.name, 'AbortError')
  }
  t.is(socket.readyState, 'closed')
  // A later connection is behind one that was abandoned.
  const later = new TCPSocket('127.0.0.1', port)
  await later.opened
  await later.close()
  await Promise.all(connections)
})

test('F-W3C-14: close() returns closed, whatever the state', async (t) => {
  const { socket, peer } = await pair(t)
  peer.resume()
  peer.on('end', () => peer.end())
  await socket.opened
  const { closed } = socket
  t.is(socket.close(), closed)
  t.is(socket.close(), closed)
  await closed
  t.is(socket.close(), closed)
  socket.halfClose()
  t.is(socket.readyState, 'closed')
  const refused = new TCPSocket('127.0.0.1', 1)
  await reasonOf(refused.closed)
  t.is(refused.close(), refused.closed)
})

test('cancelling what is read is close()', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const written = socket.writeable.write('before')
  const cancelled = socket.readable.cancel('enough')
  t.is(socket.readyState, 'closing')
  t.is(String(await received(peer)), 'before')
  peer.end()
  await Promise.all([cancelled, written, socket.closed])
  const opening = new TCPSocket('127.0.0.1', 1)
  await opening.readable.cancel()
  t.is((await reasonOf(opening.opened)).name, 'AbortError')
  t.is((await reasonOf(opening.closed)).name, 'AbortError')
})

test('F-W3C-15: aborting writeable throws away what is queued, and reading goes on', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const block = new Uint8Array(1024 * 1024)
  const writes = Array.from({ length: 64 }, () => socket.writeable.write(block))
  for (const write of writes) write.catch(() => {})
  await socket.writeable.abort('enough')
  t.is(socket.readyState, 'halfclosed')
  const sent = await received(peer)
  t.true(sent.length < 64 * block.length)
  peer.write('still')
  const reader = socket.readable.getReader()
  t.is(text((await reader.read()).value), 'still')
  peer.end()
  t.is(await socket.closed, undefined)
})

test('F-W3C-16: a reset of the peer fails everything', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  const reading = socket.readable.getReader().read()
  const state = stateAt(reading, socket)
  peer.resetAndDestroy()
  const reason = await reasonOf(reading)
  t.is(reason.name, 'NetworkError')
  t.is(reason.cause.code, 'ECONNRESET')
  t.is(await state, 'closed')
  t.is(await reasonOf(socket.closed), reason)
  t.is(await reasonOf(socket.writeable.getWriter().write('x')), reason)
})

test('F-W3C-16: a write to a peer that is gone fails everything', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  // What was not read makes its close a reset.
  await socket.writeable.write('unread')
  const writes = []
  peer.once('readable', () => peer.resetAndDestroy())
  for (;;) {
    const written = socket.writeable.write(new Uint8Array(1024))
    writes.push(written)
    const reason = await written.then(
      () => undefined,
      (error) => error,
    )
    if (reason === undefined) continue
    t.is(reason.name, 'NetworkError')
    t.is(await reasonOf(socket.readable.getReader().read()), reason)
    break
  }
  t.is((await reasonOf(socket.closed)).name, 'NetworkError')
  t.is(socket.readyState, 'closed')
})

test('F-W3C-17: where nobody reads the peer is held up, and everything arrives later', async (t) => {
  const SIZE = 8 * 1024 * 1024
  const sent = Buffer.alloc(SIZE, 'moz')
  const { socket, peer } = await pair(t)
  await socket.opened
  const drained = once(peer, 'drain')
  peer.end(sent)
  // Held up: what it has left to write stays the same for a while.
  let before
  let same = 0
  while (same < 20) {
    same = peer.writableLength === before ? same + 1 : 0
    before = peer.writableLength
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.true(peer.bytesWritten - peer.writableLength < SIZE || peer.writableLength > 0)
  t.true(peer.writableLength > 0)
  t.true((await rest(socket.readable.getReader())).equals(sent))
  drained.catch(() => {})
  socket.halfClose()
  await socket.closed
})

test('TLS: useSecureTransport with an authority of its own, and a name that does not match', async (t) => {
  const port = await secureServerOf(t, echo)
  const { ca } = makePki()
  const options = { useSecureTransport: true, ca, caOnly: true }
  const socket = new TCPSocket('127.0.0.1', port, options)
  t.teardown(() => socket.close().catch(() => {}))
  await socket.writeable.write('secret')
  t.is(text((await socket.readable.getReader().read()).value), 'secret')
  socket.halfClose()
  await socket.closed
  const stranger = new TCPSocket('127.0.0.1', port, { useSecureTransport: true })
  const reason = await reasonOf(stranger.opened)
  t.is(reason.name, 'NetworkError')
  t.is(reason.cause.name, 'SecurityUntrustedCertificateIssuerError')
  t.is(await reasonOf(stranger.closed), reason)
})

test('a signal abandons it, with its reason', async (t) => {
  const controller = new AbortController()
  const { socket } = await pair(t, { signal: controller.signal })
  await socket.opened
  controller.abort('enough')
  t.is(socket.readyState, 'closed')
  t.is(await reasonOf(socket.closed), 'enough')
  const late = new TCPSocket('127.0.0.1', 1, { signal: AbortSignal.abort('never') })
  t.is(await reasonOf(late.opened), 'never')
  t.is(await reasonOf(late.closed), 'never')
})

test('await using closes it, and unref() lets the process end', async (t) => {
  const { socket, peer } = await pair(t)
  await socket.opened
  if (Symbol.asyncDispose) {
    peer.resume()
    peer.on('end', () => peer.end())
    await socket[Symbol.asyncDispose]()
    t.is(socket.readyState, 'closed')
    await new TCPSocket('127.0.0.1', 1)[Symbol.asyncDispose]()
  }
  const port = await serverOf(t, () => {})
  const code = `
    const { TCPSocket } = require('moz-tcp-socket/w3c')
    const socket = new TCPSocket('127.0.0.1', ${port})
    socket.opened.then(() => console.log(socket.unref() === socket))`
  const { stdout } = await run(process.execPath, ['-e', code], { cwd: __dirname, timeout: 30_000 })
  t.is(stdout, 'true\n')
})

/** Of Linux: the timer of the connection from `port`, and the seconds until it fires. */
function timerOf({ localPort, remotePort }) {
  const hex = (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const fields = lines
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(hex(localPort)) && remote?.endsWith(hex(remotePort)))
  const [kind, ticks] = fields[5].split(':')
  return { kind, seconds: Math.round(Number.parseInt(ticks, 16) / 100) }
}

testOn(
  test,
  process.platform === 'linux',
  'Linux',
)('tcpKeepAliveOptions: a silent peer is probed, sparsely or each 10 seconds, or not', async (t) => {
  for (const [options, kind, seconds] of [
    [{}, '00', 0],
    [{ tcpKeepAliveOptions: 'off' }, '00', 0],
    [{ tcpKeepAliveOptions: 'sparse' }, '02', 600],
    [{ tcpKeepAliveOptions: 'sparse', tcpKeepAliveSparseIntvl: 30 }, '02', 30],
    [{ tcpKeepAliveOptions: 'frequent-then-sparse' }, '02', 10],
  ]) {
    const { socket } = await pair(t, options)
    await socket.opened
    const timer = timerOf(socket)
    t.is(timer.kind, kind, JSON.stringify(options))
    t.true(timer.seconds <= seconds && timer.seconds >= seconds - 2, `${timer.seconds} of ${seconds}`)
  }
})
