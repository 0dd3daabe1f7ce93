'use strict'

// An AbortSignal: it stops connecting, ends an open connection at once, and closes a listener. The application asked for that,
// so there is no error. Nothing of a socket that is closed stays with the signal.

const { addAbortListener, once, getEventListeners } = require('node:events')
const vm = require('node:vm')

const test = require('ava')

const { ask } = require('../fixtures/lifecycle/run-child.js')
const { attempts, openSockets } = require('../fixtures/reliability/kernel.js')
const { fullListener } = require('../helpers/full-listener.js')
const { testOn } = require('../helpers/needs.js')
const { TCPServerSocket, TCPSocket, closedPort, scope } = require('../helpers/sockets.js')
const { trusting } = require('../helpers/tls-peers.js')
const { listenSecurely } = require('../helpers/tls-servers.js')

const serialOnLinux = testOn(test.serial, process.platform === 'linux', 'Linux')

/** How many listeners `signal` has. */
const listeners = (signal) => getEventListeners(signal, 'abort').length

for (const [what, host] of [
  ['an address', '127.0.0.1'],
  ['a name', 'localhost'],
]) {
  serialOnLinux(`it stops connecting to ${what}: close, without an error`, async (t) => {
    const own = scope(t)
    const { port } = await fullListener(own)
    const { signal, abort } = controller()
    const [socket, events] = own.open(host, port, { signal, localAddress: '127.0.0.1' })
    t.is(listeners(signal), 1)
    abort()
    t.is(socket.readyState, 'closing')
    t.deepEqual(await events.closed(), ['close'])
    t.is(listeners(signal), 0)
    while (attempts(port) > 0) await new Promise(setImmediate)
  })
}

function controller() {
  const aborter = new AbortController()
  return { signal: aborter.signal, abort: () => aborter.abort() }
}

test('it stops a TLS handshake', async (t) => {
  const own = scope(t)
  const silent = await own.netServer()
  const { signal, abort } = controller()
  const [, events] = own.open('127.0.0.1', silent.port, { signal, useSecureTransport: true })
  const peer = await silent.connection()
  peer.resume()
  abort()
  await Promise.all([once(peer, 'close'), events.event('close')])
  t.deepEqual(events.types, ['close'])
})

for (const kind of ['plain', 'TLS']) {
  test(`an open connection is closed at once, without what is not yet sent: ${kind}`, async (t) => {
    const own = scope(t)
    const { signal, abort } = controller()
    const listening = kind === 'TLS' ? listenSecurely(own) : own.listen()
    const options = kind === 'TLS' ? trusting({ signal }) : { signal }
    const [socket, events] = own.open('localhost', listening.port, options)
    const [[, acceptedEvents]] = await Promise.all([listening.accepted(), events.event('open')])
    socket.send('never sent, because the turn has not ended')
    abort()
    t.is(socket.readyState, 'closing')
    t.is(socket.bufferedAmount, 0)
    t.throws(() => socket.send('x'), { name: 'NS_ERROR_FAILURE' })
    t.deepEqual(await events.closed(), ['open', 'close'])
    await acceptedEvents.event('close')
    t.is(acceptedEvents.bytes, 0)
    t.is(listeners(signal), 0)
  })
}

test('it ends a close() that still has something to send', async (t) => {
  const own = scope(t)
  const { signal, abort } = controller()
  const { socket, events, peer } = await own.toNode({ signal, binaryType: 'arraybuffer' })
  peer.pause()
  socket.send(new Uint8Array(20_000_000))
  socket.close()
  await own.letTimeGo()
  t.is(socket.readyState, 'closing')
  abort()
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(listeners(signal), 0)
})

