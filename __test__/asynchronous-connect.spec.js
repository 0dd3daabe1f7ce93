'use strict'

// An `onconnect` handler, or a listener, that returns a promise: what the accepted socket receives waits until it is
// settled, or until somebody listens for data.

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { ask } = require('./fixtures/lifecycle/run-child.js')
const { tcpSockets } = require('./fixtures/reliability/kernel.js')
const { testOn } = require('./helpers/needs.js')
const { makePki } = require('./helpers/pki.js')
const { TCPServerSocket, TCPSocket, deferred, mozTCPSocket, receive, scope } = require('./helpers/sockets.js')

const testOnLinux = testOn(test, process.platform === 'linux', 'Linux')

const local = { localAddress: '127.0.0.1' }

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/**
 * A server that answers `connect` with `answer(socket)`, and a `node:net` peer of it which `say`s something. Resolves
 * with the accepted socket when `connect` was delivered.
 */
async function accept(own, answer, say = (peer) => peer.end('request'), how = 'handler', options = {}) {
  const server = new TCPServerSocket(0, { ...local, ...options })
  own.onEnd(() => server.close())
  const accepted = new Promise((resolve) => {
    const handler = ({ socket }) => {
      own.onEnd(() => socket.closeImmediately())
      resolve(socket)
      return answer(socket)
    }
    if (how === 'handler') server.onconnect = handler
    else server.addEventListener('connect', handler)
  })
  const peer = net.connect({ port: server.localPort, host: '127.0.0.1', allowHalfOpen: true })
  peer.on('error', () => {})
  own.onEnd(() => peer.destroy())
  await once(peer, 'connect')
  say(peer)
  return { server, peer, socket: await accepted }
}

/** Handlers of all types, set now: `{ seen, closed }`. What is not data is seen as its type. */
function listenTo(socket, types = TYPES) {
  const [seen, closed] = [[], deferred()]
  for (const type of types) {
    socket[`on${type}`] = ({ data }) => {
      seen.push(type === 'data' ? data : type)
      if (type === 'close') closed.resolve(seen)
    }
  }
  return { seen, closed: closed.promise }
}

for (const how of ['handler', 'listener']) {
  test(`what comes before an asynchronous ${how} is done, the end included, waits for it`, async (t) => {
    const own = scope(t)
    const [may, told] = [deferred(), deferred()]
    const serve = async (socket) => {
      await may.promise
      told.resolve(listenTo(socket))
    }
    const { socket } = await accept(own, serve, undefined, how)
    await own.letTimeGo()
    t.is(socket.readyState, 'open')
    may.resolve()
    const { closed } = await told.promise
    t.deepEqual(await closed, ['request', 'close'])
  })

  test(`nothing fires on a socket before an asynchronous ${how} is done, whatever is not about data`, async (t) => {
    const own = scope(t)
    const may = deferred()
    let story
    const serve = (socket) => {
      story = listenTo(socket, ['open', 'drain', 'error', 'close'])
      return may.promise
    }
    await accept(own, serve, undefined, how)
    await own.letTimeGo()
    t.deepEqual(story.seen, [])
    // Nobody listens for data in the end, and so it is gone.
    may.resolve()
    t.deepEqual(await story.closed, ['close'])
  })
}

for (const [what, attach] of Object.entries({
  'an ondata handler': (socket, take) => (socket.ondata = take),
  'a listener for data': (socket, take) => socket.addEventListener('data', take),
  'a listener that is called once': (socket, take) => socket.addEventListener('data', take, { once: true }),
})) {
  test(`${what} gets what waits at once, however long the promise takes`, async (t) => {
    const own = scope(t)
    const { socket } = await accept(own, () => new Promise(() => {}))
    await own.letTimeGo()
    const arrived = deferred()
    const closed = new Promise((resolve) => {
      socket.onclose = resolve
    })
    attach(socket, arrived.resolve)
    t.is((await arrived.promise).data, 'request')
    await closed
  })
}

test('a handler that attaches ondata before it awaits misses nothing and delays nothing', async (t) => {
  const own = scope(t)
  let story
  await accept(own, (socket) => {
    story = listenTo(socket)
    return new Promise(() => {})
  })
  t.deepEqual(await story.closed, ['request', 'close'])
})

test('an ondata that is no function, and one that is taken away, are nobody who listens', async (t) => {
  const own = scope(t)
  const may = deferred()
  const { socket } = await accept(own, () => may.promise)
  for (const value of [null, undefined, 5, {}, null]) socket.ondata = value
  await own.letTimeGo()
  t.is(socket.readyState, 'open')
  may.resolve()
  const { closed } = listenTo(socket)
  t.deepEqual(await closed, ['request', 'close'])
})

