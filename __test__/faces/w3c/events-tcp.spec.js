'use strict'

// F-W3C-27 to 30 of the specification (docs/w3c.md): TCPSocket and TCPServerSocket of the draft with events.

const { execFile } = require('node:child_process')
const { mkdtempSync, openAsBlob, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { ConnectEvent, SocketErrorEvent, TCPServerSocket, TCPSocket } = require('moz-tcp-socket/w3c/events')
const { makePki } = require('../../helpers/pki.js')
const { echo, received, serverOf } = require('../helpers/peers.js')
const { client } = require('./support.js')

const run = promisify(execFile)

/** The next event of that `type`. */
const next = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }))

/** The types of all events of `target` from now on, and the state in each. */
function watch(target, ...types) {
  const seen = []
  for (const type of types) target.addEventListener(type, () => seen.push(`${type} ${target.readyState}`))
  return seen
}

async function pair(t, serve = () => {}) {
  let accepted
  const peer = new Promise((resolve) => (accepted = resolve))
  const port = await serverOf(t, (socket) => {
    accepted(socket)
    serve(socket)
  })
  const socket = new TCPSocket('127.0.0.1', port)
  t.teardown(() => socket.close())
  await next(socket, 'open')
  return { socket, peer: await peer }
}

async function listener(t, options) {
  const server = new TCPServerSocket({ localAddress: '127.0.0.1', ...options })
  t.teardown(() => server.close())
  await next(server, 'open')
  return server
}

test('attributes of a new socket are as given, or the defaults', async (t) => {
  const port = await serverOf(t, () => {})
  const socket = new TCPSocket('127.0.0.1', port)
  t.like(socket, {
    remoteAddress: '127.0.0.1',
    remotePort: port,
    localAddress: null,
    localPort: null,
    addressReuse: true,
    noDelay: true,
    readyState: 'opening',
    bufferedAmount: 0,
    onopen: null,
    ondata: null,
    ondrain: null,
    onerror: null,
    onclose: null,
  })
  t.is(String(socket), '[object TCPSocket]')
  t.false('isInstance' in TCPSocket)
  await next(socket, 'open')
  t.true(socket.localPort > 0)
  t.is(socket.localAddress, '127.0.0.1')
  socket.close()
  t.is(socket.readyState, 'closing')
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  t.throws(() => new TCPSocket('', 80), invalid)
  t.throws(() => new TCPSocket('127.0.0.1', 80, { localAddress: '203.0.113.9' }), invalid)
})

test('F-W3C-27: where nobody can connect there is an error, and no close', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  const seen = watch(socket, 'open', 'error', 'close')
  const event = await next(socket, 'error')
  t.true(event instanceof SocketErrorEvent)
  t.like(event.error, { name: 'NetworkError', type: 'tcp_connection_not_accepted' })
  t.is(event.error.cause.code, 'ECONNREFUSED')
  t.is(event.name, 'NetworkError')
  t.is(event.message, event.error.message)
  t.regex(event.message, /127\.0\.0\.1 port 1/)
  t.is(socket.readyState, 'closed')
  socket.close()
  // A later connection has all its events in the meantime.
  const { socket: other } = await pair(t)
  other.close()
  await next(other, 'close')
  t.deepEqual(seen, ['error closed'])
})

test('F-W3C-27: what could not connect keeps no process alive', async (t) => {
  const code = `
    const { TCPServerSocket, TCPSocket, UDPSocket } = require('moz-tcp-socket/w3c/events')
    new TCPSocket('127.0.0.1', 1).onerror = () => console.log('error')
    new TCPSocket('127.0.0.1', 1)
    new UDPSocket({ localAddress: '192.0.2.0' })
    new TCPServerSocket({ localAddress: '127.0.0.1' }).close()`
  const { stdout } = await run(process.execPath, ['-e', code], { cwd: __dirname, timeout: 20_000 })
  t.is(stdout, 'error\n')
})

