'use strict'

// close() while a socket that uses TLS from the first byte is not open yet: one close, and nothing else, however far its
// handshake is.

const net = require('node:net')

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { readExactly, tlsServer, trusting } = require('../helpers/tls-peers.js')

/** A server of which clients see the first `count` bytes. `shown` resolves with the raw connection when they are sent. */
async function hesitant(own, count) {
  const server = await tlsServer(own)
  const proxy = await own.netServer()
  const shown = proxy.connection().then(async (raw) => {
    const behind = net.connect({ port: server.port, host: '127.0.0.1' })
    own.onEnd(() => behind.destroy())
    behind.on('error', () => {})
    const hello = await readExactly(raw, 1)
    raw.unshift(hello)
    raw.pipe(behind)
    if (count > 0) raw.write(await readExactly(behind, count))
    return raw
  })
  return { port: proxy.port, shown }
}

const gone = (raw) =>
  new Promise((resolve) => {
    if (raw.destroyed) resolve()
    raw.once('close', resolve).resume()
  })

/** Nothing follows: a connection that was made later has come and gone. */
async function nothingMore(t, own, events) {
  const other = await own.toNode()
  other.peer.end('bye')
  await other.events.closed()
  t.deepEqual(events.types, ['close'])
}

for (const method of ['close', 'closeImmediately']) {
  for (const [what, count] of [
    ['the server has not answered', 0],
    ['a record has begun', 3],
    ['the server has said half of its part', 700],
  ]) {
    test(`${method}() when ${what}: one close, no open, no error`, async (t) => {
      const own = scope(t)
      const { port, shown } = await hesitant(own, count)
      const [socket, events] = own.open('localhost', port, trusting())
      const raw = await shown
      t.is(socket.readyState, 'connecting')
      t.is(socket[method](), undefined)
      t.is(socket.readyState, 'closing')
      t.deepEqual(await events.closed(), ['close'])
      await gone(raw)
      await nothingMore(t, own, events)
    })
  }

  test(`${method}() in the turn in which the socket was made: one close, no open, no error`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    const [socket, events] = own.open('localhost', server.port, trusting())
    socket[method]()
    t.deepEqual(await events.closed(), ['close'])
    await nothingMore(t, own, events)
    t.deepEqual(server.sessions, [])
  })

  test(`${method}() in the moment in which the handshake ends: close comes once, after open at most`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    await Promise.all(
      Array.from({ length: 20 }, async (_, turns) => {
        const [socket, events] = own.open('localhost', server.port, trusting())
        const sessions = server.sessions.length
        while (server.sessions.length === sessions) await new Promise(setImmediate)
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        const expected = socket.readyState === 'open' ? ['open', 'close'] : ['close']
        socket[method]()
        t.deepEqual(await events.closed(), expected)
      }),
    )
  })
}
