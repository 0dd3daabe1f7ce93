'use strict'

// What Node's own tests say of connections that break: reset before, while and after they are made, and a peer whose process
// dies (REL-137 … REL-139).

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { SIDES, TRANSPORTS, after, gone, meetNode, netClient } = require('../helpers/both-sides.js')
const { serialWhere } = require('../helpers/needs.js')
const { receive, scope } = require('../helpers/sockets.js')

/** Asserts that a connection broke: `error` with the number of a reset, then `close`. */
async function broke(t, events, ...before) {
  t.deepEqual(
    (await events.closed()).filter((type) => type !== 'drain'),
    [...before, 'error', 'close'],
  )
  const { name, message, data } = await events.event('error')
  t.deepEqual([name, message], ['NetworkError', 'Network'])
  t.true(['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(data.code), data.message)
}

for (const [transport, secure] of TRANSPORTS) {
  for (const side of SIDES) {
    test(`REL-137: two connections that are reset have an error and a close each (${transport}, we are the ${side})`, async (t) => {
      const own = scope(t)
      const both = [await meetNode(own, side, { secure }), await meetNode(own, side, { secure })]
      const bystander = await meetNode(own, side, { secure })
      for (const [index, { socket, raw }] of both.entries()) {
        if (index === 0) socket.send('unread')
        raw.resetAndDestroy()
      }
      for (const { events } of both) await broke(t, events, ...after(side))
      bystander.socket.send('still here')
      t.is(String(await receive(bystander.peer, 10)), 'still here')
      t.deepEqual(bystander.events.types, after(side))
    })
  }
}

/** When a client of node's resets, and what our accepted socket may have been told. */
const RESETS = {
  'before it is connected': [(peer) => peer.resetAndDestroy(), ['', 'error,close', 'close']],
  'when it is connected': [
    (peer) => peer.once('connect', () => peer.resetAndDestroy()),
    ['', 'error,close', 'close'],
  ],
  'when it was told something': [(peer) => peer.once('data', () => peer.resetAndDestroy()), ['error,close']],
}

for (const [when, [act, expected]] of Object.entries(RESETS)) {
  test(`REL-138: a client that resets ${when} is told of as broken, or never, and the next one is served`, async (t) => {
    const own = scope(t)
    const { server, port } = own.listen()
    const all = []
    server.onconnect = ({ socket }) => {
      all.push(own.watch(socket))
      socket.send('hello')
    }
    for (let round = 0; round < 10; round++) {
      const peer = netClient(own, port)
      act(peer)
      await gone(peer)
    }
    const last = netClient(own, port)
    t.is(String(await receive(last, 5)), 'hello')
    // Connections are accepted in order, so all that there will ever be are here.
    const count = all.length
    for (const events of all.slice(0, -1)) {
      const types = (await events.closed()).join()
      t.true(expected.includes(types), types)
      if (types.includes('error')) await broke(t, events)
    }
    t.deepEqual(all.at(-1).types, [])
    t.is(all.length, count)
    if (!expected.includes('')) t.is(count, 11)
  })
}

test('REL-138: a server that resets at once is an error and a close, and open comes before them or never', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (peer) => peer.resetAndDestroy())
  for (let round = 0; round < 20; round++) {
    const [, events] = own.open('127.0.0.1', server.port, { useSecureTransport: round % 2 === 1 })
    await events.event('close')
    await broke(t, events, ...(events.types[0] === 'open' ? ['open'] : []))
    if (round % 2 === 1) t.is(events.types[0], 'error', 'TLS was never established')
  }
})

test('REL-138: a client of ours that gives up while it connects is seen to end, if it was seen at all', async (t) => {
  const own = scope(t)
  const peers = { came: 0, gone: 0 }
  const server = await own.netServer({}, (peer) => {
    peers.came++
    peer.resume().on('close', () => peers.gone++)
  })
  for (const method of ['close', 'closeImmediately']) {
    for (let round = 0; round < 10; round++) {
      const [socket, events] = own.open('127.0.0.1', server.port)
      socket[method]()
      t.deepEqual(await events.closed(), ['close'])
    }
  }
  await own.letTimeGo()
  // The last one to come is the one that stays.
  const [, events] = own.open('127.0.0.1', server.port)
  await events.event('open')
  while (peers.came === 0 || peers.gone < peers.came - 1) await own.letTimeGo()
  t.is(events.types.join(), 'open')
})

/** From when the process of the peer is gone. */
const MOST_MS = 1000

const onUnix = serialWhere(test, process.platform !== 'win32', 'SIGKILL')

for (const side of SIDES) {
  for (const isUnread of [false, true]) {
    const how = isUnread ? 'that had not read everything' : 'that had read everything'
    onUnix(
      `REL-139: a peer ${how} and is killed right after it connected is noticed in a second (we are the ${side})`,
      async (t) => {
        const own = scope(t)
        let child, result, socket, events
        if (side === 'client') {
          const peer = start(own, '../node/peer-to-kill.js', ['listen'])
          ;[socket, events] = own.open('127.0.0.1', await peer.next())
          ;({ child, result } = peer)
        } else {
          const { port, accepted } = own.listen()
          ;({ child, result } = start(own, '../node/peer-to-kill.js', ['connect', port]))
          ;[socket, events] = await accepted()
        }
        t.is(String(await events.data(5)), 'ready')
        // It reads nothing, and more than the kernel takes is on its way.
        if (isUnread) socket.send(new ArrayBuffer(16 << 20))
        child.kill('SIGKILL')
        t.is((await result).signal, 'SIGKILL')
        const began = performance.now()
        if (isUnread) await broke(t, events, ...after(side))
        else t.deepEqual(await events.closed(), after(side, 'close'))
        t.true(performance.now() - began < MOST_MS)
        t.is(socket.bufferedAmount, 0)
      },
    )
  }
}
