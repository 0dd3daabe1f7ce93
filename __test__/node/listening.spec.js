'use strict'

// What Node's own tests say of listeners: ports that cannot be had, listeners that close early, with connections, or with the
// thread that they belong to (REL-124, REL-129, REL-130, REL-132 … REL-134, REL-136, REL-152). That an address of another
// machine throws (REL-131) is in reliability/listening, and what a listener does to the life of its process (REL-135) in
// lifecycle/keep-alive.

const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { openSockets } = require('../fixtures/reliability/kernel.js')
const { gone, netClient } = require('../helpers/both-sides.js')
const { serialWhere } = require('../helpers/needs.js')
const { TCPServerSocket, receive, scope } = require('../helpers/sockets.js')

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')

const LOCAL = { localAddress: '127.0.0.1' }

/** A node listener at `port` of 127.0.0.1, closed when the test ends; rejects where it cannot be had. */
async function nodeListener(own, port) {
  const server = net.createServer((peer) => peer.on('error', () => {}).pipe(peer))
  own.onEnd(() => server.close())
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Asserts that whoever listens at `port` answers what it is told with the same. */
async function echoes(t, own, port) {
  const peer = netClient(own, port)
  peer.end('hello')
  t.is(String(await receive(peer)), 'hello')
}

/** A listener of ours, with sockets that send back what they get. */
function echoing(own, options = LOCAL, more = {}) {
  const listening = own.listen(options, more)
  listening.server.addEventListener('connect', ({ socket }) => {
    socket.addEventListener('data', ({ data }) => socket.send(data))
  })
  return listening
}

test('REL-129: of two listeners at one port the second fails, and the first goes on', async (t) => {
  const own = scope(t)
  const { port } = echoing(own)
  for (let time = 0; time < 3; time++) {
    const error = t.throws(() => new TCPServerSocket(port, LOCAL))
    t.deepEqual([error.code, error.address, error.port], ['EADDRINUSE', '127.0.0.1', port])
    await t.throwsAsync(nodeListener(own, port), { code: 'EADDRINUSE' })
    await echoes(t, own, port)
  }
  const { port: theirs } = (await nodeListener(own, 0)).address()
  t.throws(() => new TCPServerSocket(theirs, LOCAL), { code: 'EADDRINUSE' })
  await echoes(t, own, theirs)
})

test('REL-130: who could not have a port can have another, and 0 is any free one', async (t) => {
  const own = scope(t)
  const { port } = echoing(own)
  t.throws(() => new TCPServerSocket(port, LOCAL), { code: 'EADDRINUSE' })
  const other = echoing(own)
  t.true(other.port > 0 && other.port !== port)
  await Promise.all([echoes(t, own, port), echoes(t, own, other.port)])
})

onLinux('REL-132: a port out of range throws, names itself, and leaves no listener', async (t) => {
  const own = scope(t)
  own.listen(LOCAL)
  const before = openSockets()
  for (const port of [65_536, 100_000, 2 ** 32, 2 ** 32 + 8080, -2, -65_535])
    t.throws(() => new TCPServerSocket(port, LOCAL), { instanceOf: RangeError, message: /^port / }, `${port}`)
  for (const port of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1.5,
    'http',
    '',
    '80x',
    {},
    [],
    true,
    null,
    Symbol('port'),
  ])
    t.throws(() => new TCPServerSocket(port, LOCAL), { instanceOf: TypeError, message: /^port / })
  t.is(openSockets(), before)
  // Node throws for -1, too. Here it is what Firefox OS took for any.
  for (const any of [0, -1]) t.true(own.listen(LOCAL, { port: any }).port > 0)
})

test('REL-133: a listener that is closed in its own turn has no event, and its port is free', async (t) => {
  const own = scope(t)
  for (let round = 0; round < 20; round++) {
    const server = new TCPServerSocket(0, LOCAL)
    const port = server.localPort
    const seen = []
    server.onconnect = ({ socket }) => seen.push('connect') && socket.close()
    server.onerror = () => seen.push('error')
    // The operating system has a connection for it before it is closed.
    const early = round % 2 ? netClient(own, port) : undefined
    server.close()
    const successor = await nodeListener(own, port)
    await echoes(t, own, port)
    if (early) await gone(early.destroy())
    successor.close()
    await nextTurn()
    t.deepEqual(seen, [])
    t.is(server.localPort, port)
  }
})

