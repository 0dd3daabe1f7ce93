'use strict'

// Each event is a task of its own: what a handler queues with process.nextTick, a promise or queueMicrotask runs
// before the next event, also when several events arrive together (REL-12).

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { scope } = require('../helpers/sockets.js')

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
  // Two drivers brought them, perhaps in two turns.
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
