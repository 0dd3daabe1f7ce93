'use strict'

// The mock of moz-tcp-socket/testing: it has all that the package has, and behaves as that does.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const api = require('../../index.js')
const { FAILURES } = require('../../lib/testing/failures.js')
const { makeMockEngine } = require('../../lib/testing/mock-engine.js')
const { createMock, faultProxy, mockOf, scriptedPeer } = require('../../testing.js')

/** The events of a socket, as `type` or `type:data`, with readyState. */
function record(socket) {
  const events = []
  for (const type of ['open', 'data', 'drain', 'error', 'close']) {
    socket.addEventListener(type, (event) => {
      const detail = type === 'data' ? `:${event.data}` : type === 'error' ? `:${event.name}` : ''
      events.push(`${type}${detail} ${socket.readyState}`)
    })
  }
  return events
}

const next = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }))

/** Names, and what kind each is, of all that an object and its prototypes have. */
function shapeOf(object) {
  const shape = {}
  for (
    let each = object;
    each !== null && each !== EventTarget.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    for (const key of Reflect.ownKeys(each)) {
      const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(each, key)
      shape[String(key)] ??= [typeof value, typeof get, typeof set, value?.length, rest.enumerable]
    }
  }
  return shape
}

test('the mock has everything that the package exports, and its events are the same classes', (t) => {
  const mocked = createMock()
  t.deepEqual(Object.keys(mocked).sort(), [...Object.keys(api), 'mock'].sort())
  for (const [name, value] of Object.entries(api)) {
    t.is(typeof mocked[name], typeof value)
    if (name.endsWith('Event')) t.is(mocked[name], value)
  }
  t.is(mocked.default, mocked)
})

for (const name of ['TCPSocket', 'TCPServerSocket', 'UDPSocket']) {
  test(`the mock of ${name} has all members of it, and no others`, (t) => {
    const mocked = createMock()
    t.not(mocked[name], api[name])
    t.deepEqual(shapeOf(mocked[name].prototype), shapeOf(api[name].prototype))
    t.deepEqual(Object.keys(mocked[name]), Object.keys(api[name]))
    t.true(Object.keys(mocked[name].prototype).length > 4)
  })
}

test('mozTCPSocket of the mock has the members of that of the package', (t) => {
  t.deepEqual(Object.keys(createMock().mozTCPSocket), Object.keys(api.mozTCPSocket))
})

test('the errors of the mock are those of the engine', (t) => {
  const table = readFileSync(join(__dirname, '../../src/net/error.rs'), 'utf8')
  const engine = [...table.matchAll(/^ {2}(\w+Error), (\w+), (0x[\dA-F_]+);$/gm)].map(
    ([, name, kind, code]) => [name, kind, Number(code.replaceAll('_', ''))],
  )
  t.deepEqual(
    Object.entries(FAILURES).map(([name, [kind, code]]) => [name, kind, code]),
    engine,
  )
})

test('the engine of the mock has all that the native one has', (t) => {
  const native = require('../../lib/platform/native.js')
  const made = []
  const { engine } = makeMockEngine(native, (handle) => made.push(handle))
  t.deepEqual(Object.keys(engine).sort(), Object.keys(native).sort())
  const channel = new engine.EventChannel(() => {}, false)
  const place = { host: 'a', port: 1, asStrings: true }
  void new engine.TCPSocket(channel, place)
  void new engine.TCPServerSocket(channel, { address: '127.0.0.1', port: 0 })
  void new engine.UDPSocket(channel, { address: '127.0.0.1', port: 0 })
  for (const [handle, Native] of [
    [made[0], native.TCPSocket],
    [made[1], native.TCPServerSocket],
    [made[2], native.UDPSocket],
    [channel, native.EventChannel],
  ]) {
    const names = Object.getOwnPropertyNames(Native.prototype)
    t.true(names.length > 1)
    for (const name of names) t.true(name in handle, `${Native.name}.${name}`)
  }
})