serialOnLinux('aborted before: closes without connecting to anybody, and without an exception', async (t) => {
  const own = scope(t)
  let connections = 0
  const server = await own.netServer({}, () => connections++)
  const before = openSockets()
  for (const host of ['127.0.0.1', 'localhost']) {
    for (const more of [{}, { useSecureTransport: true }, { connectTimeout: 1, timeout: 1 }]) {
      const signal = AbortSignal.abort()
      const [socket, events] = own.open(host, server.port, { ...more, signal })
      t.is(socket.readyState, 'closing')
      t.is(openSockets(), before)
      socket.close()
      socket.closeImmediately()
      t.is(socket.localPort, null)
      t.deepEqual(await events.closed(), ['close'])
      t.is(socket.readyState, 'closed')
      t.is(listeners(signal), 0)
    }
  }
  await own.letTimeGo()
  t.is(connections, 0)
})

test('close is a task of its own there too: handlers may be set after the constructor', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1, { signal: AbortSignal.abort() })
  const order = []
  await new Promise((resolve) => {
    socket.onclose = () => resolve(order.push('close'))
    queueMicrotask(() => order.push('microtask'))
    process.nextTick(() => order.push('tick'))
  })
  t.deepEqual(order.sort(), ['close', 'microtask', 'tick'])
})

test('a signal that outlives thousands of sockets keeps nothing of them', async (t) => {
  const own = scope(t)
  const { signal } = new AbortController()
  const server = await own.netServer()
  const port = await closedPort()
  const ways = [
    () => own.open('127.0.0.1', server.port, { signal }),
    () => own.open('127.0.0.1', port, { signal }),
    () => own.open('localhost', port, { signal, useSecureTransport: true }),
  ]
  for (const way of ways) {
    for (let i = 0; i < 20; i++) {
      const [socket, events] = way()
      if (i % 2 === 0) socket.close()
      else if (way === ways[0]) events.event('open').then(() => socket.closeImmediately())
      await events.event('close')
    }
  }
  const { server: listener } = own.listen({ signal })
  t.is(listeners(signal), 1)
  listener.close()
  t.is(listeners(signal), 0)
})

test('nothing stays with the signal where the constructor throws', (t) => {
  const { signal } = new AbortController()
  const { server, port } = scope(t).listen({ localAddress: '127.0.0.1' })
  t.throws(() => new TCPServerSocket(port, { localAddress: '127.0.0.1', signal }), { code: 'EADDRINUSE' })
  t.throws(() => new TCPSocket('127.0.0.1', 1, { signal, useSecureTransport: true, ca: 'nonsense' }))
  t.throws(() => new TCPSocket('127.0.0.1', 1, { signal, family: 4 }))
  t.is(listeners(signal), 0)
  t.is(server.localPort, port)
})

test('a listener is closed by it; what it has accepted stays', async (t) => {
  const own = scope(t)
  const { signal, abort } = controller()
  const listening = own.listen({ signal, localAddress: '127.0.0.1' })
  const [client, events] = own.open('127.0.0.1', listening.port)
  const [[, acceptedEvents]] = await Promise.all([listening.accepted(), events.event('open')])
  abort()
  t.is(listeners(signal), 0)
  t.is(listening.server.localPort, listening.port)
  // The port is free at once.
  own.listen({ localAddress: '127.0.0.1' }, { port: listening.port }).server.close()
  client.send('still here')
  t.is(String(await acceptedEvents.data(10)), 'still here')
})

test('a listener whose signal was aborted before is closed, and never listened', async (t) => {
  const own = scope(t)
  const taken = own.listen({ localAddress: '127.0.0.1' })
  const server = new TCPServerSocket(taken.port, { localAddress: '127.0.0.1', signal: AbortSignal.abort() })
  t.is(server.localPort, taken.port)
  t.is(server.localAddress, '127.0.0.1')
  t.is(server.failedHandshakes, 0)
  t.notThrows(() => server.close())
  t.is(server.ref(), server)
  t.is(server.unref(), server)
})

test('AbortSignal.timeout and AbortSignal.any work, and a signal of another realm', async (t) => {
  const own = scope(t)
  const silent = await own.netServer()
  const foreign = vm.runInNewContext('new Class()', { Class: AbortController })
  const signals = [AbortSignal.timeout(20), foreign.signal]
  if (AbortSignal.any) signals.push(AbortSignal.any([foreign.signal]))
  const all = signals.map((signal) => {
    return own.open('127.0.0.1', silent.port, { signal, useSecureTransport: true })[1]
  })
  foreign.abort()
  for (const events of all) t.deepEqual(await events.closed(), ['close'])
})

