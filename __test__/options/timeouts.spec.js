'use strict'

// How long it may take to connect, and how long a connection may be silent: NetworkTimeoutError, then close. Without the
// options there is no such time.

const { join } = require('node:path')
const { performance } = require('node:perf_hooks')

const test = require('ava')

const { attempts, openSockets } = require('../fixtures/reliability/kernel.js')
const { withDns, whyNoDns } = require('../helpers/dns/dns.js')
const { testOn, testWhere } = require('../helpers/needs.js')
const { run } = require('../helpers/peers.js')
const { scope } = require('../helpers/sockets.js')
const { trusting } = require('../helpers/tls-peers.js')
const { listenSecurely, nodeClient, rawClient } = require('../helpers/tls-servers.js')
const { fullListener } = require('../helpers/full-listener.js')

const serialOnLinux = testOn(test.serial, process.platform === 'linux', 'Linux')
const inNamespace = testWhere(test, whyNoDns() === '', whyNoDns())

const SHORT = 60
/** Longer than any test. */
const LONG = 600_000

/** Resolves with what the error of a socket says that fails and closes. */
async function timedOut(t, events, before = ['error', 'close']) {
  const error = await events.event('error')
  t.is(error.name, 'NetworkTimeoutError')
  t.is(error.message, 'Network')
  t.is(error.data.code, undefined)
  t.deepEqual(await events.closed(), before)
  t.is(events.socket.readyState, 'closed')
  return error.data.message
}

for (const [what, host] of [
  ['an address', '127.0.0.1'],
  ['a name', 'localhost'],
]) {
  serialOnLinux(`connectTimeout ends an attempt to reach ${what} that nobody answers`, async (t) => {
    const own = scope(t)
    const { port } = await fullListener(own)
    const before = openSockets()
    const began = performance.now()
    const [socket, events] = own.open(host, port, { connectTimeout: SHORT, localAddress: '127.0.0.1' })
    t.is(socket.readyState, 'connecting')
    const detail = await timedOut(t, events)
    const took = performance.now() - began
    t.is(detail, `connect to ${host} port ${port}: not open within ${SHORT} ms`)
    t.true(took >= SHORT, `${took} ms`)
    while (openSockets() > before) await new Promise(setImmediate)
    t.is(attempts(port), 0, 'the attempt itself has ended')
  })
}

serialOnLinux(
  'timeout limits connecting as well, as in Node, unless connectTimeout says otherwise',
  async (t) => {
    const own = scope(t)
    const { port } = await fullListener(own)
    const [, events] = own.open('127.0.0.1', port, { timeout: SHORT })
    const [, patient] = own.open('127.0.0.1', port, { timeout: 1, connectTimeout: 0 })
    await timedOut(t, events)
    await own.letTimeGo()
    t.deepEqual(patient.types, [])
    t.is(attempts(port), 1)
  },
)

test('connectTimeout covers the TLS handshake from the first byte', async (t) => {
  const own = scope(t)
  const silent = await own.netServer()
  const options = { connectTimeout: SHORT, useSecureTransport: true }
  const [, events] = own.open('127.0.0.1', silent.port, options)
  const peer = await silent.connection()
  const gone = new Promise((resolve) => peer.resume().once('close', resolve))
  const detail = await timedOut(t, events)
  t.regex(detail, /: not open within 60 ms$/)
  await gone
})

inNamespace(
  'connectTimeout covers the lookup of a name, and does not keep the process waiting for it',
  async (t) => {
    const script = join(__dirname, '../fixtures/options/never-found.js')
    const [command, ...args] = [...withDns('silent'), process.execPath, script, String(SHORT)]
    const { code, stdout, stderr } = await run(command, args)
    t.is(code, 0, stderr)
    const { types, name, detail, took } = JSON.parse(String(stdout))
    t.deepEqual(types, ['error', 'close'])
    t.is(name, 'NetworkTimeoutError')
    t.is(detail, `connect to never.test port 25: not open within ${SHORT} ms`)
    t.true(took >= SHORT - 5, `${took} ms`)
  },
)