/** What happens to a client in each case: over the network, and by hand. Both must see the same. */
const CASES = {
  'the peer talks, and ends': {
    async real(t, peer, start) {
      peer.reply('hi').expect('there').end()
      const socket = start(peer.port)
      socket.ondata = () => socket.send('there')
      return socket
    },
    mock(socket) {
      socket.ondata = () => socket.send('there')
      socket.mock.open()
      socket.mock.data('hi')
      socket.mock.close()
    },
  },
  'the client closes': {
    async real(t, peer, start) {
      peer.expect('bye').expectEnd().end()
      const socket = start(peer.port)
      socket.onopen = () => {
        socket.send('bye')
        socket.close()
      }
      return socket
    },
    mock(socket) {
      socket.onopen = () => {
        socket.send('bye')
        socket.close()
      }
      socket.mock.open()
    },
  },
  'the client closes while it connects': {
    async real(t, peer, start) {
      const socket = start(peer.port)
      socket.close()
      return socket
    },
    mock: (socket) => socket.close(),
  },
  'the peer resets': {
    async real(t, peer, start) {
      peer.expect('go').reset()
      const socket = start(peer.port)
      socket.onopen = () => socket.send('go')
      return socket
    },
    mock(socket) {
      socket.onopen = () => socket.send('go')
      socket.mock.open()
      socket.mock.error('NetworkError')
    },
  },
  'nobody listens': {
    async real(t, peer, start) {
      const { port } = peer
      await peer.close()
      return start(port)
    },
    mock: (socket) => socket.mock.error('ConnectionRefusedError'),
  },
  'more than 64 KiB, and drain': {
    async real(t, peer, start) {
      peer.expect('x'.repeat(100_000)).reply('thanks').end()
      const socket = start(peer.port)
      socket.onopen = () => socket.send('x'.repeat(100_000))
      return socket
    },
    async mock(socket) {
      socket.onopen = () => socket.send('x'.repeat(100_000))
      socket.mock.open()
      await socket.mock.drain()
      socket.mock.data('thanks')
      socket.mock.close()
    },
  },
}

for (const [name, { real, mock }] of Object.entries(CASES)) {
  test(`events and readyState are those of a real socket: ${name}`, async (t) => {
    const peer = await scriptedPeer({ deadline: 60_000 })
    t.teardown(() => peer.close())
    let expected
    const begin = (Class, port) => {
      const socket = new Class('127.0.0.1', port)
      t.teardown(() => socket.closeImmediately())
      return { socket, events: record(socket), closed: next(socket, 'close') }
    }
    await real(t, peer, (port) => (expected = begin(api.TCPSocket, port)).socket)
    const actual = begin(createMock().TCPSocket, 25)
    await mock(actual.socket)
    await Promise.all([expected.closed, actual.closed])
    t.deepEqual(actual.events, expected.events)
    t.true(actual.events.length > 0)
  })
}

test('nothing happens by itself until the test says so', async (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25)
  const events = record(socket)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.deepEqual(events, [])
  t.is(socket.readyState, 'connecting')
  t.throws(() => socket.send('x'), { name: 'NS_ERROR_FAILURE' })
  socket.mock.open()
  t.deepEqual(events, ['open open'])
  t.is(socket.remotePort, 25)
})

test('sent bytes are kept, of strings and of views, and given back by takeSent()', (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25, { binaryType: 'arraybuffer' })
  socket.mock.open()
  socket.send(Uint8Array.of(1, 2, 0xff))
  socket.send(new Uint8Array(60_000).buffer, 10, 50_000)
  t.is(socket.mock.sentBytes.length, 50_003)
  t.deepEqual([...socket.mock.sentBytes.subarray(0, 4)], [1, 2, 0xff, 0])
  t.is(socket.mock.takeSent().length, 50_003)
  t.is(socket.mock.sent, '')
  t.is(socket.bytesWritten, 50_003)
})

test('data of an arraybuffer socket is an ArrayBuffer, whatever it was given as', (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25, { binaryType: 'arraybuffer' })
  const got = []
  socket.ondata = ({ data }) => got.push(data)
  socket.mock.open().data('ab').data(Uint8Array.of(1))
  t.true(got.every((data) => data instanceof ArrayBuffer))
  t.deepEqual(
    got.map((data) => Buffer.from(data).toString('hex')),
    ['6162', '01'],
  )
})

test('while suspended nothing is delivered; resume() delivers it, one task each, and then the end', async (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25)
  const events = record(socket)
  socket.mock.open()
  socket.suspend()
  t.true(socket.mock.isSuspended)
  socket.mock.data('a').data('b').close()
  t.deepEqual(events, ['open open'])
  const closed = next(socket, 'close')
  socket.resume()
  t.deepEqual(events, ['open open'])
  await closed
  t.deepEqual(events, ['open open', 'data:a open', 'data:b open', 'close closed'])
})

