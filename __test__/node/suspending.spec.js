'use strict'

// What Node's own tests say of pause() and resume(), said of suspend() and resume(): before open, in onconnect, under a
// trickle of bytes, and when the peer has ended meanwhile (REL-109 … REL-111, REL-114). That a suspended socket keeps the process
// alive (REL-112) is in lifecycle/keep-alive.

const { setTimeout: pause } = require('node:timers/promises')

const test = require('ava')

const { SIDES, TRANSPORTS, after, meetNode, netClient } = require('../helpers/both-sides.js')
const { scope } = require('../helpers/sockets.js')
const { listenSecurely, nodeClient } = require('../helpers/tls-servers.js')

const NOT_SUSPENDED = {
  name: 'NS_ERROR_FAILURE',
  message: 'Calling resume() on a connection that was not suspended.',
}

/** What is called before open, and how many resume() are missing then. Gecko counts, where Node knows one pause only. */
const CLIENTS = [
  [[], 0],
  [['suspend'], 1],
  [['suspend', 'suspend'], 2],
  [['suspend', 'resume'], 0],
  [['suspend', 'suspend', 'resume'], 1],
]

test('REL-109: what is suspended before open gets nothing until each suspend() has its resume()', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (peer) => peer.write('hello'))
  const clients = CLIENTS.map(([calls, missing]) => {
    const [socket, events] = own.open('127.0.0.1', server.port)
    for (const call of calls) socket[call]()
    if (missing === 0) t.throws(() => socket.resume(), NOT_SUSPENDED)
    t.is(socket.readyState, 'connecting')
    return { socket, events, missing }
  })
  for (const { events, missing } of clients) {
    await events.event('open')
    if (missing === 0) t.is(String(await events.data(5)), 'hello')
  }
  for (let round = 1; round <= 2; round++) {
    await own.letTimeGo()
    for (const client of clients) {
      if (client.missing === 0) continue
      t.is(client.events.bytes, 0)
      client.socket.resume()
      if (--client.missing > 0) continue
      t.is(String(await client.events.data(5)), 'hello')
      t.throws(() => client.socket.resume(), NOT_SUSPENDED)
    }
  }
  t.true(clients.every(({ missing }) => missing === 0))
})

for (const side of SIDES) {
  test(`REL-110: of 200 bytes, one every 5 ms, none comes while suspended, and none is missing (we are the ${side})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer } = await meetNode(own, side)
    const peerHas = { written: 0 }
    const timer = setInterval(() => {
      peer.write('x')
      if (++peerHas.written < 200) return
      clearInterval(timer)
      peer.end()
    }, 5)
    own.onEnd(() => clearInterval(timer))
    for (const count of [20, 90]) {
      await events.data(count)
      socket.suspend()
      const [frozen, enough] = [events.bytes, peerHas.written + 50]
      while (peerHas.written < enough) await pause(5)
      t.is(events.bytes, frozen)
      t.is(socket.bytesRead, frozen)
      socket.resume()
      await events.data(enough)
    }
    t.deepEqual(await events.closed(), after(side, 'close'))
    t.is(events.bytes, 200)
  })
}

for (const [transport, secure] of TRANSPORTS) {
  test(`REL-111: data waits for a socket that is suspended in onconnect, the end behind it too (${transport})`, async (t) => {
    const own = scope(t)
    const { server, port } = secure ? listenSecurely(own) : own.listen()
    const connected = new Promise((resolve) => {
      server.onconnect = ({ socket }) => {
        const events = own.watch(socket)
        socket.suspend()
        resolve({ socket, events })
      }
    })
    const peer = (secure ? nodeClient : netClient)(own, port)
    peer.on('error', () => {}).end('said at once')
    const { socket, events } = await connected
    await own.letTimeGo()
    t.deepEqual(events.types, [])
    socket.resume()
    t.deepEqual(await events.closed(), ['close'])
    t.is(String(Buffer.concat(events.chunks)), 'said at once')
  })

  for (const side of SIDES) {
    test(`REL-114: an end with data unread before it is told after the data, and after resume() (${transport}, we are the ${side})`, async (t) => {
      const own = scope(t)
      const { socket, events, peer } = await meetNode(own, side, { secure })
      socket.suspend()
      const bytes = Buffer.alloc(1_000_000, 'unread ')
      peer.end(bytes)
      await own.letTimeGo()
      t.deepEqual(events.types, after(side))
      t.is(socket.readyState, 'open')
      socket.resume()
      t.deepEqual(await events.closed(), after(side, 'close'))
      t.true(Buffer.concat(events.chunks).equals(bytes), `${events.bytes} bytes`)
    })
  }
}