test.serial('what is open in time is not ended by connectTimeout, plain or with TLS', async (t) => {
  const own = scope(t)
  const plain = await own.toNode({ connectTimeout: 1000 })
  const listening = listenSecurely(own)
  const [client, events] = own.open('localhost', listening.port, trusting({ connectTimeout: 5000 }))
  const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
  // A later deadline of another socket has passed when both of these would have.
  const silent = await own.netServer()
  const [, late] = own.open('127.0.0.1', silent.port, { connectTimeout: 1200, useSecureTransport: true })
  await late.event('error')
  t.is(plain.socket.readyState, 'open')
  t.is(client.readyState, 'open')
  accepted.send('still here')
  t.is(String(await events.data(10)), 'still here')
})

test('close() while connecting comes before the deadline: close, without an error', async (t) => {
  const own = scope(t)
  const silent = await own.netServer()
  const options = { connectTimeout: 1, useSecureTransport: true }
  const [socket, events] = own.open('127.0.0.1', silent.port, options)
  socket.close()
  t.deepEqual(await events.closed(), ['close'])
})

/** To have `timeout` only from `open` on: that may come late on a busy machine. */
const patient = (timeout) => ({ timeout, connectTimeout: 0 })

/** An open connection of ours with `timeout`, and its peer. */
const KINDS = {
  async plain(own, timeout) {
    const { socket, events, peer } = await own.toNode({ ...patient(timeout), binaryType: 'arraybuffer' })
    return { socket, events, peer }
  },
  async 'a name'(own, timeout) {
    const server = await own.netServer()
    const [socket, events] = own.open('localhost', server.port, patient(timeout))
    const [peer] = await Promise.all([server.connection(), events.event('open')])
    return { socket, events, peer }
  },
  async TLS(own, timeout) {
    const listening = listenSecurely(own)
    const [socket, events] = own.open('localhost', listening.port, trusting(patient(timeout)))
    const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
    return { socket, events, peer: writable(accepted) }
  },
  async 'an accepted socket'(own, timeout) {
    const { accepted, acceptedEvents, client } = await own.pair({}, { timeout, binaryType: 'arraybuffer' })
    return { socket: accepted, events: acceptedEvents, peer: writable(client) }
  },
  async 'an accepted socket with TLS'(own, timeout) {
    const listening = listenSecurely(own, { timeout })
    const peer = nodeClient(own, listening.port)
    const [socket, events] = await listening.accepted()
    return { socket, events, peer: peer.on('error', () => {}) }
  },
}

function writable(socket) {
  return { write: (bytes) => socket.send(bytes) }
}

for (const [kind, make] of Object.entries(KINDS)) {
  const before = kind.startsWith('an accepted') ? [] : ['open']

  test(`a connection that is silent for longer than its timeout ends: ${kind}`, async (t) => {
    const own = scope(t)
    const { socket, events } = await make(own, SHORT)
    const detail = await timedOut(t, events, [...before, 'error', 'close'])
    t.is(detail, `the connection to ${socket.host} port ${socket.port}: idle for ${SHORT} ms`)
  })
}

