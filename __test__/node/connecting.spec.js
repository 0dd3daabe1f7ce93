'use strict'

// What Node's own tests say of connecting: given up at once, refused, done again and again, and what both ends know of each
// other (REL-121, REL-122, REL-125 … REL-128, REL-142, REL-143, REL-146).

const { once } = require('node:events')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')

const test = require('ava')

const { openSockets } = require('../fixtures/reliability/kernel.js')
const { LOOPBACKS, SIDES, after, meetNode, netClient } = require('../helpers/both-sides.js')
const { serialWhere } = require('../helpers/needs.js')
const { closedPort, mozTCPSocket, receive, scope } = require('../helpers/sockets.js')

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')

/** Resolves when this process has no more sockets than `count`: peers end in their own time. */
async function noMoreSocketsThan(t, count) {
  for (let turn = 0; turn < 5000 && openSockets() > count; turn++) await pause(1)
  t.true(openSockets() <= count, `${openSockets()} sockets, and not ${count}`)
}

/** Ways to give up a connection in the turn that asked for it. */
const AT_ONCE = {
  'close()': (socket) => socket.close(),
  'closeImmediately()': (socket) => socket.closeImmediately(),
  'close(), twice': (socket) => {
    socket.close()
    socket.close()
  },
  'suspend() and close()': (socket) => {
    socket.suspend()
    socket.close()
  },
}

for (const [how, act] of Object.entries(AT_ONCE)) {
  onLinux(`REL-121: ${how} in the turn of open is one close, and leaves no descriptor`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, (peer) => peer.resume())
    // The engine has its own, once it has begun.
    await own.letTimeGo()
    await noMoreSocketsThan(t, openSockets())
    const before = openSockets()
    const all = Array.from({ length: 100 }, (_, i) => {
      const secure = i % 2 === 1
      const [socket, events] = own.open('127.0.0.1', server.port, { useSecureTransport: secure })
      act(socket)
      t.not(socket.readyState, 'open')
      return events
    })
    for (const events of all) t.deepEqual(await events.closed(), ['close'])
    await noMoreSocketsThan(t, before)
    for (const events of all) t.deepEqual(events.types, ['close'], 'nothing comes later')
  })
}

/** The second does not exist, and no resolver has to be asked to know: a label has 63 characters at most. */
for (const host of ['localhost', `${'x'.repeat(64)}.invalid`]) {
  test(`REL-122: to close while a name is looked up is one close, whenever (${host.slice(0, 12)})`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, (peer) => peer.resume())
    for (const method of ['close', 'closeImmediately']) {
      for (let turns = 0; turns < 20; turns++) {
        const [socket, events] = own.open(host, server.port)
        for (let i = 0; i < turns; i++) await nextTurn()
        const early = socket.readyState === 'connecting'
        socket[method]()
        const types = (await events.closed()).join()
        // What was known before is another story.
        const others = host === 'localhost' ? ['open,close'] : ['error,close']
        t.true(early ? types === 'close' : others.includes(types), `${turns} turns: ${types}`)
      }
    }
  })
}

test('REL-125: a socket that was never connected is closed already, and closes again without an event', async (t) => {
  const own = scope(t)
  const types = []
  const handlers = ['open', 'data', 'drain', 'error', 'close'].map((type) => {
    const handler = () => types.push(type)
    mozTCPSocket.addEventListener(type, handler)
    return [type, handler]
  })
  own.onEnd(() => {
    for (const [type, handler] of handlers) mozTCPSocket.removeEventListener(type, handler)
  })
  for (let round = 0; round < 2; round++) {
    const { host, port, readyState, bufferedAmount, localPort, remoteAddress } = mozTCPSocket
    t.deepEqual(
      { host, port, readyState, bufferedAmount, localPort, remoteAddress },
      { host: '', port: 0, readyState: 'closed', bufferedAmount: 0, localPort: null, remoteAddress: null },
    )
    for (const method of ['send', 'upgradeToSecure'])
      t.throws(() => mozTCPSocket[method](''), { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' })
    for (const method of ['close', 'closeImmediately']) t.is(mozTCPSocket[method](), undefined)
  }
  await own.letTimeGo()
  t.deepEqual(types, [])
})

const CYCLES = 51

test(`REL-126: ${CYCLES} times one after another our client connects, is told hello, and closes`, async (t) => {
  const own = scope(t)
  const counts = { greeted: 0, ended: 0, failures: 0 }
  const server = await own.netServer({}, (peer) => {
    counts.greeted++
    peer.on('error', () => counts.failures++).on('close', () => counts.ended++)
    peer.resume().write('hello')
  })
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const [socket, events] = own.open('127.0.0.1', server.port)
    t.is(String(await events.data(5)), 'hello')
    socket.close()
    t.deepEqual(await events.closed(), ['open', 'close'])
  }
  while (counts.ended < CYCLES) await nextTurn()
  t.deepEqual(counts, { greeted: CYCLES, ended: CYCLES, failures: 0 })
})

test(`REL-126: ${CYCLES} times one after another node's client connects to us, is told hello, and ends`, async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen()
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const peer = netClient(own, port)
    let failure
    peer.on('error', (error) => (failure = error))
    const [socket, events] = await accepted()
    socket.send('hello')
    t.is(String(await receive(peer, 5)), 'hello')
    peer.end()
    t.deepEqual(await events.closed(), ['close'])
    t.is(failure, undefined)
  }
})

