'use strict'

// F-DS-01 to 32 of the specification (docs/direct.md): TCPSocket of Direct Sockets against servers of node:net.

const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { promisify } = require('node:util')

const test = require('ava')

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/direct')
const { whyNoDns, withDns } = require('../../helpers/dns/dns.js')
const { fullListener } = require('../../helpers/full-listener.js')
const { hasTools, serialWhere, testOn, testWhere } = require('../../helpers/needs.js')
const { attach, mayAttach } = require('../../helpers/strace.js')
const {
  all,
  bytes,
  disposed,
  echo,
  next,
  open,
  pair,
  pattern,
  reasonOf,
  received,
  send,
  serverOf,
  take,
  text,
} = require('./support.js')

const run = promisify(execFile)

const isNamed = (t, error, name) => {
  t.true(error instanceof DOMException, `${error}`)
  t.is(error.name, name)
}

/** A port of 127.0.0.1 at which nobody listens. */
async function refusingPort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

test('F-DS-01: a client and a server talk in both directions, and all three close', async (t) => {
  const server = new TCPServerSocket('127.0.0.1')
  const { readable: connections, localPort } = await server.opened
  const client = new TCPSocket('127.0.0.1', localPort)
  const reader = connections.getReader()
  const { value: accepted, done } = await reader.read()
  t.false(done)
  t.true(accepted instanceof TCPSocket)
  reader.releaseLock()
  const ours = await client.opened
  const theirs = await accepted.opened
  await send(ours.writable, bytes('to the server'))
  t.is(text((await next(theirs.readable)).value), 'to the server')
  await send(theirs.writable, bytes('to the client'))
  t.is(text((await next(ours.readable)).value), 'to the client')
  for (const socket of [client, accepted, server]) t.is(await socket.close(), undefined)
  for (const socket of [client, accepted, server]) t.is(await socket.closed, undefined)
})

test('F-DS-02: opened tells both ends of the connection, as the peer sees them', async (t) => {
  const { remoteAddress, remotePort, localAddress, localPort, peer, port } = await pair(t)
  t.is(remoteAddress, '127.0.0.1')
  t.is(remotePort, port)
  t.is(localAddress, peer.remoteAddress)
  t.is(localPort, peer.remotePort)
})

test('F-DS-03: of a name opened tells the address', async (t) => {
  const port = await serverOf(t, () => {})
  const socket = disposed(t, new TCPSocket('localhost', port, { dnsQueryType: 'ipv4' }))
  t.is((await socket.opened).remoteAddress, '127.0.0.1')
})

test('F-DS-04: options out of range are TypeErrors that name them', (t) => {
  const make = (options) => () => new TCPSocket('127.0.0.1', 9, options)
  for (const [options, message] of [
    [{ keepAliveDelay: 950 }, /^keepAliveDelay 950: /],
    [{ keepAliveDelay: -1 }, /^keepAliveDelay -1: /],
    [{ keepAliveDelay: NaN }, /^keepAliveDelay NaN: /],
    [{ sendBufferSize: 0 }, /^sendBufferSize 0: /],
    [{ receiveBufferSize: 0 }, /^receiveBufferSize 0: /],
    [{ sendBufferSize: 2 ** 32 }, /^sendBufferSize 4294967296: /],
    [{ receiveBufferSize: NaN }, /^receiveBufferSize NaN: /],
    [{ receiveBufferSize: Infinity }, /^receiveBufferSize Infinity: /],
    [{ signal: {} }, /^signal an object/],
    ['options', /^options "options": must be an object/],
  ]) {
    t.throws(make(options), { instanceOf: TypeError, message })
  }
  t.throws(() => new TCPSocket('127.0.0.1'), { instanceOf: TypeError, message: /at least 2 arguments/ })
  t.throws(() => TCPSocket('127.0.0.1', 9), { instanceOf: TypeError })
})

