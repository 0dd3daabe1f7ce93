'use strict'

// Listeners with a signal: it removes them, and refers to nothing that is closed, removed or done.

const { getEventListeners, once } = require('node:events')

const test = require('ava')

const { TCPSocketEvent } = require('..')
const { ask } = require('./fixtures/lifecycle/run-child.js')
const { TCPServerSocket, TCPSocket, closedPort, deferred, scope } = require('./helpers/sockets.js')

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** How many listeners are on `signal`. */
const on = (signal) => getEventListeners(signal, 'abort').length

/** Resolves when `socket` is closed, and its listeners and what they queued have run. */
async function gone(socket) {
  const closed = deferred()
  socket.addEventListener('close', closed.resolve)
  await closed.promise
  await new Promise((resolve) => setImmediate(resolve))
}

function listen(t, onConnect = ({ socket }) => socket.close()) {
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  server.onconnect = onConnect
  t.teardown(() => server.close())
  return server
}

for (const [how, close] of Object.entries({
  'that its peer ended': () => {},
  'that it closed': (socket) => socket.close(),
  'that it closed immediately': (socket) => socket.closeImmediately(),
})) {
  test(`a signal has nothing of a connection ${how}`, async (t) => {
    const server = listen(t)
    const { signal } = new AbortController()
    const socket = new TCPSocket('127.0.0.1', server.localPort)
    for (const type of TYPES) {
      socket.addEventListener(type, () => {}, { signal })
      socket.addEventListener(type, () => {}, { signal, once: true })
    }
    t.is(on(signal), 1)
    socket.addEventListener('open', () => close(socket))
    await gone(socket)
    t.is(on(signal), 0)
  })
}

test('a signal has nothing of a connection that failed, and of a server that was closed', async (t) => {
  const { signal } = new AbortController()
  const socket = new TCPSocket('127.0.0.1', await closedPort())
  const seen = []
  for (const type of TYPES) socket.addEventListener(type, () => seen.push(type), { signal })
  const server = listen(t)
  server.addEventListener('connect', () => {}, { signal })
  server.addEventListener('error', () => {}, { signal })
  t.is(on(signal), 1)
  await gone(socket)
  t.deepEqual(seen, ['error', 'close'])
  t.is(on(signal), 1, 'the server is there')
  server.close()
  t.is(on(signal), 0)
})

test('a signal has nothing of a listener that was removed, or that was called once', (t) => {
  const server = listen(t)
  const { signal } = new AbortController()
  const listener = () => {}
  for (const options of [{ signal }, { signal, capture: true }]) {
    server.addEventListener('connect', listener, options)
    t.is(on(signal), 1)
    server.removeEventListener('connect', listener, options)
    t.is(on(signal), 0)
  }
  server.addEventListener('other', listener, { signal, once: true })
  server.dispatchEvent(new TCPSocketEvent('other'))
  t.is(on(signal), 0)
  server.addEventListener('connect', listener, { signal })
  server.addEventListener('error', listener, { signal })
  server.removeEventListener('error', listener)
  t.is(on(signal), 1, 'one is there still')
})

test('one signal serves any number of sockets without a warning, and aborts them all', async (t) => {
  const warnings = []
  const warn = (warning) => warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  const controller = new AbortController()
  const { signal } = controller
  const servers = Array.from({ length: 30 }, () => listen(t, null))
  const calls = []
  for (const server of servers) {
    server.addEventListener('connect', () => calls.push('aborted'), { signal })
    server.addEventListener('connect', () => calls.push('other'))
  }
  t.is(on(signal), 1)
  controller.abort()
  t.is(on(signal), 0)
  for (const server of servers) server.dispatchEvent(new TCPSocketEvent('connect'))
  t.deepEqual(
    calls,
    servers.map(() => 'other'),
  )
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(warnings, [])
})