test('hold() keeps small sends pending, too, and close() waits for them', async (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25)
  const events = record(socket)
  socket.mock.open().hold()
  t.true(socket.send('abc'))
  socket.close()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.is(socket.bufferedAmount, 3)
  t.is(socket.readyState, 'closing')
  const closed = next(socket, 'close')
  await socket.mock.drain()
  await closed
  t.deepEqual(events, ['open open', 'close closed'])
})

test('send answers false, and drain fires once, when the test says so', async (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25)
  socket.mock.open()
  const events = record(socket)
  t.false(socket.send('x'.repeat(70_000)))
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.is(socket.bufferedAmount, 70_000)
  t.deepEqual(events, [])
  await socket.mock.drain()
  t.is(socket.bufferedAmount, 0)
  t.deepEqual(events, ['drain open'])
})

test('STARTTLS and TLS: ssl and tls tell what the test says', (t) => {
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('example.org', 25)
  socket.mock.open({ tls: { alpnProtocol: 'imap' } })
  t.is(socket.tls, null)
  socket.upgradeToSecure()
  t.true(socket.ssl)
  t.is(socket.tls.alpnProtocol, 'imap')
  t.throws(() => new TCPSocket('example.org', 25, { ca: 'no certificate' }), { instanceOf: TypeError })
})

test('servers: connect() hands out a socket that is driven by hand, as the second and as the first generation do', (t) => {
  const mocked = createMock()
  const server = new mocked.TCPServerSocket(0)
  let event
  server.onconnect = (given) => (event = given)
  const accepted = server.mock.connect({ host: '192.0.2.1', port: 1234 })
  t.true(event instanceof api.TCPServerSocketEvent)
  t.is(event.socket, accepted)
  t.deepEqual([accepted.host, accepted.port, accepted.readyState], ['192.0.2.1', 1234, 'open'])
  t.is(accepted.localPort, server.localPort)
  t.is(mocked.mock.lastSocket, accepted)

  const first = mocked.mozTCPSocket.listen(8080)
  let socket
  first.onconnect = (given) => (socket = given)
  t.is(first.mock.connect(), socket)
  socket.ondata = ({ data }) => socket.send(data)
  socket.mock.data('echo')
  t.is(socket.mock.sent, 'echo')
  t.deepEqual(mocked.mock.servers, [server, first])
})

test('datagrams: sent ones are kept, and message() is one that comes, once the socket is bound', async (t) => {
  const mocked = createMock()
  const [first, socket] = [new mocked.UDPSocket(), new mocked.UDPSocket({ localPort: 1900 })]
  t.is(socket.readyState, 'opening')
  socket.joinMulticastGroup('239.255.255.250')
  await Promise.all([first.opened, socket.opened])
  t.deepEqual(mocked.mock.udpSockets, [first, socket])
  t.is(mocked.mock.lastUdpSocket, socket)
  t.is(socket.localPort, 1900)
  t.deepEqual(socket.mock.groups, ['239.255.255.250'])
  t.true(socket.send('M-SEARCH', '239.255.255.250', 1900))
  t.deepEqual(socket.mock.sent, [
    { data: Buffer.from('M-SEARCH'), remoteAddress: '239.255.255.250', remotePort: 1900 },
  ])
  t.deepEqual(socket.send.calls, [['M-SEARCH', '239.255.255.250', 1900]])
  t.deepEqual(first.mock.sent, [])
  let event
  socket.onmessage = (given) => (event = given)
  mockOf(socket).message('HTTP/1.1 200 OK', { remoteAddress: '192.0.2.1', remotePort: 1900 })
  t.true(event instanceof api.UDPMessageEvent)
  t.is(Buffer.from(event.data).toString(), 'HTTP/1.1 200 OK')
  t.deepEqual([event.remoteAddress, event.remotePort], ['192.0.2.1', 1900])
  socket.mock.error('NetworkError', { code: 'ENETDOWN' })
  t.is((await socket.closed.catch((error) => error)).name, 'NetworkError')
  t.throws(() => socket.mock.message('x'), { message: /^mock\.message\(\): the socket is "closed"/ })
  await first.close()
})

test('the sockets of a navigator with the rights of an application are mocks, too', async (t) => {
  const mocked = createMock()
  const manifest = { type: 'privileged', permissions: { 'tcp-socket': {}, 'udp-socket': {} } }
  const navigator = mocked.createNavigator({ manifest })
  const socket = navigator.mozTCPSocket.open('example.org', 25)
  t.is(mocked.mock.lastSocket, socket)
  socket.mock.open()
  socket.send('hi')
  t.is(mockOf(socket).sent, 'hi')
  socket.close()
  await next(socket, 'close')
})