test('F-DS-04: a port that no port can be is a TypeError', (t) => {
  for (const port of [-1, 65_536, NaN, undefined, Infinity]) {
    t.throws(() => new TCPSocket('127.0.0.1', port), { instanceOf: TypeError, message: /^remotePort / })
  }
})

testWhere(
  test.serial,
  hasTools('strace') && mayAttach(),
  'strace',
)('F-DS-05: options reach the socket, and without noDelay Nagle’s algorithm is on', async (t) => {
  const port = await serverOf(t, () => {})
  const trace = await attach({ onEnd: (end) => t.teardown(end) }, process.pid, '-f', '-e', 'trace=setsockopt')
  await open(t, port, {
    noDelay: true,
    keepAliveDelay: 100_000,
    sendBufferSize: 65_536,
    receiveBufferSize: 32_768,
  })
  await open(t, port)
  const log = await trace.ended()
  for (const call of [
    /TCP_NODELAY, \[1\]/,
    /TCP_KEEPIDLE, \[100\]/,
    /TCP_KEEPINTVL, \[100\]/,
    /SO_SNDBUF, \[65536\]/,
    /SO_RCVBUF, \[32768\]/,
    /TCP_NODELAY, \[0\]/,
  ]) {
    t.regex(log, call)
  }
  t.is(log.match(/SO_KEEPALIVE, \[1\]/g).length, 1)
})

test('F-DS-06: dnsQueryType is ipv4 or ipv6, and an address of the other family is not connected to', async (t) => {
  t.throws(() => new TCPSocket('127.0.0.1', 9, { dnsQueryType: 'ipv5' }), {
    instanceOf: TypeError,
    message: 'dnsQueryType "ipv5": must be "ipv4" or "ipv6"',
  })
  const port = await serverOf(t, () => t.fail('connected'))
  const socket = new TCPSocket('127.0.0.1', port, { dnsQueryType: 'ipv6' })
  isNamed(t, await reasonOf(socket.opened), 'NetworkError')
})

serialWhere(
  test,
  whyNoDns() === '',
  whyNoDns(),
)('F-DS-06: of a name with addresses of both families that of dnsQueryType is used', async (t) => {
  const program = `
    const { TCPSocket } = require('moz-tcp-socket/direct')
    const server = require('node:net').createServer().listen(0, '::', async () => {
      const found = []
      for (const dnsQueryType of ['ipv4', 'ipv6']) {
        const socket = new TCPSocket('both.test', server.address().port, { dnsQueryType })
        found.push((await socket.opened).remoteAddress)
        await socket.close()
      }
      console.log(JSON.stringify(found))
      process.exit()
    })`
  const [command, ...args] = [...withDns('normal'), process.execPath, '-e', program]
  const { stdout } = await run(command, args, { cwd: __dirname, timeout: 30_000 })
  t.deepEqual(JSON.parse(stdout), ['127.0.0.1', '::1'])
})

test('F-DS-07: of a refused connection opened and closed reject with one NetworkError, whose cause is the system’s', async (t) => {
  const socket = new TCPSocket('127.0.0.1', await refusingPort())
  const error = await reasonOf(socket.opened)
  isNamed(t, error, 'NetworkError')
  t.is(error.cause.code, 'ECONNREFUSED')
  t.is(error.cause.syscall, 'connect')
  t.true(error.cause.errno < 0)
  t.is(await reasonOf(socket.closed), error)
})

test('an address that is none, and port 0, are NetworkErrors of the promises', async (t) => {
  for (const [address, port, code] of [
    ['not a host', 80, 'ENOTFOUND'],
    ['', 80, 'ENOTFOUND'],
    ['no-such-host.invalid', 80, 'ENOTFOUND'],
    ['127.0.0.1', 0, 'EADDRNOTAVAIL'],
  ]) {
    const socket = new TCPSocket(address, port)
    const error = await reasonOf(socket.opened)
    isNamed(t, error, 'NetworkError')
    t.is(await reasonOf(socket.closed), error)
    t.truthy(error.cause.code ?? error.cause.message, code)
  }
})