for (const host of LOOPBACKS) {
  test(`REL-127: 21 times one after another ${host} refuses: ConnectionRefusedError, then close`, async (t) => {
    const own = scope(t)
    const port = await closedPort()
    for (let time = 0; time < 21; time++) {
      const [socket, events] = own.open(host, port)
      t.deepEqual(await events.closed(), ['error', 'close'])
      const { name, message, data } = await events.event('error')
      t.deepEqual([name, message, data.code], ['ConnectionRefusedError', 'Network', 'ECONNREFUSED'])
      t.true(data.message.includes(`${host} port ${port}`), data.message)
      t.is(socket.readyState, 'closed')
    }
  })
}

onLinux('REL-128: fifty connections that are refused at once leave no descriptor', async (t) => {
  const own = scope(t)
  const port = await closedPort()
  await own.letTimeGo()
  await noMoreSocketsThan(t, openSockets())
  const before = openSockets()
  for (let round = 0; round < 4; round++) {
    const all = Array.from({ length: 50 }, () => own.open('127.0.0.1', port)[1])
    for (const events of all) {
      t.deepEqual(await events.closed(), ['error', 'close'])
      t.is((await events.event('error')).name, 'ConnectionRefusedError')
    }
    await noMoreSocketsThan(t, before)
  }
})

/** How long two bytes that are sent in two turns have to wait for their answer, in milliseconds: the median of thirty times. */
async function latency(own, side, options) {
  const { socket, events, peer } = await meetNode(own, side, { options })
  let unanswered = 0
  peer.on('data', (bytes) => {
    unanswered += bytes.length
    for (; unanswered >= 2; unanswered -= 2) peer.write('.')
  })
  const times = []
  for (let round = 0; round < 30; round++) {
    const began = performance.now()
    socket.send('a')
    await nextTurn()
    socket.send('b')
    await events.data(1)
    times.push(performance.now() - began)
    events.forgetData()
  }
  return times.sort((a, b) => a - b)[15]
}

for (const side of SIDES) {
  test(`REL-142: keepAlive changes nothing for a peer that is there (we are the ${side})`, async (t) => {
    const own = scope(t)
    const options = { keepAlive: true, keepAliveDelay: 1000 }
    const { socket, events, peer } = await meetNode(own, side, { options, peerOptions: { keepAlive: true } })
    await pause(100)
    t.deepEqual(events.types, after(side))
    t.false(peer.destroyed)
    socket.send('still here')
    t.is(String(await receive(peer, 10)), 'still here')
    socket.close()
    t.deepEqual(await events.closed(), after(side, 'close'))
  })

  test.serial(
    `REL-143: of two small sends in two turns the second does not wait for the peer, but with Nagle's algorithm (we are the ${side})`,
    async (t) => {
      const own = scope(t)
      const [on, off] = [await latency(own, side, { noDelay: false }), await latency(own, side, {})]
      t.log(`answered within ${off.toFixed(2)} ms (p50), and with noDelay: false within ${on.toFixed(2)} ms`)
      // A machine that is busy answers late either way. A peer puts off its acknowledgement for 40 ms, or more.
      t.true(off < on / 2)
    },
  )

  for (const host of LOOPBACKS) {
    test(`REL-146: both ends agree on addresses and ports, after close too, at ${host} (we are the ${side})`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { host })
      const [near, far] = [
        [peer.remoteAddress, peer.remotePort],
        [peer.localAddress, peer.localPort],
      ]
      const agree = () => {
        t.deepEqual([socket.localAddress, socket.localPort], near)
        t.deepEqual([socket.remoteAddress, socket.remotePort], far)
        t.deepEqual([socket.host, socket.port], far)
      }
      t.deepEqual([near[0], far[0]], [host, host])
      agree()
      peer.end()
      peer.resume()
      socket.onclose = agree
      await Promise.all([events.closed(), once(peer, 'close')])
      agree()
    })
  }
}
