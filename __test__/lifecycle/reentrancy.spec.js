'use strict'

// Every method, called in every handler, on plain and on TLS sockets: it returns or throws what the contract says, the
// events that follow are the same as ever, and the connection works afterwards (REL-13). The cases are generated.

const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { makePki } = require('../helpers/pki.js')
const { TCPSocket, closedPort, scope } = require('../helpers/sockets.js')

/** Exactly so many pending bytes make `drain` due. */
const HIGH_WATER = 64 * 1024

const CLIENT_HELLO = 0x16

/** What a method does while the socket is open: what it returns, or throws, and what follows. */
const WHILE_OPEN = {
  send: { call: (socket) => socket.send(Uint8Array.of(7)), returns: true, echoes: 1 },
  suspend: { call: (socket) => socket.suspend(), after: (socket) => socket.resume() },
  resume: { call: (socket) => socket.resume(), throws: true },
  upgradeToSecure: { call: (socket) => socket.upgradeToSecure() },
  ref: { call: (socket) => socket.ref(), returnsItself: true },
  unref: { call: (socket) => socket.unref(), returnsItself: true },
  close: { call: (socket) => socket.close(), ends: true },
  closeImmediately: { call: (socket) => socket.closeImmediately(), ends: true },
}

/** The same when it is closed. */
const WHEN_CLOSED = {
  ...WHILE_OPEN,
  send: { ...WHILE_OPEN.send, returns: undefined, throws: true },
  suspend: { call: (socket) => socket.suspend() },
  upgradeToSecure: { ...WHILE_OPEN.upgradeToSecure, throws: true },
}

/** Calls the method, and checks what it returns or throws. */
function attempt(t, socket, { call, returns, returnsItself = false, throws = false }) {
  if (throws) return t.throws(() => call(socket), { name: throws === true ? 'NS_ERROR_FAILURE' : throws })
  return t.is(call(socket), returnsItself ? socket : returns)
}

/** A peer that drops `skip` bytes, then sends back what comes; and starts TLS when a plain client does. */
function echo(socket, skip, secureContext) {
  socket.on('error', () => {})
  socket.on('data', function receive(chunk) {
    const rest = chunk.subarray(Math.min(skip, chunk.length))
    skip -= chunk.length - rest.length
    if (rest.length === 0) return
    if (rest[0] === CLIENT_HELLO && secureContext) {
      socket.off('data', receive)
      socket.pause()
      socket.unshift(rest)
      echo(new tls.TLSSocket(socket, { isServer: true, secureContext }), 0)
    } else {
      socket.write(rest)
    }
  })
}

/** A server of `kind`, and how to connect to it. */
async function peer(own, kind, skip) {
  const { ca, cert, key } = makePki()
  const secureContext = tls.createSecureContext({ cert, key })
  const serve = (socket) => echo(socket, skip, kind === 'plain' && secureContext)
  const server = kind === 'tls' ? tls.createServer({ cert, key }, serve) : net.createServer(serve)
  const sockets = []
  server.on('connection', (socket) => sockets.push(socket.on('error', () => {})))
  server.on('tlsClientError', () => {})
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  own.onEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // Plain sockets trust the CA as well, for upgradeToSecure.
  const options = { binaryType: 'arraybuffer', useSecureTransport: kind === 'tls', ca }
  return { port: server.address().port, options }
}

/** Resolves when `handler` has run once, as the on-handler of the event. */
function once(socket, type, handler) {
  return new Promise((resolve, reject) => {
    socket[`on${type}`] = () => {
      socket[`on${type}`] = null
      try {
        resolve(handler())
      } catch (error) {
        reject(error)
      }
    }
  })
}

/** The connection still carries bytes both ways, and closes as usual. */
async function stillWorks(t, socket, events, { after, echoes = 0 }, counted) {
  after?.(socket)
  if (echoes > 0) await events.data(counted + echoes)
  events.forgetData()
  socket.send(Uint8Array.of(1, 2, 3))
  t.deepEqual([...(await events.data(3))], [1, 2, 3])
  socket.close()
}