test('F-DS-08: close() of an open socket fulfils after locks were taken and given back', async (t) => {
  const { socket, readable, writable } = await pair(t)
  readable.getReader().releaseLock()
  writable.getWriter().releaseLock()
  t.is(await socket.close(), undefined)
  t.is(await socket.closed, undefined)
})

test('F-DS-09: chunks of 1, 2, 3 … bytes arrive in order', async (t) => {
  const { writable, peer } = await pair(t)
  const everything = received(peer)
  const writer = writable.getWriter()
  for (let sent = 0, size = 1; sent < 10_000; size++) {
    const count = Math.min(size, 10_000 - sent)
    await writer.ready
    await writer.write(pattern(count, sent))
    sent += count
  }
  await writer.close()
  t.deepEqual(new Uint8Array(await everything), pattern(10_000))
})

test('F-DS-10: a chunk of 196609 bytes is one write', async (t) => {
  const { writable, peer } = await pair(t)
  const everything = received(peer)
  const writer = writable.getWriter()
  await writer.write(pattern(196_609))
  await writer.close()
  t.deepEqual(new Uint8Array(await everything), pattern(196_609))
})

test('F-DS-11: a BYOB reader reads 150000 bytes into one buffer over and over', async (t) => {
  const { readable } = await pair(t, (peer) => peer.end(pattern(150_000)))
  const reader = readable.getReader({ mode: 'byob' })
  let buffer = new ArrayBuffer(1000)
  const chunks = []
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer))
    if (done) break
    t.true(value.byteLength > 0)
    chunks.push(Buffer.from(value))
    ;({ buffer } = value)
  }
  t.deepEqual(new Uint8Array(Buffer.concat(chunks)), pattern(150_000))
})

test('F-DS-12: reading by BYOB and writing go on at once', async (t) => {
  const { readable, writable, peer } = await pair(t, (socket) => socket.write(pattern(1000)))
  const everything = received(peer)
  const reading = (async () => {
    const reader = readable.getReader({ mode: 'byob' })
    const chunks = []
    for (let have = 0; have < 1000;) {
      const { value } = await reader.read(new Uint8Array(100))
      chunks.push(Buffer.from(value))
      have += value.length
    }
    return new Uint8Array(Buffer.concat(chunks))
  })()
  const writer = writable.getWriter()
  for (let i = 0; i < 10; i++) await writer.write(pattern(100, i * 100))
  await writer.close()
  t.deepEqual(await reading, pattern(1000))
  t.deepEqual(new Uint8Array(await everything), pattern(1000))
})

test('F-DS-13: a read that waits rejects when the connection fails', async (t) => {
  const { readable, peer, socket } = await pair(t)
  const read = readable.getReader().read()
  peer.resetAndDestroy()
  isNamed(t, await reasonOf(read), 'NetworkError')
  isNamed(t, await reasonOf(socket.closed), 'NetworkError')
})

test('F-DS-14: a read that waits is done when the peer ends', async (t) => {
  const { readable, peer } = await pair(t)
  const read = readable.getReader().read()
  peer.end()
  t.deepEqual(await read, { value: undefined, done: true })
})

test('F-DS-15: a write after the peer’s reset rejects', async (t) => {
  const { writable, peer, socket } = await pair(t)
  peer.resetAndDestroy()
  isNamed(t, await reasonOf(socket.closed), 'NetworkError')
  isNamed(t, await reasonOf(send(writable, bytes('x'))), 'NetworkError')
})

test('F-DS-16: a read and a write that wait both reject when the connection is lost, and so does closed', async (t) => {
  const { readable, writable, peer, socket } = await pair(t, (own) => own.pause())
  const read = readable.getReader().read()
  const writer = writable.getWriter()
  const write = (async () => {
    for (;;) await writer.write(new Uint8Array(1024 * 1024))
  })()
  await once(peer, 'readable')
  peer.resetAndDestroy()
  const [ofRead, ofWrite, ofClosed] = await Promise.all([read, write, socket.closed].map(reasonOf))
  for (const error of [ofRead, ofWrite, ofClosed]) isNamed(t, error, 'NetworkError')
})