/** Sends and receives as `moves` says every now and then, for longer than `timeout`. Returns the longest pause. */
async function busyFor(timeout, connections, moves) {
  const until = performance.now() + 2 * timeout
  let [last, longest] = [performance.now(), 0]
  while (performance.now() < until) {
    for (const { socket, events, peer } of connections) {
      if (socket.readyState !== 'open') return longest
      if (moves.send) socket.send('x')
      if (!moves.receive) continue
      const { bytes } = events
      peer.write('y')
      await events.data(bytes + 1)
    }
    await new Promise((resolve) => setTimeout(resolve, timeout / 40))
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  return longest
}

for (const [what, moves] of [
  ['bytes that come and bytes that go', { send: true, receive: true }],
  ['bytes that come', { receive: true }],
  ['bytes that go', { send: true }],
]) {
  test.serial(`${what} keep a connection from its timeout`, async (t) => {
    const own = scope(t)
    const timeout = 800
    for (let attempt = 1; ; attempt++) {
      const connections = await Promise.all(Object.values(KINDS).map((make) => make(own, timeout)))
      for (const { peer } of connections) peer.resume?.()
      const pause = await busyFor(timeout, connections, moves)
      // On a machine so busy that somebody was silent for too long, once more.
      if (pause > timeout / 2 && attempt < 10) continue
      for (const { socket } of connections) t.is(socket.readyState, 'open')
      const errors = await Promise.all(connections.map(({ events }) => events.event('error')))
      for (const { name } of errors) t.is(name, 'NetworkTimeoutError')
      return
    }
  })
}

test('while suspended, what waits to be read is silence, as in Node', async (t) => {
  const own = scope(t)
  for (const kind of ['plain', 'TLS']) {
    const { socket, events, peer } = await KINDS[kind](own, SHORT)
    socket.suspend()
    peer.write('x'.repeat(10))
    await timedOut(t, events, ['open', 'error', 'close'])
    t.is(events.bytes, 0)
  }
})

test.serial('what came while JavaScript was busy is no silence', async (t) => {
  const own = scope(t)
  for (const kind of ['plain', 'TLS', 'an accepted socket']) {
    const { socket, events, peer } = await KINDS[kind](own, 200)
    peer.write('in time')
    // What a socket of ours sends leaves when the turn ends.
    await Promise.resolve()
    // Not read before that, and the deadline is long over then.
    const until = performance.now() + 500
    while (performance.now() < until);
    t.is(String(await events.data(7)), 'in time', kind)
    t.is(socket.readyState, 'open', kind)
  }
})

/** The ends of connections that a peer can reset: `reset()` takes no time. */
const RESETTABLE = {
  async plain(own, timeout) {
    const { socket, events, peer } = await KINDS.plain(own, timeout)
    return { socket, events, peer, reset: () => peer.resetAndDestroy() }
  },
  async 'an accepted socket with TLS'(own, timeout) {
    const listening = listenSecurely(own, { timeout })
    const { raw } = await rawClient(own, listening.port)
    const peer = nodeClient(own, undefined, { socket: raw }).on('error', () => {})
    const [socket, events] = await listening.accepted()
    return { socket, events, peer, reset: () => raw.resetAndDestroy() }
  },
}

for (const [kind, make] of Object.entries(RESETTABLE)) {
  for (const then of ['open', 'closing']) {
    test.serial(
      `a reset while JavaScript was busy for longer than the timeout is an error: ${kind}, ${then}`,
      async (t) => {
        const own = scope(t)
        const { socket, events, peer, reset } = await make(own, 200)
        if (then === 'closing') {
          peer.pause()
          socket.send(new Uint8Array(20_000_000))
          socket.close()
          // It is with the kernel as far as that takes it.
          await new Promise(setImmediate)
        }
        reset()
        const until = performance.now() + 500
        while (performance.now() < until);
        t.deepEqual((await events.closed()).slice(-2), ['error', 'close'])
        const { name, data } = await events.event('error')
        t.deepEqual([name, data.code], ['NetworkError', 'ECONNRESET'])
      },
    )
  }
}

test('a peer that does not take what close() sends is given up after the timeout', async (t) => {
  const own = scope(t)
  for (const kind of ['plain', 'an accepted socket with TLS']) {
    const { socket, events, peer } = await KINDS[kind](own, SHORT)
    peer.pause()
    socket.send(new Uint8Array(20_000_000))
    socket.close()
    const { data } = await events.event('error')
    t.regex(data.message, /idle for 60 ms$/)
    await events.event('close')
  }
})

test('timeout: 0, and none at all, are no time', async (t) => {
  const own = scope(t)
  const silent = [{}, { timeout: 0, connectTimeout: 0 }, { timeout: LONG, connectTimeout: LONG }]
  const connections = await Promise.all(silent.map((options) => own.toNode(options)))
  await timedOut(t, (await KINDS.plain(own, 2 * SHORT)).events, ['open', 'error', 'close'])
  for (const { socket } of connections) t.is(socket.readyState, 'open')
})

test('closing in order before the timeout is no error', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await KINDS.plain(own, 10_000)
  peer.end('bye')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(socket.bytesRead, 3)
  const other = await KINDS.plain(own, 10_000)
  other.peer.resume()
  other.socket.send('bye')
  other.socket.close()
  t.deepEqual(await other.events.closed(), ['open', 'close'])
})

test('unref(): a timeout alone does not keep the process alive', async (t) => {
  const script = join(__dirname, '../fixtures/options/unref-with-timeouts.js')
  const { code, stdout } = await run(process.execPath, [script])
  t.is(code, 0)
  t.is(String(stdout), 'the end\n')
})

test('each of many sockets has its own time', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const all = Array.from({ length: 200 }, (_, i) => {
    return own.open('127.0.0.1', server.port, patient(100 + (i % 7)))[1]
  })
  const errors = await Promise.all(all.map((events) => events.event('error')))
  for (const { name } of errors) t.is(name, 'NetworkTimeoutError')
  for (const events of all) t.deepEqual(await events.closed(), ['open', 'error', 'close'])
})