test('F-W3C-27: a name that nobody has is no network contact', async (t) => {
  const { error } = await next(new TCPSocket('name.invalid', 80), 'error')
  t.is(error.type, 'no_network_contact')
})

test('F-W3C-28: a connection that is lost has an error, then a close', async (t) => {
  const { socket, peer } = await pair(t)
  const seen = watch(socket, 'error', 'close')
  const closed = next(socket, 'close')
  peer.resetAndDestroy()
  t.is((await next(socket, 'error')).error.type, 'tcp_connection_lost')
  t.deepEqual(seen, ['error closed'], 'close is a task of its own')
  await closed
  t.deepEqual(seen, ['error closed', 'close closed'])
  t.throws(() => socket.send('x'), { instanceOf: DOMException, name: 'InvalidStateError', any: true })
})

test('F-W3C-29: send() counts the bytes of UTF-8, and needs an open socket', async (t) => {
  const port = await serverOf(t, () => {})
  const socket = new TCPSocket('127.0.0.1', port)
  t.teardown(() => socket.close())
  const wrongState = { instanceOf: DOMException, name: 'InvalidStateError', any: true }
  t.throws(() => socket.send('x'), wrongState)
  await next(socket, 'open')
  t.true(socket.send('é'))
  t.is(socket.bufferedAmount, 2)
  t.throws(() => socket.send(), { instanceOf: TypeError })
  t.throws(() => socket.send(Symbol('x')), { instanceOf: TypeError })
  t.throws(() => socket.send(new SharedArrayBuffer(1)), { instanceOf: TypeError })
  socket.halfclose()
  t.is(socket.readyState, 'halfclosed')
  t.throws(() => socket.send('x'), wrongState)
})

test('F-W3C-29: strings, Blobs, ArrayBuffers and views go out in the order of the calls', async (t) => {
  const { socket, peer } = await pair(t)
  const sent = received(peer)
  const memory = Uint8Array.from([1, 2, 3]).buffer
  socket.send('a')
  socket.send(new Blob(['b', 'c']))
  socket.send(memory)
  new Uint8Array(memory).fill(9)
  socket.send(new Blob(['d']))
  socket.send(new DataView(Uint8Array.from([4, 5, 6]).buffer, 1, 1))
  t.is(socket.bufferedAmount, 1 + 2 + 3 + 1 + 1)
  socket.halfclose()
  t.deepEqual([...(await sent)], [...Buffer.from('abc'), 1, 2, 3, ...Buffer.from('d'), 5])
  t.is(socket.bufferedAmount, 0)
})

test('F-W3C-29: close() behind a Blob sends it', async (t) => {
  const { socket, peer } = await pair(t)
  const sent = received(peer)
  const closed = next(socket, 'close')
  socket.send(new Blob(['all of it']))
  socket.close()
  t.is(String(await sent), 'all of it')
  await closed
})