test('F-DS-17: cancelling one side and closing the other closes the socket', async (t) => {
  const { socket, readable, writable } = await pair(t)
  await readable.getReader().cancel()
  await writable.getWriter().close()
  t.is(await socket.closed, undefined)
})

test('F-DS-18: when the peer has ended and our side is closed, closed fulfils though nobody ever read', async (t) => {
  const { socket, writable, peer } = await pair(t)
  peer.end()
  await writable.getWriter().close()
  t.is(await socket.closed, undefined)
})

test('F-DS-19: a write that was not waited for leaves before the end', async (t) => {
  const { writable, peer } = await pair(t)
  const writer = writable.getWriter()
  const done = [writer.write(bytes('A')), writer.close()]
  t.is(String(await received(peer)), 'A')
  await Promise.all(done)
})

test('F-DS-20: a chunk larger than all buffers is written when the peer has read it, and not before', async (t) => {
  const { writable, peer } = await pair(t, (socket) => socket.pause())
  const size = 32 * 1024 * 1024
  let isDone = false
  const writer = writable.getWriter()
  const write = writer.write(new Uint8Array(size)).then(() => (isDone = true))
  await once(peer, 'readable')
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.false(isDone)
  const everything = received(peer)
  await write
  await writer.close()
  t.is((await everything).length, size)
})

test('F-DS-21: an ArrayBuffer is sent whole, and of a view its window', async (t) => {
  const { writable, peer } = await pair(t)
  const everything = received(peer)
  const { buffer } = pattern(10)
  const writer = writable.getWriter()
  for (const chunk of [
    buffer,
    new Uint8Array(buffer, 2, 3),
    new DataView(buffer, 9),
    new Uint16Array(buffer, 4, 1),
  ]) {
    await writer.write(chunk)
  }
  await writer.close()
  t.deepEqual([...(await everything)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 9, 4, 5])
})

test('F-DS-21: what was written may be changed at once', async (t) => {
  const { writable, peer } = await pair(t)
  const everything = received(peer)
  const writer = writable.getWriter()
  const chunk = new Uint8Array(1024 * 1024).fill(1)
  const write = writer.write(chunk)
  await Promise.resolve()
  chunk.fill(2)
  await write
  await writer.close()
  t.true((await everything).every((byte) => byte === 1))
})

for (const [what, make] of [
  ['a string', () => 'text'],
  ['a number', () => 1],
  ['nothing', () => undefined],
  ['shared memory', () => new Uint8Array(new SharedArrayBuffer(4))],
]) {
  test(`F-DS-21: writing ${what} is a TypeError, and that of the stream and the socket`, async (t) => {
    const { socket, writable, readable, peer } = await pair(t)
    const writer = writable.getWriter()
    const error = await reasonOf(writer.write(make()))
    t.true(error instanceof TypeError)
    t.is(await reasonOf(writer.closed), error)
    peer.resume().end()
    t.true((await readable.getReader().read()).done)
    t.is(await reasonOf(socket.closed), error)
  })
}

test('F-DS-22: bytes that came before an error are read before it', async (t) => {
  const { readable, peer, socket } = await pair(t)
  const reader = readable.getReader()
  const first = reader.read()
  peer.write('before')
  t.is(text((await first).value), 'before')
  peer.resetAndDestroy()
  isNamed(t, await reasonOf(reader.read()), 'NetworkError')
  isNamed(t, await reasonOf(socket.closed), 'NetworkError')
})

test('F-DS-23: close() before the socket is open rejects, and the socket still opens', async (t) => {
  const port = await serverOf(t, echo)
  const socket = disposed(t, new TCPSocket('127.0.0.1', port))
  isNamed(t, await reasonOf(socket.close()), 'InvalidStateError')
  const { readable, writable } = await socket.opened
  await send(writable, bytes('x'))
  t.is(text((await next(readable)).value), 'x')
})

