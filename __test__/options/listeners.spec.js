'use strict'

// Options of listeners: IPv6 alone, a port that several share, and where they tell that they listen.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const net = require('node:net')

const test = require('ava')

const { hasIPv6, testOn } = require('../helpers/needs.js')
const { TCPServerSocket, closedPort, freePort, scope } = require('../helpers/sockets.js')

const test6 = testOn(test, hasIPv6, 'an IPv6 loopback address')
const onLinux = testOn(test, process.platform === 'linux', 'Linux')

/** A `listen` that tries another port where somebody has taken this one in between. */
async function onFreePort(listen) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen(await freePort())
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || attempt === 5) throw error
    }
  }
}

test6('ipv6Only: a listener on :: leaves the port free for IPv4', async (t) => {
  const own = scope(t)
  await onFreePort(async (port) => {
    const six = own.listen({ localAddress: '::', ipv6Only: true }, { port })
    const four = own.listen({ localAddress: '0.0.0.0' }, { port })
    for (const [host, listening] of [
      ['127.0.0.1', four],
      ['::1', six],
    ]) {
      const [, events] = own.open(host, port)
      const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
      t.is(accepted.remoteAddress, host)
    }
  })
})

test6('without it, or with ipv6Only: false, a listener on :: has both', async (t) => {
  const own = scope(t)
  for (const options of [{}, { ipv6Only: false }]) {
    const { port, accepted } = own.listen({ localAddress: '::', ...options })
    t.throws(() => new TCPServerSocket(port, { localAddress: '0.0.0.0' }), { code: 'EADDRINUSE' })
    const [, events] = own.open('127.0.0.1', port)
    await Promise.all([accepted(), events.event('open')])
  }
})

test6('ipv6Only: nobody reaches it with IPv4', async (t) => {
  const own = scope(t)
  let error
  // A stranger may listen at the same port, with IPv4, but hardly three of them.
  for (let attempt = 0; attempt < 3 && error === undefined; attempt++) {
    const { port } = own.listen({ localAddress: '::', ipv6Only: true })
    const [, events] = own.open('127.0.0.1', port)
    error = await Promise.race([events.event('error'), events.event('open').then(() => undefined)])
  }
  t.is(error?.name, 'ConnectionRefusedError')
})

test('localAddress tells where a listener listens, after close() too', (t) => {
  const own = scope(t)
  const addresses = [
    [{}, '0.0.0.0'],
    [{ localAddress: '127.0.0.1' }, '127.0.0.1'],
  ]
  if (hasIPv6) addresses.push([{ localAddress: '0:0::1' }, '::1'], [{ localAddress: '::' }, '::'])
  for (const [options, expected] of addresses) {
    const { server } = own.listen(options)
    t.is(server.localAddress, expected)
    server.close()
    t.is(server.localAddress, expected)
  }
})

onLinux('reusePort: several listeners share the connections of one port, until each is closed', async (t) => {
  const own = scope(t)
  const options = { localAddress: '127.0.0.1', reusePort: true, binaryType: 'arraybuffer' }
  const first = own.listen(options)
  const { port } = first
  const second = own.listen(options, { port })
  const counts = [first, second].map(({ server }, i) => {
    const count = { connections: 0, i }
    server.addEventListener('connect', ({ socket }) => {
      count.connections++
      socket.close()
    })
    return count
  })
  const visit = () => own.open('127.0.0.1', port)[1].event('close')
  // The kernel chooses by a hash of both ends: that all of a hundred go to one does not happen.
  await Promise.all(Array.from({ length: 100 }, visit))
  t.is(counts[0].connections + counts[1].connections, 100)
  t.true(counts[0].connections > 0 && counts[1].connections > 0, JSON.stringify(counts))
  first.server.close()
  const before = counts[1].connections
  await Promise.all(Array.from({ length: 10 }, visit))
  t.is(counts[1].connections, before + 10)
})

onLinux('reusePort: with another process, and with node:net', async (t) => {
  const own = scope(t)
  const options = { localAddress: '127.0.0.1', reusePort: true }
  const { port, server } = own.listen(options)
  let here = 0
  server.addEventListener('connect', ({ socket }) => {
    here++
    socket.close()
  })
  const child = fork(join(__dirname, '../fixtures/options/share-port.js'), [String(port)])
  own.onEnd(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  t.deepEqual(await once(child, 'message').then(([message]) => message), { port })
  await Promise.all(Array.from({ length: 100 }, () => own.open('127.0.0.1', port)[1].event('close')))
  child.send('how many?')
  const [{ there }] = await once(child, 'message')
  t.is(here + there, 100)
  t.true(here > 0 && there > 0, `${here} here, ${there} there`)
})

onLinux('reusePort: who does not say so can neither share nor be shared with', (t) => {
  const own = scope(t)
  const localAddress = '127.0.0.1'
  const taken = { code: 'EADDRINUSE', message: /^listen EADDRINUSE/ }
  for (const [ours, theirs] of [
    [{ reusePort: true }, {}],
    [{}, { reusePort: true }],
    [{ reusePort: true }, { reusePort: false }],
  ]) {
    const { port } = own.listen({ localAddress, ...ours })
    t.throws(() => new TCPServerSocket(port, { localAddress, ...theirs }), taken)
  }
})

test('reusePort throws where the system does not spread connections', (t) => {
  const real = Object.getOwnPropertyDescriptor(process, 'platform')
  Object.defineProperty(process, 'platform', { ...real, value: 'darwin' })
  try {
    const expected = { instanceOf: TypeError, message: 'reusePort: is not supported on darwin' }
    t.throws(() => new TCPServerSocket(0, { reusePort: true }), expected)
    t.notThrows(() => new TCPServerSocket(0, { reusePort: false }).close())
  } finally {
    Object.defineProperty(process, 'platform', real)
  }
})

test('without options a listener is what it was: one family, one listener for a port', async (t) => {
  const own = scope(t)
  const { port } = own.listen()
  t.throws(() => new TCPServerSocket(port), { code: 'EADDRINUSE' })
  t.true(port !== (await closedPort()))
  const peer = net.connect(port, '127.0.0.1')
  await once(peer, 'connect')
  peer.destroy()
})