test('F-W3C-29: a Blob that cannot be read fails the socket, and later sends are ignored', async (t) => {
  const { socket } = await pair(t)
  const seen = watch(socket, 'error', 'close')
  const folder = mkdtempSync(join(tmpdir(), 'w3c-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'blob')
  writeFileSync(file, 'before')
  const blob = await openAsBlob(file)
  writeFileSync(file, 'this is longer now, and another file')
  const closed = next(socket, 'close')
  const failed = next(socket, 'error')
  t.true(socket.send(blob))
  t.true(socket.send('behind it'))
  const { error } = await failed
  t.is(error.type, 'tcp_error')
  t.is(error.cause.name, 'NotReadableError')
  await closed
  t.deepEqual(seen, ['error closed', 'close closed'])
})

test('a send that the kernel does not take answers false, and drain comes when it has', async (t) => {
  const { socket, peer } = await pair(t)
  const seen = watch(socket, 'drain')
  t.false(socket.send(new Uint8Array(16 * 1024 * 1024)))
  t.is(socket.bufferedAmount, 16 * 1024 * 1024)
  await new Promise(setImmediate)
  t.deepEqual(seen, [])
  peer.resume()
  await next(socket, 'drain')
  t.is(socket.bufferedAmount, 0)
  t.deepEqual(seen, ['drain open'])
})

test('data is an ArrayBuffer in a MessageEvent, and halfclose() ends sending alone', async (t) => {
  const { socket, peer } = await pair(t)
  const sent = received(peer)
  socket.send('question')
  socket.halfclose()
  socket.halfclose()
  t.is(String(await sent), 'question')
  const arriving = next(socket, 'data')
  peer.write('answer')
  const event = await arriving
  t.true(event instanceof MessageEvent)
  t.is(event.target, socket)
  t.true(event.data instanceof ArrayBuffer)
  t.is(Buffer.from(event.data).toString(), 'answer')
  t.is(socket.readyState, 'halfclosed')
  const seen = watch(socket, 'error', 'close')
  peer.end()
  await next(socket, 'close')
  t.deepEqual(seen, ['close closed'])
})

test('halfclose() while it connects ends our side when it is open', async (t) => {
  let accepted
  const connection = new Promise((resolve) => (accepted = resolve))
  const port = await serverOf(t, (peer) => accepted({ sent: received(peer) }))
  const socket = new TCPSocket('127.0.0.1', port)
  t.teardown(() => socket.close())
  socket.halfclose()
  t.is(socket.readyState, 'opening')
  socket.onopen = () => t.is(socket.readyState, 'open')
  await next(socket, 'open')
  await new Promise(setImmediate)
  t.is(socket.readyState, 'halfclosed')
  const { sent } = await connection
  t.is(String(await sent), '')
})

test('when the peer ends what was sent is delivered, and it closes', async (t) => {
  const { socket, peer } = await pair(t)
  const seen = watch(socket, 'error', 'close')
  const sent = received(peer)
  socket.send(new Uint8Array(1024 * 1024))
  peer.end('bye')
  const { data } = await next(socket, 'data')
  t.is(Buffer.from(data).toString(), 'bye')
  await next(socket, 'close')
  t.is((await sent).length, 1024 * 1024)
  t.deepEqual(seen, ['close closed'])
})

test('close() while it connects closes it, and nobody hears of an error', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  const seen = watch(socket, 'open', 'error', 'close')
  socket.close()
  t.is(socket.readyState, 'closing')
  await next(socket, 'close')
  t.deepEqual(seen, ['close closed'])
})

test('suspend() and resume() do not count', async (t) => {
  const { socket, peer } = await pair(t)
  const seen = watch(socket, 'data')
  socket.suspend()
  socket.suspend()
  peer.write('x')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.deepEqual(seen, [])
  socket.resume()
  await next(socket, 'data')
})

test('a handler that throws stops nothing', async (t) => {
  const port = await serverOf(t, echo)
  const code = `
    const { TCPSocket } = require('moz-tcp-socket/w3c/events')
    process.on('uncaughtException', ({ message }) => console.log('uncaught', message))
    const socket = new TCPSocket('127.0.0.1', ${port})
    socket.onopen = () => {
      socket.send('x')
      throw new Error('of a handler')
    }
    socket.ondata = () => {
      console.log('data')
      socket.close()
    }
    socket.onclose = () => console.log('close')`
  const { stdout } = await run(process.execPath, ['-e', code], { cwd: __dirname })
  t.is(stdout, 'uncaught of a handler\ndata\nclose\n')
})

test('F-W3C-30: a connection is an event with an open socket', async (t) => {
  const server = await listener(t)
  t.is(server.readyState, 'open')
  t.true(server.localPort > 0)
  const connecting = next(server, 'connect')
  const peer = await client(t, server.localPort)
  const event = await connecting
  t.true(event instanceof ConnectEvent)
  const { connectedSocket } = event
  t.true(connectedSocket instanceof TCPSocket)
  t.like(connectedSocket, {
    readyState: 'open',
    remoteAddress: '127.0.0.1',
    remotePort: peer.localPort,
    localPort: server.localPort,
  })
  connectedSocket.ondata = ({ data }) => {
    connectedSocket.send(data)
    connectedSocket.close()
  }
  peer.write('echo')
  t.is(String(await received(peer)), 'echo')
})

test('F-W3C-30: suspend() stops further connects, and resume() lets them come', async (t) => {
  const server = await listener(t)
  const ports = []
  server.onconnect = ({ connectedSocket }) => {
    ports.push(connectedSocket.remotePort)
    t.teardown(() => connectedSocket.close())
  }
  const first = await client(t, server.localPort)
  while (ports.length < 1) await new Promise(setImmediate)
  server.suspend()
  const waiting = [await client(t, server.localPort), await client(t, server.localPort)]
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.deepEqual(ports, [first.localPort])
  server.resume()
  while (ports.length < 3) await new Promise(setImmediate)
  t.deepEqual(
    ports,
    [first, ...waiting].map((socket) => socket.localPort),
  )
})

test('F-W3C-30: a port that is taken is an error of the server', async (t) => {
  const port = await serverOf(t, () => {})
  const server = new TCPServerSocket({ localAddress: '127.0.0.1', localPort: port })
  t.is(server.readyState, 'opening')
  const { error } = await next(server, 'error')
  t.like(error, { name: 'NetworkError', type: 'local_address_port_already_in_use' })
  t.is(error.cause.code, 'EADDRINUSE')
  t.is(server.readyState, 'closed')
})

test('F-W3C-30: a server that is closed frees its port at once', async (t) => {
  const server = await listener(t)
  const { localPort } = server
  server.close()
  t.is(server.readyState, 'closed')
  server.close()
  const again = await listener(t, { localPort })
  t.is(again.localPort, localPort)
  await client(t, localPort)
})

test('a connection that is lost while it closes has an error as well', async (t) => {
  const { socket, peer } = await pair(t)
  const seen = watch(socket, 'drain', 'error', 'close')
  socket.send(new Uint8Array(64 * 1024 * 1024))
  socket.close()
  const failing = next(socket, 'error')
  const closed = next(socket, 'close')
  peer.resetAndDestroy()
  t.is((await failing).error.type, 'tcp_connection_lost')
  await closed
  t.deepEqual(seen, ['error closed', 'close closed'])
})

test('a signal that aborts gives it up, and nothing but close follows', async (t) => {
  const controller = new AbortController()
  const port = await serverOf(t, () => {})
  const socket = new TCPSocket('127.0.0.1', port, { signal: controller.signal })
  await next(socket, 'open')
  const seen = watch(socket, 'error', 'close')
  const closed = next(socket, 'close')
  socket.send(new Uint8Array(64 * 1024 * 1024))
  controller.abort()
  t.is(socket.readyState, 'closing')
  await closed
  const late = new TCPSocket('127.0.0.1', port, { signal: AbortSignal.abort() })
  t.is(late.readyState, 'closing')
  await next(late, 'close')
  t.deepEqual(seen, ['close closed'])
})

test('TLS on both sides', async (t) => {
  const { ca, cert, key } = makePki()
  const server = await listener(t, { useSecureTransport: true, cert, key })
  server.onconnect = ({ connectedSocket }) => {
    connectedSocket.ondata = ({ data }) => connectedSocket.send(data)
  }
  const options = { useSecureTransport: true, ca, caOnly: true }
  const socket = new TCPSocket('127.0.0.1', server.localPort, options)
  t.teardown(() => socket.close())
  await next(socket, 'open')
  socket.send('secret')
  t.is(Buffer.from((await next(socket, 'data')).data).toString(), 'secret')
  const stranger = new TCPSocket('127.0.0.1', server.localPort, { useSecureTransport: true })
  const { error } = await next(stranger, 'error')
  t.is(error.type, 'tcp_error')
  t.is(error.cause.name, 'SecurityUntrustedCertificateIssuerError')
})
