'use strict'

// What Direct Sockets may do where `setPolicy` says so: permissions_policy of the manifest of an Isolated Web App.

const net = require('node:net')
const { once } = require('node:events')

const test = require('ava')

const { setPolicy } = require('moz-tcp-socket')
const { TCPServerSocket, TCPSocket, TLSSocket, UDPSocket } = require('moz-tcp-socket/direct')
const { dispose, reasonOf } = require('./support.js')

test.afterEach.always(() => setPolicy(null))

const POLICIES = {
  'direct-sockets': ['self'],
  'direct-sockets-private': ['self'],
  'direct-sockets-multicast': ['self'],
}

const isDenied = (t, error) => {
  t.true(error instanceof DOMException)
  t.is(error.name, 'NotAllowedError')
}

/** What `make` throws. A DOMException is no error to ava. */
function thrown(make) {
  try {
    make()
  } catch (error) {
    return error
  }
  return undefined
}

async function listening(t) {
  const server = net.createServer((socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return server.address().port
}

test.serial('without direct-sockets constructors throw NotAllowedError', (t) => {
  setPolicy({ permissions_policy: {} })
  for (const make of [
    () => new TCPSocket('192.0.2.1', 9),
    () => new TLSSocket('192.0.2.1', 9),
    () => new TCPServerSocket('127.0.0.1'),
    () => new UDPSocket({ localAddress: '127.0.0.1' }),
  ]) {
    isDenied(t, thrown(make))
  }
})

test.serial('where there is a policy for Firefox OS alone, its permissions count', async (t) => {
  setPolicy({ type: 'web' })
  isDenied(
    t,
    thrown(() => new TCPSocket('192.0.2.1', 9)),
  )
  setPolicy({ type: 'privileged', permissions: { 'tcp-socket': {} } })
  const socket = new TCPSocket('127.0.0.1', await listening(t))
  await socket.opened
  await socket.close()
})

test.serial('a private destination needs a policy of its own', async (t) => {
  const port = await listening(t)
  for (const denied of [{}, { 'local-network': ['self'] }, { 'direct-sockets-private': [] }]) {
    setPolicy({ permissions_policy: { 'direct-sockets': ['self'], ...denied } })
    for (const host of ['127.0.0.1', '127.9.9.9']) {
      const socket = new TCPSocket(host, port)
      isDenied(t, await reasonOf(socket.opened))
      isDenied(t, await reasonOf(socket.closed))
    }
  }
  for (const granted of [{ 'loopback-network': ['self'] }, { 'direct-sockets-private': ['*'] }]) {
    setPolicy({ permissions_policy: { 'direct-sockets': ['self'], ...granted } })
    const socket = new TCPSocket('127.0.0.1', port)
    await socket.opened
    await socket.close()
  }
})

test.serial(
  'a name that leads to a private destination is refused before anything can be sent',
  async (t) => {
    let received = 0
    const server = net.createServer((socket) =>
      socket.on('data', ({ length }) => (received += length)).on('error', () => {}),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    setPolicy({ permissions_policy: { 'direct-sockets': ['self'] } })
    const socket = new TCPSocket('localhost', server.address().port)
    isDenied(t, await reasonOf(socket.opened))
    isDenied(t, await reasonOf(socket.closed))
    t.is(received, 0)
  },
)

test.serial('web applications have no low port, others have', async (t) => {
  setPolicy({ permissions_policy: POLICIES })
  const web = new TCPServerSocket('127.0.0.1', { localPort: 32_767 })
  isDenied(t, await reasonOf(web.opened))
  isDenied(t, await reasonOf(web.closed))
  const any = new TCPServerSocket('127.0.0.1')
  t.true((await any.opened).localPort >= 1024)
  await dispose(any)
  setPolicy({ type: 'privileged', permissions_policy: POLICIES })
  const privileged = new TCPServerSocket('127.0.0.1', { localPort: 32_767 })
  const error = await privileged.opened.then(
    () => undefined,
    (reason) => reason,
  )
  // Somebody else may have that port.
  t.true(error === undefined || error.name === 'NetworkError')
  await dispose(privileged)
})

test.serial(
  'a bound UDPSocket needs the policies of private destinations, and groups one of their own',
  async (t) => {
    const all = (options) => new UDPSocket({ localAddress: '127.0.0.1', ...options })
    setPolicy({ permissions_policy: { 'direct-sockets': ['self'], 'loopback-network': ['self'] } })
    isDenied(t, await reasonOf(all().opened))
    setPolicy({ permissions_policy: { 'direct-sockets': ['self'], 'direct-sockets-private': ['self'] } })
    isDenied(t, await reasonOf(all({ localPort: 1023 }).opened))
    isDenied(t, await reasonOf(all({ multicastLoopback: true }).opened))
    isDenied(t, await reasonOf(new UDPSocket({ remoteAddress: '239.1.1.1', remotePort: 9 }).opened))
    const socket = all()
    const { writable, multicastController } = await socket.opened
    isDenied(t, await reasonOf(multicastController.joinGroup('239.1.1.1')))
    const message = { data: new Uint8Array(1), remoteAddress: '239.1.1.1', remotePort: 9 }
    isDenied(t, await reasonOf(writable.getWriter().write(message)))
    await dispose(socket)
  },
)

test('a permissions_policy that is none is a TypeError', (t) => {
  for (const [permissions_policy, message] of [
    ['all', /^permissions_policy "all": /],
    [[], /^permissions_policy an object of type Array: /],
    [{ 'direct-sockets': true }, /^direct-sockets true: /],
  ]) {
    t.throws(() => setPolicy({ permissions_policy }), { instanceOf: TypeError, message })
  }
})
