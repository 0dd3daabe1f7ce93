'use strict'

// F-DS-33 to 41 of the specification (docs/direct.md): TCPServerSocket of Direct Sockets, with clients of node:net.

const { execFile } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { promisify } = require('node:util')

const test = require('ava')

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/direct')
const { failsys } = require('../../helpers/failsys.js')
const { hasIPv6, serialWhere, testOn } = require('../../helpers/needs.js')
const { bytes, disposed, next, reasonOf, send, serve, text } = require('./support.js')

const run = promisify(execFile)

/** A connected client of node:net. */
async function client(t, port, host = '127.0.0.1') {
  const socket = net.connect(port, host)
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What a client of node:net meets at a port: `undefined` where it connects. */
async function refusal(port, host = '127.0.0.1') {
  const socket = net.connect(port, host)
  try {
    await once(socket, 'connect')
    return undefined
  } catch (error) {
    return error.code
  } finally {
    socket.destroy()
  }
}

test('F-DS-33: bad arguments are TypeErrors that name them', (t) => {
  for (const [address, options, message] of [
    ['direct-sockets.com', undefined, /^localAddress "direct-sockets.com": /],
    ['', undefined, /^localAddress "": /],
    ['127.0.0.1', { localPort: 0 }, /^localPort 0: /],
    ['127.0.0.1', { localPort: 65_536 }, /^localPort 65536: /],
    ['127.0.0.1', { backlog: 0 }, /^backlog 0: /],
    ['127.0.0.1', { backlog: -1 }, /^backlog -1: /],
    ['127.0.0.1', { ipv6Only: true }, /^ipv6Only true: /],
    ['::1', { ipv6Only: true }, /^ipv6Only true: /],
    ['127.0.0.1', 7, /^options 7: /],
  ]) {
    t.throws(() => new TCPServerSocket(address, options), { instanceOf: TypeError, message })
  }
  t.throws(() => new TCPServerSocket(), { instanceOf: TypeError, message: /at least 1 argument/ })
})

test('F-DS-34: close() of an open server fulfils', async (t) => {
  const { server, localAddress, localPort } = await serve(t)
  t.is(localAddress, '127.0.0.1')
  t.true(localPort > 0)
  t.is(await server.close(), undefined)
  t.is(await server.closed, undefined)
  t.is(await server.close(), undefined)
})

test('F-DS-34: close() before the server is open rejects, and it still opens', async (t) => {
  const server = disposed(t, new TCPServerSocket('127.0.0.1'))
  t.is((await reasonOf(server.close())).name, 'InvalidStateError')
  const { localPort } = await server.opened
  t.is(await refusal(localPort), undefined)
})

serialWhere(
  test,
  failsys('') !== undefined,
  'Linux with glibc and gcc',
)('F-DS-35: of a listener that fails by itself the read that waits and closed reject', async (t) => {
  const program = `
    const { TCPServerSocket } = require('moz-tcp-socket/direct')
    const server = new TCPServerSocket('127.0.0.1')
    server.opened.then(async ({ readable, localPort }) => {
      const read = readable.getReader().read()
      require('node:net').connect(localPort, '127.0.0.1').on('error', () => {})
      const reasons = await Promise.all([read, server.closed].map((promise) => promise.catch((reason) => reason)))
      console.log(JSON.stringify(reasons.map(({ name, cause }) => [name, cause.code, cause.syscall])))
      process.exit()
    })`
  const { stdout } = await run(process.execPath, ['-e', program], {
    cwd: __dirname,
    env: { ...process.env, ...failsys('accept4:EBADF:1:1') },
    timeout: 30_000,
  })
  const expected = ['NetworkError', 'EBADF', 'accept']
  t.deepEqual(JSON.parse(stdout), [expected, expected])
})

testOn(
  test,
  hasIPv6,
  'IPv6',
)('F-DS-36: a server of all addresses is one of IPv4 as well, unless it is ipv6Only', async (t) => {
  const both = await serve(t, { ipv6Only: false }, '::')
  t.is(await refusal(both.localPort, '127.0.0.1'), undefined)
  t.is(await refusal(both.localPort, '::1'), undefined)
  const only = await serve(t, { ipv6Only: true }, '::')
  t.is(await refusal(only.localPort, '127.0.0.1'), 'ECONNREFUSED')
  t.is(await refusal(only.localPort, '::1'), undefined)
})

test('F-DS-37: for await serves one connection after the other', async (t) => {
  const { readable, localPort } = await serve(t)
  const clients = []
  for (let i = 0; i < 10; i++) clients.push(await client(t, localPort))
  let count = 0
  for await (const connection of readable) {
    const { writable } = await connection.opened
    await send(writable, bytes(`you are ${count}`))
    await writable.close()
    if (++count === clients.length) break
  }
  for (const [i, socket] of clients.entries()) t.is(String((await once(socket, 'data'))[0]), `you are ${i}`)
})

test('F-DS-37: pipeTo serves many at once', async (t) => {
  const { readable, localPort } = await serve(t)
  const sink = new WritableStream({
    async write(connection) {
      const { readable: input, writable } = await connection.opened
      void input.pipeTo(writable).catch(() => {})
    },
  })
  void readable.pipeTo(sink).catch(() => {})
  const clients = await Promise.all(Array.from({ length: 20 }, () => client(t, localPort)))
  for (const socket of clients) socket.write('ping')
  for (const socket of clients) t.is(String((await once(socket, 'data'))[0]), 'ping')
})

test('F-DS-38: after close() the port refuses, and accepted sockets live', async (t) => {
  const { server, readable, localPort } = await serve(t)
  const peer = await client(t, localPort)
  const { value: connection } = await next(readable)
  const { writable } = await disposed(t, connection).opened
  await server.close()
  t.is(await refusal(localPort), 'ECONNREFUSED')
  await send(writable, bytes('alive'))
  t.is(String((await once(peer, 'data'))[0]), 'alive')
})

test('F-DS-39: close() of a server whose stream is locked rejects, and the reader’s cancel() closes it', async (t) => {
  const { server, readable, localPort } = await serve(t)
  const reader = readable.getReader()
  t.is((await reasonOf(server.close())).name, 'InvalidStateError')
  t.is(await refusal(localPort), undefined)
  await reader.cancel()
  t.is(await server.closed, undefined)
  t.is(await refusal(localPort), 'ECONNREFUSED')
})

test('F-DS-40: of a port in use opened and closed reject with a NetworkError', async (t) => {
  const { localPort } = await serve(t)
  const second = new TCPServerSocket('127.0.0.1', { localPort })
  const error = await reasonOf(second.opened)
  t.true(error instanceof DOMException)
  t.is(error.name, 'NetworkError')
  t.is(error.cause.code, 'EADDRINUSE')
  t.is(error.cause.syscall, 'listen')
  t.is(await reasonOf(second.closed), error)
  t.is(await reasonOf(second.close()), error)
})

test('F-DS-41: connections wait in the backlog until they are read, in their order', async (t) => {
  const { readable, localPort } = await serve(t)
  const clients = []
  for (let i = 0; i < 3; i++) clients.push(await client(t, localPort))
  const reader = readable.getReader()
  for (const peer of clients) {
    const { value } = await reader.read()
    t.is((await disposed(t, value).opened).remotePort, peer.localPort)
  }
})

test('F-DS-41: what nobody reads is not accepted', async (t) => {
  const { server, localPort } = await serve(t)
  const peer = await client(t, localPort)
  const closed = new Promise((resolve) => peer.on('close', resolve))
  await server.close()
  await closed
  t.pass()
})

test('an accepted socket knows both ends, and is open', async (t) => {
  const { readable, localPort } = await serve(t)
  const peer = await client(t, localPort)
  const { value: connection } = await next(readable)
  t.true(connection instanceof TCPSocket)
  const info = await disposed(t, connection).opened
  t.is(info.remoteAddress, '127.0.0.1')
  t.is(info.remotePort, peer.localPort)
  t.is(info.localAddress, '127.0.0.1')
  t.is(info.localPort, localPort)
  peer.write('hello')
  t.is(text((await next(info.readable)).value), 'hello')
})

test('a server that keeps nothing alive lets the process end', async (t) => {
  const { server } = await serve(t)
  t.is(server.unref(), server)
  t.is(server.ref(), server)
})
