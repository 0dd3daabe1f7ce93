'use strict'

// What Node's own tests say of memory: what was queued for a peer that went away, sockets that are closed, and TLS connections
// that are ended at odd moments, leave nothing (REL-140, REL-151, REL-166).

const { once } = require('node:events')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')
const v8 = require('node:v8')
const vm = require('node:vm')

const test = require('ava')

const { residentBytes } = require('../fixtures/reliability/in-child.js')
const { SIDES, TRANSPORTS, after, meetNode } = require('../helpers/both-sides.js')
const { serialWhere } = require('../helpers/needs.js')
const { TCPServerSocket, TCPSocket, scope } = require('../helpers/sockets.js')
const { tlsServer, trusting } = require('../helpers/tls-peers.js')

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

const MIB = 1 << 20

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')

const QUEUED = 64 * MIB

for (const [transport, secure] of TRANSPORTS) {
  for (const side of SIDES) {
    onLinux(
      `REL-140: a peer that goes with 64 MiB queued for it is one error and one close, and the memory is free (${transport}, we are the ${side})`,
      async (t) => {
        const { socket, events, peer } = await meetNode(scope(t), side, {
          secure,
          peerOptions: { pauseOnConnect: true },
        })
        const bytes = Buffer.alloc(QUEUED, 1)
        // What others have left is not to go meanwhile.
        collect()
        const before = residentBytes()
        t.false(socket.send(bytes))
        // The kernel has some of it, the rest is ours to keep.
        const kept = residentBytes() - before
        t.true(kept > QUEUED / 2, `only ${kept} bytes are kept`)
        await nextTurn()
        peer.destroy()
        t.deepEqual(await events.closed(), after(side, 'error', 'close'))
        t.is(socket.bufferedAmount, 0)
        const left = () => residentBytes() - before
        for (let turn = 0; turn < 2000 && left() > QUEUED / 4; turn++) await pause(1)
        t.true(
          left() <= QUEUED / 4,
          `${left()} bytes are left, beside the ${bytes.length} of the application`,
        )
      },
    )
  }
}

const SOCKETS = 2000
const AT_ONCE = 50

test.serial(
  `REL-151: ${SOCKETS} connections that were made and closed under collections are all collected`,
  async (t) => {
    const collected = { client: 0, server: 0, handler: 0 }
    const registry = new FinalizationRegistry((what) => collected[what]++)
    const server = new TCPServerSocket(0, { localAddress: '127.0.0.1', timeout: 60_000 })
    const accepted = { closed: 0 }
    server.onconnect = ({ socket }) => {
      registry.register(socket, 'server')
      socket.onclose = () => accepted.closed++
    }
    /** One connection with deadlines, so that those must let go as well. */
    const visit = () =>
      new Promise((resolve) => {
        const socket = new TCPSocket('127.0.0.1', server.localPort, {
          timeout: 60_000,
          connectTimeout: 60_000,
        })
        const handler = () => resolve()
        registry.register(socket, 'client')
        registry.register(handler, 'handler')
        socket.onopen = () => socket.close()
        socket.onclose = handler
      })
    try {
      for (let done = 0; done < SOCKETS; done += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, visit))
        collect()
      }
      while (accepted.closed < SOCKETS) await nextTurn()
    } finally {
      server.close()
    }
    const enough = SOCKETS * 0.99
    const isDone = () => Object.values(collected).every((count) => count >= enough)
    for (let round = 0; round < 100 && !isDone(); round++) {
      collect()
      await nextTurn()
    }
    // A collector may keep the last few, which a register still points at.
    t.true(isDone(), JSON.stringify(collected))
  },
)

/** Moments of a TLS connection at which its end comes. */
const MOMENTS = {
  'in the turn of open': (socket) => socket.closeImmediately(),
  'in the next turn': async (socket) => {
    await nextTurn()
    socket.closeImmediately()
  },
  'in onopen': (socket) => (socket.onopen = () => socket.closeImmediately()),
  'in onopen, with a megabyte queued': (socket) =>
    (socket.onopen = () => {
      socket.send(new ArrayBuffer(MIB))
      socket.closeImmediately()
    }),
  'in ondata': (socket) => (socket.ondata = () => socket.closeImmediately()),
  'in ondata, after a collection': (socket) =>
    (socket.ondata = () => {
      collect()
      socket.closeImmediately()
    }),
  'by close() in onopen, with a megabyte queued': (socket) =>
    (socket.onopen = () => {
      socket.send(new ArrayBuffer(MIB))
      socket.close()
    }),
  'by the peer': (socket) => (socket.onopen = () => socket.send('go away')),
}

/** Of memory outside the JavaScript heap that V8 knows of, as it comes and goes with what is not collected yet. */
const MOST_GROWTH = 2 * MIB

test.serial(
  'REL-166: TLS connections that end at odd moments, collections between, leave no external memory',
  async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', {}, (session) => {
      session.write(Buffer.alloc(100_000))
      session.on('data', (bytes) => bytes.includes('go away') && session.destroy())
    })
    const end = async (act) => {
      const socket = new TCPSocket('127.0.0.1', server.port, trusting())
      const types = []
      for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => types.push(type))
      const closed = once(socket, 'close')
      await act(socket)
      await closed
      return types.join()
    }
    const sizes = []
    for (let round = 0; round < 8; round++) {
      for (const [moment, act] of Object.entries(MOMENTS)) {
        const all = await Promise.all(Array.from({ length: 8 }, () => end(act)))
        collect()
        const expected =
          moment === 'by the peer' ? ['open,error,close', 'open,close'] : ['close', 'open,close']
        for (const types of all) t.true(expected.includes(types), `${moment}: ${types}`)
      }
      // The sessions of the peer are its own matter.
      for (const session of server.sessions.splice(0)) session.destroy()
      await nextTurn()
      collect()
      const { external, arrayBuffers } = process.memoryUsage()
      t.true(external >= 0 && arrayBuffers >= 0)
      sizes.push(external)
    }
    t.log(`external after each round, in KiB: ${sizes.map((size) => size >> 10).join(', ')}`)
    t.true(sizes.at(-1) <= sizes[1] + MOST_GROWTH, sizes.join())
  },
)
