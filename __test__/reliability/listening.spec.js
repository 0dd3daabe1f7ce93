'use strict'

// REL-36, REL-37 and REL-39: what a listener that cannot be had says, that a port is free as soon as it is closed, but
// never twice in use, and how many connections wait.

const { spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const net = require('node:net')

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { openSockets, tcpSockets } = require('../fixtures/reliability/kernel.js')
const { failsys } = require('../helpers/failsys.js')
const { hasTools, serialWhere } = require('../helpers/needs.js')
const { TCPServerSocket, scope } = require('../helpers/sockets.js')

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')
const onUnix = serialWhere(test, process.platform !== 'win32', 'Unix, for SO_REUSEADDR')
const withSs = serialWhere(test, process.platform === 'linux' && hasTools('ss'), 'Linux with ss')
const withFaults = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')

test.serial(
  'REL-36: a port in use throws EADDRINUSE with address and port, and another one works',
  async (t) => {
    const own = scope(t)
    const { port } = own.listen()
    const error = t.throws(() => new TCPServerSocket(port))
    t.is(error.code, 'EADDRINUSE')
    t.is(error.syscall, 'listen')
    t.is(error.port, port)
    t.true(error.message.includes(`0.0.0.0:${port}`), error.message)
    const { port: other, accepted } = own.listen()
    t.not(other, port)
    const [, events] = own.open('127.0.0.1', other)
    await Promise.all([events.event('open'), accepted()])
  },
)

test.serial('REL-36: a port that somebody else listens on throws EADDRINUSE too', async (t) => {
  const { port } = await scope(t).netServer()
  t.is(t.throws(() => new TCPServerSocket(port)).code, 'EADDRINUSE')
  t.is(t.throws(() => new TCPServerSocket(port, { localAddress: '127.0.0.1' })).code, 'EADDRINUSE')
})

test.serial('REL-36, REL-131: an address of another machine throws EADDRNOTAVAIL', (t) => {
  // TEST-NET-1 and the IPv6 documentation prefix belong to nobody.
  for (const [localAddress, place] of [
    ['192.0.2.1', '192.0.2.1:0'],
    ['2001:db8::1', '[2001:db8::1]:0'],
  ]) {
    const error = t.throws(() => new TCPServerSocket(0, { localAddress }))
    t.is(error.code, 'EADDRNOTAVAIL')
    t.true(error.message.includes(place), error.message)
  }
})

withFaults('REL-36: a port that is not permitted throws EACCES', async (t) => {
  const env = failsys('bind:EACCES:1:1')
  const tries = await ask(scope(t), 'try-until-it-works.js', [100], { env })
  t.deepEqual(tries, ['listen: EACCES', 'works'])
})

onLinux('REL-36: listeners that fail leave no descriptor behind', async (t) => {
  const own = scope(t)
  const { port } = own.listen()
  const before = openSockets()
  for (let i = 0; i < 100; i++) {
    t.throws(() => new TCPServerSocket(port))
    t.throws(() => new TCPServerSocket(0, { localAddress: '192.0.2.1' }))
  }
  t.is(openSockets(), before)
})

onUnix(
  'REL-37: a port can be listened on again at once, 50 times, with and without old connections',
  async (t) => {
    const own = scope(t)
    let port = 0
    const alive = []
    for (let round = 0; round < 50; round++) {
      const listening = own.listen({}, { port })
      port = listening.port
      const [client, clientEvents] = own.open('127.0.0.1', port)
      const [[accepted, acceptedEvents]] = await Promise.all([
        listening.accepted(),
        clientEvents.event('open'),
      ])
      listening.server.close()
      if (round % 2 === 0) {
        // Our side ends first, so it is the one in TIME_WAIT.
        accepted.close()
        t.deepEqual(await clientEvents.closed(), ['open', 'close'])
        t.deepEqual(await acceptedEvents.closed(), ['close'])
      } else {
        alive.push({ client, acceptedEvents })
      }
    }
    for (const { client, acceptedEvents } of alive) {
      client.send('still here')
      t.is(String(await acceptedEvents.data(10)), 'still here')
    }
  },
)

onUnix('REL-37: nobody can listen on our port beside us, in this process or another', async (t) => {
  const own = scope(t)
  for (const localAddress of ['127.0.0.1', '0.0.0.0']) {
    const { port } = own.listen({ localAddress })
    t.is(t.throws(() => new TCPServerSocket(port, { localAddress })).code, 'EADDRINUSE')
    const other = net.createServer().listen(port, localAddress)
    const [error] = await once(other, 'error')
    t.is(error.code, 'EADDRINUSE')
    t.is(await ask(own, 'listen-once.js', [port, localAddress]), 'EADDRINUSE')
  }
})

test.serial('REL-37: after close() returned, another process can have the port', async (t) => {
  const own = scope(t)
  let answer
  // A stranger may get a free port first, but hardly three of them.
  for (let attempt = 0; attempt < 3 && answer !== 'listens'; attempt++) {
    const { server, port } = own.listen({ localAddress: '127.0.0.1' })
    server.close()
    answer = await ask(own, 'listen-once.js', [port, '127.0.0.1'])
  }
  t.is(answer, 'listens')
})

/** How many connections the kernel keeps for the listener on `port`. */
function backlogOf(port) {
  const { stdout } = spawnSync('ss', ['-ltnH', 'sport', '=', String(port)], { encoding: 'utf8' })
  return Number(stdout.trim().split(/\s+/)[2])
}

withSs('REL-39: the backlog is the one that was asked for, or 511, or as much as the system allows', (t) => {
  const own = scope(t)
  const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))
  for (const [backlog, expected] of [
    [undefined, 511],
    [0, 511],
    [-1, 511],
    [1, 1],
    [7, 7],
    [128, 128],
    [most + 1, most],
  ]) {
    const { port } = own.listen({}, { backlog })
    t.is(backlogOf(port), Math.min(expected, most), `${backlog}`)
  }
})

onLinux(
  'connections that wait for their turn when the listener is closed are dropped, without connect',
  async (t) => {
    const own = scope(t)
    const { server, port } = own.listen()
    // Those that wait in the kernel's backlog have no inode yet.
    const accepted = () =>
      tcpSockets().filter(({ local, remote, inode }) => local === port && remote !== 0 && inode !== '0')
    let connects = 0
    server.addEventListener('connect', () => {
      connects++
      // They are accepted before the first is delivered.
      const until = Date.now() + 20_000
      while (accepted().length < 10 && Date.now() < until);
      t.is(accepted().length, 10)
      server.close()
    })
    const clients = Array.from({ length: 10 }, () => own.open('127.0.0.1', port)[1])
    const ends = clients.map((events) => events.event('close').then(() => events))
    // All but the one that was served.
    const dropped = new Set()
    while (dropped.size < 9) {
      dropped.add(await Promise.race(ends.filter((_, index) => !dropped.has(clients[index]))))
    }
    for (const { types } of dropped) t.is(types[0], 'open')
    t.is(connects, 1)
    const other = own.listen()
    const [, events] = own.open('127.0.0.1', other.port)
    await Promise.all([other.accepted(), events.event('open')])
    t.is(connects, 1)
  },
)