test('a listener is not called when its signal aborts during the event, and can be added again', (t) => {
  const server = listen(t, null)
  const controller = new AbortController()
  const calls = []
  const later = () => calls.push('later')
  server.addEventListener('other', () => controller.abort())
  server.addEventListener('other', later, { signal: controller.signal })
  server.dispatchEvent(new TCPSocketEvent('other'))
  t.deepEqual(calls, [])
  server.addEventListener('other', later, { signal: controller.signal })
  server.dispatchEvent(new TCPSocketEvent('other'))
  t.deepEqual(calls, [], 'it has aborted')
  server.addEventListener('other', later, { signal: new AbortController().signal })
  server.dispatchEvent(new TCPSocketEvent('other'))
  t.deepEqual(calls, ['later'])
})

test('a closed target leaves nothing on the signal of a later listener, which it removes all the same', (t) => {
  const server = listen(t)
  const controller = new AbortController()
  const calls = []
  server.addEventListener('connect', () => calls.push('before'), { signal: controller.signal })
  server.close()
  server.addEventListener('connect', () => calls.push('after'), { signal: controller.signal })
  t.is(on(controller.signal), 0)
  server.onconnect = null
  server.dispatchEvent(new TCPSocketEvent('connect'))
  t.deepEqual(calls, ['before', 'after'])
  controller.abort()
  server.dispatchEvent(new TCPSocketEvent('connect'))
  t.deepEqual(calls, ['before', 'after'])
})

test('the first listener of a closed socket leaves nothing on its signal', async (t) => {
  const socket = new TCPSocket('127.0.0.1', await closedPort())
  await new Promise((resolve) => {
    socket.onclose = () => setImmediate(resolve)
  })
  const { signal } = new AbortController()
  socket.addEventListener('close', () => {}, { signal })
  t.is(on(signal), 0)
})

test('a listener object, and the `this` of a function, are the same with a signal as without', (t) => {
  const server = listen(t, null)
  const { signal } = new AbortController()
  const seen = []
  const object = {
    handleEvent(event) {
      seen.push([this === object, event.type])
    },
  }
  server.addEventListener('other', object, { signal })
  server.addEventListener(
    'other',
    function (event) {
      seen.push([this === server, event.type])
    },
    { signal, passive: true },
  )
  // The same once more is no second listener.
  server.addEventListener('other', object, { signal })
  server.dispatchEvent(new TCPSocketEvent('other'))
  t.deepEqual(seen, [
    [true, 'other'],
    [true, 'other'],
  ])
})

test('what is no signal, or no listener, throws as it does without a signal', (t) => {
  const server = listen(t)
  const { signal } = new AbortController()
  const listener = () => {}
  server.addEventListener('connect', listener)
  for (const wrong of [5, null, 'signal', {}]) {
    t.throws(() => server.addEventListener('connect', listener, { signal: wrong }), { instanceOf: TypeError })
  }
  t.throws(() => server.addEventListener('connect', 5, { signal }), { instanceOf: TypeError })
  t.is(on(signal), 0)
})

test('aborting one of two signals leaves the listener of the other', async (t) => {
  const own = scope(t)
  const [first, second] = [new AbortController(), new AbortController()]
  const { socket, peer } = await own.toNode()
  const calls = []
  socket.addEventListener('data', () => calls.push('first'), { signal: first.signal })
  socket.addEventListener('data', () => calls.push('second'), { signal: second.signal })
  first.abort()
  const arrived = deferred()
  socket.addEventListener('data', arrived.resolve)
  peer.write('x')
  await arrived.promise
  t.deepEqual(calls, ['second'])
  peer.destroy()
  await once(peer, 'close')
})

test('neither sockets nor listeners stay in memory for a signal that lives on', async (t) => {
  const { sockets, listeners } = await ask('collect-signalled.js', [], { nodeArgs: ['--expose-gc'] })
  // A collector may keep the last few, which a register still points at.
  t.true(sockets >= 98, `${sockets} of 100 closed sockets were collected`)
  t.true(listeners >= 98, `${listeners} of 100 aborted listeners of a live server were collected`)
})