test('the abort handler of the application may use the socket', async (t) => {
  const own = scope(t)
  const { signal, abort } = controller()
  const states = []
  let socket
  signal.addEventListener('abort', () => states.push(socket.readyState) && socket.close())
  const { port } = await own.netServer()
  const [made, events] = own.open('127.0.0.1', port, { signal })
  socket = made
  await events.event('open')
  signal.addEventListener('abort', () => states.push(socket.readyState))
  abort()
  t.deepEqual(states, ['open', 'closing'])
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('a signal that throws when it is told to forget keeps neither close nor asyncDispose back; one action, no other', async (t) => {
  t.deepEqual(await ask('hostile-signals.js'), {
    reported: ['removeEventListener', 'removeEventListener', 'first', 'second'],
    seen: ['close', 'disposed', 'server', 'first', 'second', 'aborted'],
  })
})

test.serial(
  'what an application made of close() and closeImmediately() does not keep a signal from closing',
  async (t) => {
    const own = scope(t)
    const { closeImmediately } = TCPSocket.prototype
    const { close } = TCPServerSocket.prototype
    t.teardown(() => {
      TCPSocket.prototype.closeImmediately = closeImmediately
      TCPServerSocket.prototype.close = close
    })
    const { signal, abort } = controller()
    const listening = own.listen({ signal, localAddress: '127.0.0.1' })
    const [, first] = own.open('127.0.0.1', listening.port, { signal })
    const [, second] = own.open('127.0.0.1', listening.port, { signal })
    await Promise.all([first.event('open'), second.event('open')])
    TCPSocket.prototype.closeImmediately = () => t.fail('closeImmediately')
    TCPServerSocket.prototype.close = () => t.fail('close')
    abort()
    TCPSocket.prototype.closeImmediately = closeImmediately
    TCPServerSocket.prototype.close = close
    t.deepEqual(await first.closed(), ['open', 'close'])
    t.deepEqual(await second.closed(), ['open', 'close'])
    // The port is free.
    own.listen({ localAddress: '127.0.0.1' }, { port: listening.port }).server.close()
  },
)

test('a subclass that closes otherwise is closed by its signal all the same', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer()
  class Pooled extends TCPSocket {
    close() {}
    closeImmediately() {}
  }
  const { signal, abort } = controller()
  const socket = new Pooled('127.0.0.1', port, { signal })
  await new Promise((resolve) => {
    socket.onopen = resolve
  })
  const closed = new Promise((resolve) => {
    socket.onclose = resolve
  })
  abort()
  await closed
  t.is(socket.readyState, 'closed')
})

testOn(
  test,
  addAbortListener !== undefined,
  'Node.js 20.5',
)('an earlier listener that stops the event does not keep it from sockets and listeners', async (t) => {
  const own = scope(t)
  const { signal, abort } = controller()
  signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
  const listening = own.listen({ signal, localAddress: '127.0.0.1' })
  const [, events] = own.open('127.0.0.1', listening.port, { signal })
  await events.event('open')
  abort()
  t.deepEqual(await events.closed(), ['open', 'close'])
  own.listen({ localAddress: '127.0.0.1' }, { port: listening.port }).server.close()
})

test('whether a signal has aborted is asked once', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer()
  let asked = 0
  const heard = []
  const signal = {
    // By the second time it would have.
    get aborted() {
      return asked++ > 0
    },
    addEventListener: (type, run) => heard.push(run),
    removeEventListener() {},
  }
  const [, events] = own.open('127.0.0.1', port, { signal })
  await events.event('open')
  t.is(asked, 1)
  t.is(heard.length, 1)
  heard[0]()
  t.deepEqual(await events.closed(), ['open', 'close'])
  asked = 0
  own.listen({ signal }).server.close()
  t.is(asked, 1)
})