test('F-DS-24: close() of a locked socket rejects, and data still flows', async (t) => {
  const { socket, readable, writable } = await pair(t, echo)
  const reader = readable.getReader()
  isNamed(t, await reasonOf(socket.close()), 'InvalidStateError')
  await send(writable, bytes('one'))
  t.is(text((await reader.read()).value), 'one')
  reader.releaseLock()
  const writer = writable.getWriter()
  isNamed(t, await reasonOf(socket.close()), 'InvalidStateError')
  await writer.write(bytes('two'))
  t.is(text((await next(readable)).value), 'two')
  writer.releaseLock()
  t.is(await socket.close(), undefined)
})

test('a close() that rejects and that nobody looks at ends no process', async (t) => {
  const { socket, readable } = await pair(t)
  readable.getReader()
  void socket.close()
  await new Promise(setImmediate)
  t.pass()
})

test('F-DS-25: after writer.close() reading goes on, and closed fulfils by itself', async (t) => {
  const { socket, readable, writable } = await pair(t, echo)
  const writer = writable.getWriter()
  await writer.write(bytes('echo'))
  await writer.close()
  t.is(String(await all(readable)), 'echo')
  t.is(await socket.closed, undefined)
})

test('F-DS-26: cancelling first and closing then closes the socket', async (t) => {
  const { socket, readable, writable } = await pair(t, echo)
  await readable.cancel('enough')
  await writable.close()
  t.is(await socket.closed, undefined)
})

test('F-DS-27: writer.abort(reason) ends our side at once, and closed rejects with that very reason', async (t) => {
  const { socket, readable, writable } = await pair(t, (peer) => peer.resume().on('end', () => peer.end()))
  const reason = new Error('given up')
  const writer = writable.getWriter()
  await writer.abort(reason)
  t.is(String(await all(readable)), '')
  t.is(await reasonOf(socket.closed), reason)
})

test('F-DS-27: abort() rejects the write under way, and drops what is queued', async (t) => {
  const { writable, peer } = await pair(t, (own) => own.pause())
  const writer = writable.getWriter()
  const reason = new Error('given up')
  const writes = [new Uint8Array(32 * 1024 * 1024), bytes('never')].map((chunk) => writer.write(chunk))
  await once(peer, 'readable')
  const aborted = writer.abort(reason)
  for (const write of writes) t.is(await reasonOf(write), reason)
  await aborted
  const everything = await received(peer.resume())
  t.true(everything.length < 32 * 1024 * 1024)
})

test('F-DS-28: when the peer has ended its side, what is written still arrives', async (t) => {
  const { socket, readable, writable, peer } = await pair(t)
  const everything = received(peer)
  peer.end('bye')
  t.is(String(await all(readable)), 'bye')
  await send(writable, bytes('one more'))
  await writable.close()
  t.is(String(await everything), 'one more')
  t.is(await socket.closed, undefined)
})

test('F-DS-29: close() with 8 MiB queued is prompt: the peer gets a beginning, and an end', async (t) => {
  const { socket, writable, peer } = await pair(t, (own) => own.pause())
  const writer = writable.getWriter()
  const write = reasonOf(writer.write(pattern(8 * 1024 * 1024)))
  await once(peer, 'readable')
  writer.releaseLock()
  const started = performance.now()
  await socket.close()
  t.true(performance.now() - started < 5000)
  isNamed(t, await write, 'AbortError')
  const everything = await received(peer.resume())
  t.true(everything.length > 0 && everything.length < 8 * 1024 * 1024)
  t.deepEqual(new Uint8Array(everything.subarray(0, 1000)), pattern(1000))
})

test('F-DS-30: a signal that has aborted abandons the connection with its reason', async (t) => {
  const port = await serverOf(t, () => t.fail('connected'))
  const reason = new Error('no time')
  const socket = new TCPSocket('127.0.0.1', port, { signal: AbortSignal.abort(reason) })
  t.is(await reasonOf(socket.opened), reason)
  t.is(await reasonOf(socket.closed), reason)
})

