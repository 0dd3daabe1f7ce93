'use strict'

// What toNodeStream takes and refuses, and what it makes of sockets in odd states, or of which this package knows nothing.

const { once } = require('node:events')
const net = require('node:net')
const { Duplex } = require('node:stream')

const test = require('ava')

const { TCPServerSocket, TCPSocket, UDPSocket } = require('moz-tcp-socket')
const direct = require('moz-tcp-socket/direct')
const { connect } = require('moz-tcp-socket/winter')
const { closed, echo, eventsOf, serverOf, toNodeStream } = require('./support.js')

/** A socket that nobody can look inside of, as one of another realm's copy of the package. */
function foreign(socket) {
  return new Proxy(socket, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function drain(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('what is no connection is a TypeError that says what is expected', (t) => {
  const listener = new TCPServerSocket(0)
  t.teardown(() => listener.close())
  const datagrams = new UDPSocket()
  t.teardown(() => datagrams.close())
  for (const wrong of [
    undefined,
    null,
    'localhost:80',
    80,
    {},
    [],
    new Duplex(),
    listener,
    datagrams,
    { readable: 1, writable: 2 },
  ]) {
    t.throws(() => toNodeStream(wrong), {
      instanceOf: TypeError,
      message: /toNodeStream: .*must be a socket/,
    })
  }
})

test('options that cannot be are TypeErrors, and nothing is taken over', async (t) => {
  const socket = connect({ hostname: '127.0.0.1', port: await serverOf(t, echo) })
  t.teardown(() => socket.close())
  for (const options of [null, 1, { highWaterMark: -1 }, { highWaterMark: 1.5 }, { highWaterMark: '1' }]) {
    t.throws(() => toNodeStream(socket, options), { instanceOf: TypeError, message: /^toNodeStream: / })
  }
  t.throws(() => toNodeStream(socket, { signal: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.false(socket.readable.locked)
})

test('a stream that somebody has a lock on is a TypeError, at once or when it is open', async (t) => {
  const port = await serverOf(t, echo)
  const socket = connect({ hostname: '127.0.0.1', port })
  t.teardown(() => socket.close())
  const reader = socket.readable.getReader()
  t.throws(() => toNodeStream(socket), { instanceOf: TypeError, message: /lock/ })
  reader.releaseLock()
  const other = new direct.TCPSocket('127.0.0.1', port)
  const { writable } = await other.opened
  writable.getWriter()
  const stream = toNodeStream(other)
  const [error] = await once(stream, 'error')
  t.true(error instanceof TypeError)
  t.regex(error.message, /lock/)
  t.true(await closed(stream))
})

test('it is a Duplex and no net.Socket, which node:tls and child_process go by', async (t) => {
  const stream = toNodeStream(new TCPSocket('127.0.0.1', await serverOf(t, echo)))
  t.teardown(() => stream.destroy())
  t.true(stream instanceof Duplex)
  t.false(stream instanceof net.Socket)
})

test('a pair of streams that is no socket at all', async (t) => {
  const { readable, writable } = new TransformStream()
  const stream = toNodeStream({ readable, writable })
  await once(stream, 'connect')
  t.deepEqual([stream.remoteAddress, stream.address(), stream.encrypted], [undefined, {}, false])
  t.is(stream.setNoDelay().setKeepAlive(true, 1).ref().unref(), stream)
  stream.write('hello ')
  stream.end('streams')
  t.is((await drain(stream)).toString(), 'hello streams')
  t.true(stream.destroyed)
})

test('a readable that gives what is no bytes is an error', async (t) => {
  const readable = new ReadableStream({
    start: (controller) => controller.enqueue({ data: 1 }),
  })
  const stream = toNodeStream({ readable, writable: new WritableStream() })
  stream.resume()
  const [error] = await once(stream, 'error')
  t.regex(error.message, /no bytes/)
})

for (const binaryType of ['string', 'arraybuffer']) {
  test(`a ${binaryType} socket of another realm: bytes both ways, back-pressure, and its end`, async (t) => {
    const port = await serverOf(t, echo)
    const stream = toNodeStream(foreign(new TCPSocket('127.0.0.1', port, { binaryType })))
    t.teardown(() => stream.destroy())
    const events = eventsOf(stream)
    const bytes = Buffer.alloc(3_000_000, '\xff\x00é')
    let got = Buffer.alloc(0)
    let pauses = 0
    stream.on('data', (chunk) => {
      got = Buffer.concat([got, chunk])
      if (++pauses % 8 === 0) {
        stream.pause()
        setImmediate(() => stream.resume())
      }
      if (got.length === bytes.length) stream.end()
    })
    stream.write(bytes)
    t.false(await closed(stream))
    t.true(got.equals(bytes))
    t.deepEqual(events, ['connect', 'ready', 'finish', 'end', 'close'])
  })
}

test('a socket of another realm that is refused: the same error', async (t) => {
  const stream = toNodeStream(foreign(new TCPSocket('127.0.0.1', 1)))
  const [error] = await once(stream, 'error')
  t.like(error, { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port: 1 })
  t.is(error.cause.name, 'ConnectionRefusedError')
  t.true(await closed(stream))
})

test('a socket that is closed already: the end, then close', async (t) => {
  const socket = new TCPSocket('127.0.0.1', await serverOf(t, echo))
  const over = new Promise((resolve) => (socket.onclose = resolve))
  socket.close()
  await over
  const stream = toNodeStream(socket)
  const events = eventsOf(stream)
  stream.resume()
  t.false(await closed(stream))
  t.false(events.includes('connect') || events.includes('error'))
})

test('a socket that the application closes below it: the end, and writes are EPIPE', async (t) => {
  const socket = new TCPSocket('127.0.0.1', await serverOf(t, echo))
  const stream = toNodeStream(socket, { allowHalfOpen: true })
  stream.resume()
  await once(stream, 'connect')
  socket.close()
  await once(stream, 'end')
  stream.write('x')
  const [error] = await once(stream, 'error')
  t.is(error.code, 'EPIPE')
})

test('handlers of the application are called beside it, and what it sends goes first', async (t) => {
  const socket = new TCPSocket('127.0.0.1', await serverOf(t, echo))
  let seen = ''
  socket.ondata = ({ data }) => (seen += data)
  const stream = toNodeStream(socket)
  await once(stream, 'connect')
  socket.send('first ')
  stream.end('second')
  t.is((await drain(stream)).toString(), 'first second')
  t.is(seen, 'first second')
  t.is(socket.readyState, 'closed')
})

test('a signal destroys it with an AbortError, also while it connects', async (t) => {
  const port = await serverOf(t, echo)
  for (const make of [
    () => new TCPSocket('127.0.0.1', port),
    () => new direct.TCPSocket('127.0.0.1', port),
  ]) {
    const controller = new AbortController()
    const stream = toNodeStream(make(), { signal: controller.signal })
    controller.abort()
    const [error] = await once(stream, 'error')
    t.is(error.name, 'AbortError')
    t.true(await closed(stream))
  }
})

test('connect() of a library that was given it: its listener is called once it is open, or soon', async (t) => {
  const stream = toNodeStream(new TCPSocket('127.0.0.1', await serverOf(t, echo)))
  await new Promise((resolve) => t.is(stream.connect(1, 'ignored', resolve), stream))
  await new Promise((resolve) => stream.connect({ port: 1 }, resolve))
  stream.destroy()
  t.throws(() => stream.connect(1), { code: 'ERR_SOCKET_CLOSED' })
  await closed(stream)
})

test('startTls() of winter, and upgradeToSecure() beside the stream', async (t) => {
  const { makePki } = require('../../helpers/pki.js')
  const tls = require('node:tls')
  const { ca, cert, key } = makePki()
  const port = await serverOf(t, (peer) => {
    peer.once('data', () => {
      peer.write('go', () => {
        const secure = new tls.TLSSocket(peer, { isServer: true, cert, key })
        secure.on('error', () => {})
        secure.pipe(secure)
      })
    })
  })
  const socket = new TCPSocket('localhost', port, { ca, caOnly: true })
  const stream = toNodeStream(socket)
  stream.write('STARTTLS')
  t.is(`${await once(stream, 'data')}`, 'go')
  t.false(stream.encrypted)
  socket.upgradeToSecure()
  stream.setNoDelay(false)
  stream.write('secret')
  t.is(`${await once(stream, 'data')}`, 'secret')
  t.true(stream.encrypted && stream.authorized)
  stream.destroy()
  await closed(stream)
  t.true(stream.encrypted)
})