test('a port that a mock listens on is in use, until it is closed', (t) => {
  const { TCPServerSocket } = createMock()
  const server = new TCPServerSocket(8080)
  t.throws(() => new TCPServerSocket(8080), { code: 'EADDRINUSE' })
  server.close()
  const again = new TCPServerSocket(8080)
  t.throws(() => server.mock.connect(), { message: 'mock.connect(): the server is closed' })
  let error
  again.onerror = (event) => (error = event)
  again.mock.error('NetworkError')
  t.true(error instanceof api.TCPSocketErrorEvent)
})

test('a connection that nobody takes is closed', async (t) => {
  const { TCPServerSocket } = createMock()
  const server = new TCPServerSocket(0)
  const accepted = server.mock.connect()
  await next(accepted, 'close')
  t.is(accepted.readyState, 'closed')
})

test('methods are spies: own ones, or those of `fn`', (t) => {
  const own = createMock()
  const socket = new own.TCPSocket('example.org', 25)
  t.deepEqual(Object.keys(socket), [])
  socket.mock.open()
  socket.send('a')
  socket.send('b')
  t.deepEqual(socket.send.calls, [['a'], ['b']])
  t.deepEqual(socket.close.calls, [])

  const made = []
  const fn = (implementation) => {
    made.push(implementation)
    return (...args) => implementation(...args)
  }
  const given = createMock({ fn })
  const other = new given.TCPSocket('example.org', 25)
  t.is(other.ref(), other)
  t.true(made.length >= 8)
})

test('a subclass overrides methods, and is what is made', (t) => {
  const { TCPSocket } = createMock()
  class Shouting extends TCPSocket {
    send(text) {
      return super.send(text.toUpperCase())
    }
  }
  const socket = new Shouting('example.org', 25)
  socket.mock.open()
  socket.send('hi')
  t.is(socket.mock.sent, 'HI')
  t.deepEqual(socket.send.calls, [['hi']])
})

test('a call that throws is recorded, and leaves the next socket alone', (t) => {
  const mocked = createMock()
  t.throws(() => new mocked.TCPSocket('example.org', 0), { instanceOf: RangeError })
  t.is(mocked.mock.sockets.length, 0)
  const server = new mocked.TCPServerSocket(0)
  server.onconnect = () => {}
  t.throws(() => new mocked.TCPSocket('example.org', 0), { instanceOf: RangeError })
  const accepted = server.mock.connect()
  t.deepEqual(mocked.mock.sockets, [accepted])
  t.throws(() => accepted.send(), { instanceOf: TypeError })
  t.deepEqual(accepted.send.calls, [[]])
})

test('what a test cannot drive says so', (t) => {
  const mocked = createMock()
  const socket = new mocked.TCPSocket('example.org', 25)
  t.throws(() => socket.mock.data('x'), {
    message: 'mock.data(): the socket is "connecting", and must be "open" or "closing"',
  })
  t.throws(() => socket.mock.error('ECONNREFUSED'), { message: /^error 'ECONNREFUSED': must be one of Conn/ })
  t.throws(() => socket.mock.open({ adress: 1 }), { message: /^open: unknown option adress/ })
  socket.mock.open()
  t.throws(() => socket.mock.open(), { message: /^mock\.open\(\): the socket is "open"/ })
  t.is(mockOf(mocked), mocked.mock)
  t.is(mockOf(socket), socket.mock)
  t.throws(() => mockOf(api), { message: /^mockOf .*: must be what createMock\(\) made/s })
  t.throws(() => createMock({ fn: 'jest' }), { message: /^createMock: fn 'jest': must be a function/ })
})

test('mocks, their policy and the package know nothing of each other', (t) => {
  const [one, two] = [createMock(), createMock()]
  one.setPolicy({ type: 'web' })
  t.throws(() => new one.TCPSocket('example.org', 25), { message: /permission/ })
  t.notThrows(() => new two.TCPSocket('example.org', 25))
  const server = new api.TCPServerSocket(0, { localAddress: '127.0.0.1' })
  server.close()
  one.mock.reset()
  two.mock.reset()
  t.is(two.mock.lastSocket, undefined)
})

test('a mock makes no connection and starts no thread', async (t) => {
  const proxy = await faultProxy({ to: 9 })
  t.teardown(() => proxy.close())
  const { TCPSocket } = createMock()
  const socket = new TCPSocket('127.0.0.1', proxy.port)
  socket.mock.open()
  socket.send('x')
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.is(proxy.counts.connections, 0)
})