testOn(
  test,
  process.platform === 'linux',
  'Linux',
)('F-DS-30: a signal that aborts while nobody answers abandons the connection', async (t) => {
  const { port } = await fullListener({ onEnd: (end) => t.teardown(end) })
  const socket = new TCPSocket('127.0.0.1', port, { signal: AbortSignal.timeout(100) })
  const started = performance.now()
  isNamed(t, await reasonOf(socket.opened), 'TimeoutError')
  t.true(performance.now() - started < 5000)
})

test('a signal that aborts an open socket fails reads, writes and closed with its reason', async (t) => {
  const controller = new AbortController()
  const { socket, readable, writable } = await pair(t, () => {}, { signal: controller.signal })
  const read = readable.getReader().read()
  controller.abort('reason')
  t.is(await reasonOf(read), 'reason')
  t.is(await reasonOf(send(writable, bytes('x'))), 'reason')
  t.is(await reasonOf(socket.closed), 'reason')
})

test('F-DS-31: a chunk is all of its buffer', async (t) => {
  const { readable } = await pair(t, (peer) => peer.end(pattern(1000)))
  for await (const chunk of readable) {
    t.true(chunk instanceof Uint8Array)
    t.is(chunk.byteOffset, 0)
    t.is(chunk.buffer.byteLength, chunk.byteLength)
  }
})

test('F-DS-32: nothing is read that nobody asked for, and one write goes down at a time', async (t) => {
  const size = 64 * 1024
  const { readable, writable, peer } = await pair(t, (own) => own.pause())
  await new Promise((resolve) => peer.write(new Uint8Array(size), resolve))
  const writer = writable.getWriter()
  t.is(writer.desiredSize, 1)
  const write = writer.write(new Uint8Array(64 * 1024 * 1024))
  t.is(writer.desiredSize, 0)
  const reader = readable.getReader()
  t.is((await take(reader, size)).length, size)
  peer.resume()
  await write
  t.is(writer.desiredSize, 1)
})

test('nobody reads: the peer is blocked long before it has sent 64 MiB', async (t) => {
  const { readable, peer } = await pair(t)
  const block = new Uint8Array(1024 * 1024)
  let sent = 0
  while (peer.write(block)) sent += block.length
  for (let i = 0; i < 63; i++) peer.write(block)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.true(peer.writableLength > 32 * 1024 * 1024, `${peer.writableLength}, after ${sent}`)
  peer.end()
  let count = 0
  for await (const chunk of readable) count += chunk.length
  t.true(count >= 63 * block.length)
})

test('the promises and close() are of the socket alone', async (t) => {
  const { socket } = await pair(t)
  t.is(socket.opened, socket.opened)
  t.is(socket.closed, socket.closed)
  const { get } = Object.getOwnPropertyDescriptor(TCPSocket.prototype, 'closed')
  t.throws(() => get.call({}), { instanceOf: TypeError })
  t.true((await reasonOf(TCPSocket.prototype.close.call({}))) instanceof TypeError)
  t.is(Object.prototype.toString.call(socket), '[object TCPSocket]')
  t.is(TCPSocket.length, 2)
})

test('a close() of a closed socket fulfils, and that of a failed one rejects as it did', async (t) => {
  const { socket } = await pair(t)
  await socket.close()
  t.is(await socket.close(), undefined)
  const failed = new TCPSocket('127.0.0.1', await refusingPort())
  const error = await reasonOf(failed.opened)
  t.is(await reasonOf(failed.close()), error)
})

testOn(
  test,
  Symbol.asyncDispose !== undefined,
  'Symbol.asyncDispose',
)('await using closes a socket whatever is locked, also one that is opening', async (t) => {
  const { socket, readable, writable } = await pair(t)
  const read = readable.getReader().read()
  writable.getWriter()
  await socket[Symbol.asyncDispose]()
  t.true((await read).done)
  const port = await serverOf(t, () => {})
  const opening = new TCPSocket('127.0.0.1', port)
  const opened = reasonOf(opening.opened)
  await opening[Symbol.asyncDispose]()
  isNamed(t, await opened, 'AbortError')
})

