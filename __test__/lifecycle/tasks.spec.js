'use strict'

// Each event is a task of its own: what a handler queues with process.nextTick, a promise or queueMicrotask runs
// before the next event, also when several events arrive together (REL-12).

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { run } = require('../fixtures/lifecycle/run-child.js')
const { makePki } = require('../helpers/pki.js')
const { closedPort, scope, TCPServerSocket, TCPSocket } = require('../helpers/sockets.js')

/** Keeps this thread, and so its events, waiting while the engine receives. */
function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** A log, and handlers that write to it what runs after them, and when. */
function journal() {
  const log = []
  return {
    log,
    handler: (name) => () => {
      log.push(name)
      process.nextTick(() => log.push(`${name} tick`))
      queueMicrotask(() => {
        log.push(`${name} microtask`)
        // A chain, of which every link must come first.
        Promise.resolve()
          .then(() => {})
          .then(() => log.push(`${name} chain`))
      })
      setImmediate(() => log.push('turn'))
    },
  }
}

/** What must follow an event. */
function complete(name) {
  return [name, `${name} tick`, `${name} microtask`, `${name} chain`]
}

/** Checks that the events called `names` were logged, and what must follow each of them. Returns their order. */
function isComplete(t, names, log) {
  const events = log.filter((entry) => entry !== 'turn')
  const order = events.filter((entry) => names.includes(entry))
  t.deepEqual([...order].sort(), [...names].sort())
  t.deepEqual(
    events,
    order.flatMap((name) => complete(name)),
  )
  return order
}

/**
 * Runs `round` until its events came in one turn of the loop, which shows in their log, and checks each log. They come
 * one by one when the engine is slow.
 */
async function together(t, names, round) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const log = await round()
    const order = isComplete(t, names, log)
    if (log.indexOf('turn') > log.indexOf(order.at(-1))) return
  }
  t.fail('the events never came in one turn of the loop')
}

test('microtasks run between the data events of three sockets', async (t) => {
  const own = scope(t)
  const connections = [await own.toNode(), await own.toNode(), await own.toNode()]
  await together(t, ['a', 'b', 'c'], async () => {
    const { log, handler } = journal()
    const arrived = connections.map(({ socket, events }, index) => {
      socket.ondata = handler('abc'[index])
      events.forgetData()
      return events
    })
    for (const { peer } of connections) peer.write('x')
    block(20)
    for (const events of arrived) await events.data(1)
    await new Promise((resolve) => setImmediate(resolve))
    return log
  })
})

test('microtasks run between the last data and the close of a socket', async (t) => {
  const own = scope(t)
  await together(t, ['data', 'close'], async () => {
    const { socket, events, peer } = await own.toNode()
    const { log, handler } = journal()
    socket.ondata = handler('data')
    socket.onclose = handler('close')
    peer.end('x')
    block(20)
    await events.event('close')
    await new Promise((resolve) => setImmediate(resolve))
    return log
  })
})

test('microtasks run between an accepted socket and its first data', async (t) => {
  const own = scope(t)
  const { server, port, accepted } = own.listen({ binaryType: 'arraybuffer' })
  const takeOver = server.onconnect
  const { log, handler } = journal()
  server.onconnect = (event) => {
    handler('connect')()
    event.socket.ondata = handler('data')
    takeOver(event)
  }
  const client = net.connect(port, '127.0.0.1')
  await once(client, 'connect')
  client.write('x')
  block(20)
  const [, events] = await accepted()
  await events.data(1)
  client.destroy()
  await new Promise((resolve) => setImmediate(resolve))
  // They may have come in two turns.
  t.deepEqual(isComplete(t, ['connect', 'data'], log), ['connect', 'data'])
})

test('a handler that awaits goes on before the next event', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  const log = []
  socket.ondata = async ({ data }) => {
    log.push(`received ${data.byteLength > 0}`)
    await Promise.resolve()
    await Promise.resolve()
    log.push('awaited')
  }
  socket.onclose = () => log.push('close')
  peer.end('x')
  await events.event('close')
  t.deepEqual(log, ['received true', 'awaited', 'close'])
})

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** Writes the events of `socket` to a journal, from handlers or from listeners. Resolves with the log after `close`. */
function narrate(socket, how, types = TYPES) {
  const { log, handler } = journal()
  for (const type of types) {
    if (how === 'handlers') socket[`on${type}`] = handler(type)
    else socket.addEventListener(type, handler(type))
  }
  const closed = new Promise((resolve) => {
    const done = () => setImmediate(() => resolve(log))
    if (how === 'handlers') socket.onclose = ((inner) => () => (inner(), done()))(socket.onclose)
    else socket.addEventListener('close', done)
  })
  return { log, closed }
}