test('REL-134: connections live on when their listener is closed, and nobody else gets in', async (t) => {
  const own = scope(t)
  const { server, port, accepted } = echoing(own)
  const peers = [netClient(own, port), netClient(own, port)]
  const ours = await Promise.all(peers.map(() => accepted()))
  server.close()
  const [, refused] = own.open('127.0.0.1', port)
  t.deepEqual(await refused.closed(), ['error', 'close'])
  t.is((await refused.event('error')).name, 'ConnectionRefusedError')
  const [{ code }] = await once(netClient(own, port), 'error')
  t.is(code, 'ECONNREFUSED')
  for (const peer of peers) {
    for (const word of ['one', 'two']) {
      peer.write(word)
      t.is(String(await receive(peer, 3)), word)
    }
  }
  for (const peer of peers) peer.end()
  for (const [, events] of ours) t.deepEqual(await events.closed(), ['close'])
})

test('REL-124: who connects while a listener closes is served or told, and nothing throws', async (t) => {
  const own = scope(t)
  const outcomes = new Set()
  for (let turns = 0; turns < 15; turns++) {
    const server = new TCPServerSocket(0, LOCAL)
    const port = server.localPort
    server.onconnect = ({ socket }) => socket.close()
    const ours = [1, 2].map(() => own.open('127.0.0.1', port))
    const theirs = [1, 2].map(() => {
      const peer = netClient(own, port)
      peer.resume()
      return gone(peer)
    })
    for (let i = 0; i < turns; i++) await nextTurn()
    server.close()
    t.deepEqual([server.localPort, server.localAddress, server.failedHandshakes], [port, '127.0.0.1', 0])
    t.is(server.close(), undefined)
    for (const [socket, events] of ours) {
      const types = (await events.closed()).join()
      outcomes.add(types)
      t.true(['open,close', 'open,error,close', 'error,close'].includes(types), types)
      t.deepEqual([socket.host, socket.port, socket.readyState], ['127.0.0.1', port, 'closed'])
      for (const name of ['localAddress', 'localPort', 'remoteAddress', 'remotePort'])
        t.is(socket[name] === null, !types.startsWith('open'), name)
    }
    await Promise.all(theirs)
  }
  t.log([...outcomes].join(' | '))
})

/** A client that neither is served nor told by then gives up by itself: what a full backlog cannot hold, the kernel drops, and resets later. */
const PATIENCE_MS = 3000

test('REL-136: of twenty clients of each kind at a backlog of 1 each is served or told, and the next one is served', async (t) => {
  const own = scope(t)
  const { server, port } = echoing(own, LOCAL, { backlog: 1 })
  let accepted = 0
  server.addEventListener('connect', () => accepted++)
  const theirs = Array.from({ length: 20 }, (_, i) => {
    const peer = netClient(own, port)
    let answer = ''
    peer.on('data', (bytes) => (answer += bytes)).setTimeout(PATIENCE_MS, () => peer.destroy())
    peer.end(`theirs ${i}`)
    return gone(peer).then(() => answer === `theirs ${i}`)
  })
  const ours = Array.from({ length: 20 }, async (_, i) => {
    const [socket, events] = own.open('127.0.0.1', port, { timeout: PATIENCE_MS })
    socket.onopen = () => socket.send(`ours ${i}`)
    socket.ondata = () => socket.close()
    const types = (await events.closed()).join()
    t.true(['open,close', 'open,error,close', 'error,close'].includes(types), types)
    return types === 'open,close' && String(Buffer.concat(events.chunks)) === `ours ${i}`
  })
  const served = (await Promise.all([...theirs, ...ours])).filter(Boolean).length
  t.log(`${served} of 40 served`)
  t.true(served >= 2)
  await echoes(t, own, port)
  t.is(accepted, served + 1, 'whoever was accepted was served')
})

for (const how of ['worker.terminate()', 'process.exit()', 'an exception', 'server.close()']) {
  onLinux(`REL-152: the port of a worker that listens is free when it was ended by ${how}`, async (t) => {
    const own = scope(t)
    own.listen(LOCAL)
    const before = openSockets()
    const worker = new Worker(join(__dirname, '../fixtures/node/listening-worker.js'), { workerData: how })
    own.onEnd(() => worker.terminate())
    const failed = once(worker, 'error')
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    const [port] = await once(worker, 'message')
    t.throws(() => new TCPServerSocket(port, LOCAL), { code: 'EADDRINUSE' }, 'it does listen')
    if (how === 'worker.terminate()') await worker.terminate()
    else worker.postMessage('end')
    if (how === 'an exception') t.is((await failed)[0].message, 'as was asked for')
    await exited
    const successor = await nodeListener(own, port)
    await echoes(t, own, port)
    successor.close()
    for (let turn = 0; turn < 5000 && openSockets() > before; turn++) await pause(1)
    t.true(openSockets() <= before, `${openSockets()} sockets, ${before} before`)
  })
}