test('a failure ends no process, unless somebody has asked for opened and does not handle it', async (t) => {
  const port = await refusingPort()
  const program = (use) => `
    const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/direct')
    for (const socket of [new TCPSocket('127.0.0.1', ${port}), new TCPServerSocket('192.0.2.1')]) {
      socket.closed
      ${use}
    }`
  const node = (use) => run(process.execPath, ['-e', program(use)], { cwd: __dirname, timeout: 30_000 })
  t.is((await node('')).stderr, '')
  t.is((await node('socket.close()')).stderr, '')
  t.is((await node('socket.opened.catch(() => {})')).stderr, '')
  t.regex((await reasonOf(node('socket.opened'))).stderr, /NetworkError/)
})

test('what somebody puts on Object.prototype is no option', async (t) => {
  const port = await serverOf(t, echo)
  const program = `
    const names = ['noDelay', 'keepAliveDelay', 'dnsQueryType', 'signal', 'localPort', 'family', 'address', 'givenUp', 'local', 'onDemand', 'reuseAddress', 'peer',
      'multicastHops', 'sendBufferSize', 'remoteAddress', 'type', 'highWaterMark', 'ipv6Only', 'keepAliveInterval']
    const { TCPServerSocket, TCPSocket, UDPSocket } = require('moz-tcp-socket/direct')
    for (const name of names) Object.defineProperty(Object.prototype, name, { value: {}, writable: true, configurable: true })
    const main = async () => {
      const server = new TCPServerSocket('127.0.0.1')
      const datagrams = new UDPSocket(Object.assign(Object.create(null), { localAddress: '127.0.0.1' }))
      const socket = new TCPSocket('127.0.0.1', ${port})
      const { readable, writable } = await socket.opened
      const writer = writable.getWriter()
      await writer.write(Buffer.from('fine'))
      const { value } = await readable.getReader().read()
      require('node:fs').writeSync(1, value)
      process.exit()
    }
    main()`
  const { stdout } = await run(process.execPath, ['-e', program], { cwd: __dirname, timeout: 30_000 })
  t.is(stdout, 'fine')
})

test('of a connection by name that is reset at once opened tells the addresses, or rejects', async (t) => {
  const server = `
    const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resetAndDestroy())
    server.listen(0, '127.0.0.1', () => process.send(server.address().port))`
  const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  t.teardown(() => child.kill())
  const [port] = await once(child, 'message')
  let opened = 0
  for (let i = 0; i < 100; i++) {
    const socket = new TCPSocket('localhost', port, { dnsQueryType: 'ipv4' })
    const closed = reasonOf(socket.closed)
    try {
      t.like(await socket.opened, { remoteAddress: '127.0.0.1', remotePort: port })
      opened++
    } catch (error) {
      isNamed(t, error, 'NetworkError')
    }
    isNamed(t, await closed, 'NetworkError')
  }
  t.log(`${opened} of 100 were open`)
})

test('chunks that have to wait are taken as they are when they are written', async (t) => {
  const { writable, peer } = await pair(t)
  const everything = received(peer)
  const writer = writable.getWriter()
  const chunk = new Uint8Array(1000)
  const writes = []
  for (let i = 0; i < 100; i++) {
    chunk.fill(i)
    writes.push(writer.write(chunk))
  }
  chunk.fill(255)
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] })
  await Promise.all(writes)
  await writer.close()
  const got = await everything
  t.is(got.length, 100_000)
  for (let i = 0; i < 100; i++)
    t.true(
      got.subarray(i * 1000, i * 1000 + 1000).every((byte) => byte === i),
      `${i}`,
    )
})

test('close() does not make up for a side that had failed', async (t) => {
  const { socket, writable } = await pair(t)
  const reason = new Error('mine')
  await writable.abort(reason)
  t.is(await reasonOf(socket.close()), reason)
  t.is(await reasonOf(socket.closed), reason)
})