for (const kind of ['plain', 'tls']) {
  for (const [name, method] of Object.entries(WHILE_OPEN)) {
    for (const type of ['open', 'data', 'drain']) {
      test(`${name}() in on${type} of a ${kind} socket`, async (t) => {
        const own = scope(t)
        const { port, options } = await peer(own, kind, type === 'drain' ? HIGH_WATER : 0)
        const [socket, events] = own.open('127.0.0.1', port, options)
        if (type === 'data') socket.onopen = () => socket.send(Uint8Array.of(9))
        if (type === 'drain') socket.onopen = () => socket.send(new Uint8Array(HIGH_WATER))
        await once(socket, type, () => attempt(t, socket, method))
        t.is(socket.readyState, method.ends ? 'closing' : 'open')
        if (!method.ends) await stillWorks(t, socket, events, method, type === 'data' ? 1 : 0)
        const types = await events.closed()
        t.deepEqual(types, type === 'drain' ? ['open', 'drain', 'close'] : ['open', 'close'])
      })
    }
  }

  for (const [name, method] of Object.entries(WHEN_CLOSED)) {
    test(`${name}() in onerror of a ${kind} socket`, async (t) => {
      const own = scope(t)
      const { port, options } = await peer(own, kind, 0)
      const [socket, events] =
        kind === 'tls'
          ? own.open('127.0.0.1', port, { ...options, ca: undefined })
          : own.open('127.0.0.1', await closedPort(), options)
      await once(socket, 'error', () => attempt(t, socket, method))
      t.deepEqual(await events.closed(), ['error', 'close'])
    })

    test(`${name}() in onclose of a ${kind} socket`, async (t) => {
      const own = scope(t)
      const { port, options } = await peer(own, kind, 0)
      const [socket, events] = own.open('127.0.0.1', port, options)
      socket.onopen = () => socket.close()
      await once(socket, 'close', () => attempt(t, socket, method))
      t.deepEqual(await events.closed(), ['open', 'close'])
      t.is(socket.readyState, 'closed')
    })
  }
}

for (const [name, method] of Object.entries(WHILE_OPEN)) {
  test(`${name}() of the accepted socket in onconnect of a server`, async (t) => {
    const own = scope(t)
    const { server, port, accepted } = own.listen({ binaryType: 'arraybuffer' })
    const watch = server.onconnect
    const called = new Promise((resolve, reject) => {
      server.onconnect = (event) => {
        watch(event)
        try {
          // There is no certificate.
          const throws = name === 'upgradeToSecure' ? 'TypeError' : method.throws
          resolve(attempt(t, event.socket, { ...method, throws }))
        } catch (error) {
          reject(error)
        }
      }
    })
    const client = net.connect(port, '127.0.0.1').on('error', () => {})
    own.onEnd(() => client.destroy())
    client.pipe(client)
    await called
    const [socket, events] = await accepted()
    t.is(socket.readyState, method.ends ? 'closing' : 'open')
    if (!method.ends) await stillWorks(t, socket, events, method, 0)
    t.deepEqual(await events.closed(), ['close'])
  })
}

test('a server can be closed in its onconnect, and the accepted socket works', async (t) => {
  const own = scope(t)
  const { server, port, accepted } = own.listen({ binaryType: 'arraybuffer' })
  const client = net.connect(port, '127.0.0.1')
  own.onEnd(() => client.destroy())
  client.pipe(client)
  server.addEventListener('connect', () => server.close())
  const [socket, events] = await accepted()
  await stillWorks(t, socket, events, {}, 0)
  t.deepEqual(await events.closed(), ['close'])
})

test('a socket that another one closes gets no data that already waits', async (t) => {
  const own = scope(t)
  const [one, two] = [await own.toNode(), await own.toNode()]
  const received = []
  for (const [socket, other] of [
    [one.socket, two.socket],
    [two.socket, one.socket],
  ]) {
    socket.ondata = () => {
      received.push(socket)
      other.close()
    }
  }
  one.peer.write('x')
  two.peer.write('x')
  await Promise.race([one.events.event('close'), two.events.event('close')])
  t.is(received.length, 1)
})

for (const type of ['open', 'data', 'close']) {
  test(`sockets that are opened in on${type} of another work`, async (t) => {
    const own = scope(t)
    const { port, options } = await peer(own, 'plain', 0)
    const [socket, events] = own.open('127.0.0.1', port, options)
    if (type !== 'open') socket.onopen = () => socket.send(Uint8Array.of(1))
    if (type === 'close') socket.ondata = () => socket.close()
    const [next, nextEvents] = await once(socket, type, () => {
      const another = new TCPSocket('127.0.0.1', port, options)
      return [another, own.watch(another)]
    })
    await nextEvents.event('open')
    next.send(Uint8Array.of(1, 2))
    await nextEvents.data(2)
    next.close()
    socket.close()
    t.deepEqual(await nextEvents.closed(), ['open', 'close'])
    t.deepEqual(await events.closed(), ['open', 'close'])
  })
}