/** Stories of one socket: each returns what `narrate` does, with the events that must be told. */
const STORIES = {
  'a connection that is refused': async (own, how) => {
    const port = await closedPort()
    return { ...narrate(new TCPSocket('127.0.0.1', port), how), events: ['error', 'close'] }
  },
  'a name that is none': (own, how) => ({
    ...narrate(new TCPSocket('nowhere.invalid', 80), how),
    events: ['error', 'close'],
  }),
  'a handshake with what speaks no TLS': async (own, how) => {
    const { port } = await own.netServer({}, (peer) => peer.end('220 hello\r\n'))
    const socket = new TCPSocket('127.0.0.1', port, { useSecureTransport: true, ca: makePki().ca })
    return { ...narrate(socket, how), events: ['error', 'close'] }
  },
  'an upgrade that fails': async (own, how) => {
    const { socket, peer } = await own.toNode()
    const story = narrate(socket, how)
    socket.upgradeToSecure()
    peer.end('this is not TLS')
    return { ...story, events: ['error', 'close'] }
  },
  'a peer that speaks and resets': async (own, how) => {
    const { socket, peer } = await own.toNode()
    const story = narrate(socket, how)
    peer.write('bye', () => peer.resetAndDestroy())
    return { ...story, events: ['data', 'error', 'close'] }
  },
  'a peer that greets and ends': async (own, how) => {
    const { port } = await own.netServer({}, (peer) => peer.end('hello'))
    return { ...narrate(new TCPSocket('127.0.0.1', port), how), events: ['open', 'data', 'close'] }
  },
  'a peer that ends while a drain is due': async (own, how) => {
    const { socket, peer } = await own.toNode({ binaryType: 'arraybuffer' }, { allowHalfOpen: true })
    const story = narrate(socket, how)
    socket.send(new ArrayBuffer(8 << 20))
    peer.end()
    await once(peer.resume(), 'end')
    return { ...story, events: ['drain', 'close'] }
  },
  'a drain that is due at the own close': async (own, how) => {
    const { socket, peer } = await own.toNode()
    peer.resume()
    const story = narrate(socket, how)
    socket.send(new ArrayBuffer(1 << 20))
    socket.close()
    return { ...story, events: ['drain', 'close'] }
  },
}

for (const how of ['handlers', 'listeners']) {
  for (const [what, tell] of Object.entries(STORIES)) {
    test(`microtasks run between any two events of ${what} (${how})`, async (t) => {
      const { closed, events } = await tell(scope(t), how)
      const order = isComplete(t, events, await closed)
      t.deepEqual(order, events)
    })
  }
}

for (const how of ['handlers', 'listeners']) {
  for (const secure of [false, true]) {
    const title = `microtasks run between any two events of accepted ${secure ? 'TLS ' : ''}sockets, connect included (${how})`
    test(title, async (t) => {
      const own = scope(t)
      const { ca, cert, key } = makePki()
      const tls = secure ? { cert, key, useSecureTransport: true } : {}
      const server = new TCPServerSocket(0, { localAddress: '127.0.0.1', ...tls })
      own.onEnd(() => server.close())
      const { log, handler } = journal()
      const [names, closed] = [[], []]
      const onConnect = ({ socket }) => {
        const index = closed.length
        const set = (type) => {
          names.push(`${type} ${index}`)
          const value = handler(`${type} ${index}`)
          if (how === 'handlers') socket[`on${type}`] = value
          else socket.addEventListener(type, value)
        }
        names.push(`connect ${index}`)
        handler(`connect ${index}`)()
        set('data')
        set('close')
        closed.push(new Promise((resolve) => socket.addEventListener('close', () => setImmediate(resolve))))
      }
      if (how === 'handlers') server.onconnect = onConnect
      else server.addEventListener('connect', onConnect)
      const clients = Array.from({ length: 5 }, () => {
        const [client, events] = own.open('127.0.0.1', server.localPort, { useSecureTransport: secure, ca })
        client.onopen = () => {
          client.send('x')
          client.close()
        }
        return events.closed()
      })
      await Promise.all(clients)
      while (closed.length < 5) await new Promise((resolve) => setImmediate(resolve))
      await Promise.all(closed)
      const order = isComplete(t, names, log)
      for (let index = 0; index < 5; index++) {
        const ofOne = order.filter((name) => name.endsWith(` ${index}`))
        t.deepEqual(ofOne, [`connect ${index}`, `data ${index}`, `close ${index}`])
      }
    })
  }
}

test('microtasks run between the errors and the closes of many sockets that fail at once', async (t) => {
  const port = await closedPort()
  const { log, handler } = journal()
  const names = []
  const closed = Array.from({ length: 20 }, (_, index) => {
    const socket = new TCPSocket('127.0.0.1', port)
    names.push(`error ${index}`, `close ${index}`)
    socket.onerror = handler(`error ${index}`)
    const onClose = handler(`close ${index}`)
    return new Promise((resolve) => {
      socket.onclose = () => (onClose(), setImmediate(resolve))
    })
  })
  await Promise.all(closed)
  const order = isComplete(t, names, log)
  for (let index = 0; index < 20; index++) {
    t.true(order.indexOf(`error ${index}`) < order.indexOf(`close ${index}`))
  }
})

test('a process that has nothing else to do stays alive from the error of a socket until its close', async (t) => {
  const { code, stdout, stderr } = await run('error-then-close.js', [await closedPort()])
  t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'error\nawaited\nclose\n', stderr: '' })
})
