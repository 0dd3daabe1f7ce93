'use strict'

// `socket.transport`, as far as Gecko's own code uses it: timeouts in seconds, and an object for TLS that may be null.

const test = require('ava')

const { SocketTransport } = require('../lib/transport.js')
const { TCPSocket, closedPort, scope } = require('./helpers/sockets.js')

const UINT32_MAX = 0xffffffff

test('a mail client sets both timeouts without asking, in every state of a socket', async (t) => {
  const own = scope(t)
  const [socket, events] = own.open('127.0.0.1', await closedPort())
  const set = () => {
    const { transport } = socket
    transport.setTimeout(transport.TIMEOUT_CONNECT, 60)
    transport.setTimeout(transport.TIMEOUT_READ_WRITE, 100)
    t.is(transport.getTimeout(0), 60)
    t.is(transport.getTimeout(1), 100)
  }
  set()
  socket.onerror = set
  await events.closed()
  set()
  const { client, accepted } = await own.pair()
  for (const open of [client, accepted]) {
    open.transport.setTimeout(1, 100)
    t.is(open.transport.getTimeout(1), 100)
    t.is(open.transport.getTimeout(0), 65535, 'nobody has set this one')
  }
})

test('a peer that says nothing for longer than TIMEOUT_READ_WRITE is NetworkTimeoutError, then close', async (t) => {
  const { client, clientEvents } = await scope(t).pair()
  client.transport.setTimeout(client.transport.TIMEOUT_READ_WRITE, 1)
  t.deepEqual(await clientEvents.closed(), ['open', 'error', 'close'])
  t.is((await clientEvents.event('error')).name, 'NetworkTimeoutError')
})

for (const [options, connect, idle] of [
  [{ connectTimeout: 1500 }, 2, 65535],
  [{ timeout: 5000 }, 5, 5],
  [{ connectTimeout: 1, timeout: 70_000_000 }, 1, 65535],
  [{ connectTimeout: 0, timeout: 0 }, 65535, 65535],
]) {
  test(`getTimeout() tells what the options say: ${JSON.stringify(options)}`, (t) => {
    const socket = new TCPSocket('127.0.0.1', 1, options)
    t.teardown(() => socket.close())
    t.is(socket.transport.getTimeout(0), connect)
    t.is(socket.transport.getTimeout(1), idle)
    socket.transport.setTimeout(1, 7)
    t.is(socket.transport.getTimeout(1), 7)
  })
}

test('getTimeout() of an accepted socket tells the timeout of its listener', async (t) => {
  const own = scope(t)
  const listening = own.listen({ timeout: 60_001 })
  const [, events] = own.open('127.0.0.1', listening.port)
  const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
  t.is(accepted.transport.getTimeout(0), 65535)
  t.is(accepted.transport.getTimeout(1), 61)
})

test('it is always the same object, and cannot be seen among the attributes', (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  t.teardown(() => socket.close())
  t.is(socket.transport, socket.transport)
  t.true('transport' in socket)
  const keys = []
  for (const key in socket) keys.push(key)
  t.true(keys.includes('readyState'))
  t.false(keys.includes('transport'))
})

test('code that looks for the state of TLS finds none, and goes on', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1, { useSecureTransport: true })
  t.teardown(() => socket.close())
  t.is(await socket.transport?.tlsSocketControl?.asyncGetSecurityInfo(), undefined)
  t.is(socket.transport.tlsSocketControl, null)
})

test('seconds become milliseconds of one kind of deadline or the other', (t) => {
  const calls = []
  const transport = new SocketTransport((...call) => calls.push(call))
  transport.setTimeout(0, 30)
  transport.setTimeout(1, 65534)
  transport.setTimeout(1, 65535)
  transport.setTimeout(0, UINT32_MAX)
  transport.setTimeout(0, 0)
  t.deepEqual(calls, [
    ['connect', 30_000],
    ['idle', 65_534_000],
    ['idle', 0],
    ['connect', 0],
    // At once, and not never.
    ['connect', 1],
  ])
  t.is(transport.getTimeout(0), 0)
  t.is(transport.getTimeout(1), 65535)
})

test('what is no timeout throws, names what is allowed, and changes nothing', (t) => {
  const calls = []
  const transport = new SocketTransport((...call) => calls.push(call))
  for (const type of [2, -1, '0', null, undefined, {}]) {
    t.throws(() => transport.setTimeout(type, 1), {
      instanceOf: RangeError,
      message: /^timeout type .*: must be 0/,
    })
    t.throws(() => transport.getTimeout(type), {
      instanceOf: RangeError,
      message: /^timeout type .*: must be 0/,
    })
  }
  for (const seconds of ['5', NaN, 1.5, null, undefined, Infinity, 5n]) {
    t.throws(() => transport.setTimeout(0, seconds), {
      instanceOf: TypeError,
      message: /must be a whole number/,
    })
  }
  for (const seconds of [-1, UINT32_MAX + 1]) {
    t.throws(() => transport.setTimeout(0, seconds), { instanceOf: RangeError, message: /0 to 4294967295/ })
  }
  t.is(transport.getTimeout(0), 65535)
  t.deepEqual(calls, [])
})