test('everything comes in order, and whole, however much it is', async (t) => {
  const own = scope(t)
  const text = Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`)
    .join('')
    .repeat(20)
  const may = deferred()
  const { socket, peer } = await accept(
    own,
    () => may.promise,
    (raw) => raw.end(text),
  )
  await own.letTimeGo()
  t.true(peer.writableLength > 0, 'TCP holds the peer back')
  may.resolve()
  const { seen, closed } = listenTo(socket)
  await closed
  t.is(seen.pop(), 'close')
  t.is(seen.join(''), text)
})

test('a socket of TLS waits as well', async (t) => {
  const own = scope(t)
  const { ca, cert, key } = makePki()
  const server = new TCPServerSocket(0, { ...local, cert, key, useSecureTransport: true })
  own.onEnd(() => server.close())
  const told = deferred()
  const may = deferred()
  server.onconnect = async ({ socket }) => {
    await may.promise
    told.resolve(listenTo(socket))
  }
  const [client, events] = own.open('127.0.0.1', server.localPort, { useSecureTransport: true, ca })
  await events.event('open')
  client.send('request')
  client.close()
  await own.letTimeGo()
  may.resolve()
  t.deepEqual(await (await told.promise).closed, ['request', 'close'])
})

test('a handler that upgrades before it awaits gets what the client says in TLS', async (t) => {
  const own = scope(t)
  const { ca, cert, key } = makePki()
  const server = new TCPServerSocket(0, { ...local, cert, key })
  own.onEnd(() => server.close())
  const [may, told] = [deferred(), deferred()]
  server.onconnect = async ({ socket }) => {
    socket.send('go')
    socket.upgradeToSecure()
    await may.promise
    told.resolve(listenTo(socket))
  }
  const [client, events] = own.open('127.0.0.1', server.localPort, { ca })
  await events.data(2)
  client.upgradeToSecure()
  client.send('request')
  client.close()
  await events.closed()
  may.resolve()
  t.deepEqual(await (await told.promise).closed, ['request', 'close'])
})

test('with several asynchronous listeners, what comes waits for the last of them', async (t) => {
  const own = scope(t)
  const server = mozTCPSocket.listen(0, local)
  own.onEnd(() => server.close())
  const [first, second, third] = [deferred(), deferred(), deferred()]
  server.addEventListener('connect', () => first.promise)
  // The first generation: this one gets the socket itself.
  server.onconnect = () => second.promise
  let socket
  server.addEventListener('connect', (event) => {
    socket = event.socket
    return third.promise
  })
  const peer = net.connect(server.localPort, '127.0.0.1', () => peer.end('request'))
  own.onEnd(() => peer.destroy())
  second.resolve()
  await own.letTimeGo()
  third.resolve()
  await own.letTimeGo()
  t.is(socket.readyState, 'open')
  first.resolve()
  const { closed } = listenTo(socket)
  t.deepEqual(await closed, ['request', 'close'])
})

test('what is returned and is no promise holds nothing back', async (t) => {
  const own = scope(t)
  for (const value of [
    undefined,
    null,
    5,
    'text',
    {},
    // oxlint-disable-next-line unicorn/no-thenable -- what is looked for here
    { then: 5 },
    () => {},
    new TCPServerSocket(0, local),
  ]) {
    value?.close?.()
    let story
    await accept(own, (socket) => {
      story = listenTo(socket, ['close'])
      return value
    })
    t.deepEqual(await story.closed, ['close'])
  }
})

test('what another library takes for a promise is one', async (t) => {
  const own = scope(t)
  const may = deferred()
  // oxlint-disable-next-line unicorn/no-thenable -- what is looked for here
  const foreign = { then: (...callbacks) => may.promise.then(...callbacks) }
  const { socket } = await accept(own, () => foreign)
  await own.letTimeGo()
  t.is(socket.readyState, 'open')
  may.resolve()
  const { closed } = listenTo(socket)
  t.deepEqual(await closed, ['request', 'close'])
})

test("the application's own suspensions count as if there were no other", async (t) => {
  const own = scope(t)
  const may = deferred()
  const { socket } = await accept(own, () => may.promise)
  t.throws(() => socket.resume(), { name: 'NS_ERROR_FAILURE' })
  socket.suspend()
  socket.resume()
  await own.letTimeGo()
  t.is(socket.readyState, 'open', 'resume() did not let go')
  socket.suspend()
  may.resolve()
  const { seen, closed } = listenTo(socket)
  await own.letTimeGo()
  t.deepEqual(seen, [], 'and neither what is settled, nor a listener, ended the suspension')
  socket.resume()
  t.throws(() => socket.resume(), { name: 'NS_ERROR_FAILURE' })
  t.deepEqual(await closed, ['request', 'close'])
})

test('a socket sends, and has its drain, while its handler is under way', async (t) => {
  const own = scope(t)
  const drained = deferred()
  const { peer } = await accept(
    own,
    (socket) => {
      socket.ondrain = drained.resolve
      socket.send('x'.repeat(1 << 20))
      return new Promise(() => {})
    },
    () => {},
  )
  const received = receive(peer, 1 << 20)
  await drained.promise
  t.is((await received).length, 1 << 20)
})

for (const close of ['close', 'closeImmediately']) {
  test(`a socket can be closed while its handler is under way (${close})`, async (t) => {
    const own = scope(t)
    const may = deferred()
    const { socket, peer } = await accept(own, () => may.promise)
    const { closed } = listenTo(socket, ['data', 'error', 'close'].slice(1))
    peer.resume()
    const ended = once(peer, 'end')
    socket[close]()
    t.deepEqual(await closed, ['close'])
    await ended
    may.resolve()
    await own.letTimeGo()
    t.is(socket.readyState, 'closed')
  })
}

test('a server that is closed meanwhile changes nothing', async (t) => {
  const own = scope(t)
  const may = deferred()
  const { server, socket } = await accept(own, () => may.promise)
  server.close()
  await own.letTimeGo()
  may.resolve()
  const { closed } = listenTo(socket)
  t.deepEqual(await closed, ['request', 'close'])
})

test('a handler that rejects closes the socket; a listener that rejects does not; both are reported', async (t) => {
  t.deepEqual(await ask('reject-connect.js'), {
    handler: { reported: ['unhandledRejection handler'], events: ['close'] },
    'handler that had data': {
      reported: ['unhandledRejection handler that had data'],
      events: ['data', 'close'],
    },
    listener: { reported: ['uncaughtException listener'], events: ['data', 'close'] },
    'throwing then': { reported: ['unhandledRejection throwing then'], events: ['close'] },
  })
})

for (const [what, options, set] of [
  ['of the listener', { timeout: 100 }, () => {}],
  // At once, that is after a millisecond.
  ['that is set meanwhile', {}, ({ transport }) => transport.setTimeout(transport.TIMEOUT_READ_WRITE, 0)],
]) {
  test(`a timeout ${what} does not count while the handler is under way, and does afterwards`, async (t) => {
    const own = scope(t)
    const may = deferred()
    const serve = (accepted) => {
      setImmediate(set, accepted)
      return may.promise
    }
    const { socket, peer } = await accept(own, serve, (raw) => raw.write('request'), 'handler', options)
    const { seen, closed } = listenTo(socket, ['error', 'close'])
    // Others, who are not held, come to a longer one meanwhile.
    const { port } = await own.netServer()
    for (let i = 0; i < 2; i++) {
      const [other, events] = own.open('127.0.0.1', port, { timeout: 200 })
      await events.event('close')
      t.is(other.readyState, 'closed')
      peer.write('more')
    }
    t.deepEqual(seen, [])
    t.is(socket.readyState, 'open')
    may.resolve()
    t.deepEqual(await closed, ['error', 'close'])
  })
}

testOnLinux(
  'a handler that awaits close alone gets it within 10 seconds, and keeps no descriptor',
  async (t) => {
    const own = scope(t)
    const started = performance.now()
    const closed = deferred()
    const { server, socket, peer } = await accept(own, async (accepted) => {
      await new Promise((resolve) => accepted.addEventListener('close', resolve))
      closed.resolve(performance.now() - started)
    })
    const { localPort: from } = peer
    const held = () => tcpSockets().filter((row) => row.local === server.localPort && row.remote === from)
    await own.letTimeGo()
    t.is(socket.readyState, 'open')
    t.is(held().length, 1)
    peer.resume()
    const waited = await closed.promise
    t.true(waited > 9000 && waited < 15_000, `${waited} ms`)
    t.is(socket.bytesRead, 'request'.length, 'what came was delivered')
    // A connection without an inode belongs to the kernel, and to no process any more.
    while (held().some(({ inode }) => inode !== '0')) await new Promise(setImmediate)
  },
)

test('a client cannot be held back: it has its handlers from the beginning', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer({}, (peer) => peer.end('hello'))
  const socket = new TCPSocket('127.0.0.1', port)
  const { closed, seen } = listenTo(socket)
  socket.onopen = async () => {
    seen.push('open')
    await new Promise(() => {})
  }
  t.deepEqual(await closed, ['open', 'hello', 'close'])
})
