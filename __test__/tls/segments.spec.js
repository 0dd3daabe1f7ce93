'use strict'

// What TCP makes of a TLS stream: however it is cut into segments, and whenever they come, the same bytes (REL-83); and
// however often the reader stops, too (REL-162).

const { createHash, randomBytes } = require('node:crypto')
const { setImmediate: nextTurn } = require('node:timers/promises')
const net = require('node:net')

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { tlsServer, trusting } = require('../helpers/tls-peers.js')
const { relayAll } = require('../helpers/tls-wires.js')

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

test('REL-83: every byte in a segment of its own gives the same data and a clean end', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => {
    // Node sends no close_notify when it ends before its session tickets are out.
    session.once('data', () => session.end(Buffer.alloc(1000, 'A')))
  })
  const slow = await own.netServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect(server.port, '127.0.0.1')
    own.onEnd(() => upstream.destroy())
    client.pipe(upstream)
    upstream.on('data', (bytes) => {
      for (const byte of bytes) client.write(Buffer.of(byte))
    })
    upstream.on('end', () => client.end())
  })
  const [socket, events] = own.open('localhost', slow.port, trusting())
  await events.event('open')
  socket.send('go')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(String(await events.data(0)), 'A'.repeat(1000))
})

/** Passes `from` on to `to` in pieces of `sizes`, over and over, each in a turn of its own. */
async function dribble(from, to, sizes) {
  let turn = 0
  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    for (let at = 0; at < chunk.length;) {
      const end = at + sizes[turn++ % sizes.length]
      to.write(chunk.subarray(at, end))
      at = end
      await nextTurn()
    }
  }
  to.end()
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  test(`REL-83: a slow wire that cuts records anywhere carries the same bytes, both ways (${version})`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', only, (session) => session.pipe(session))
    const slow = await own.netServer({ allowHalfOpen: true }, (client) => {
      const upstream = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true })
      own.onEnd(() => upstream.destroy())
      upstream.on('error', () => {})
      // Less than a header, a header, and more than one record.
      const sizes = [1, 4, 5, 6, 20, 17_000]
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        dribble(from, to, sizes).catch(() => {})
      }
    })
    const [socket, events] = own.open('localhost', slow.port, trusting())
    await events.event('open')
    const bytes = randomBytes(400_000)
    socket.send(bytes)
    t.is(sha256(await events.data(bytes.length)), sha256(bytes))
    socket.close()
    t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
    t.is(events.bytes, bytes.length)
  })

  test(`REL-83: many records in one segment give the same bytes, and the end behind them (${version})`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', only, (session) => {
      session.once('data', async () => {
        for (let i = 0; i < 200; i++)
          await new Promise((resolve) => session.write(Buffer.alloc(i, i), resolve))
        session.end()
      })
    })
    let held
    // From the client's word on everything waits for the end.
    const toServer = (record, _index, _client, upstream) => {
      if (isOpen) held ??= []
      upstream.write(record)
    }
    const toClient = (record, _index, client, upstream) => {
      if (!held) return client.write(record)
      if (held.length === 0) upstream.once('end', () => client.end(Buffer.concat(held)))
      held.push(record)
    }
    let isOpen = false
    const port = await relayAll(own, server.port, { toServer, toClient })
    const [socket, events] = own.open('localhost', port, trusting())
    await events.event('open')
    isOpen = true
    socket.send('go')
    t.deepEqual(await events.closed(), ['open', 'close'])
    const expected = Buffer.concat(Array.from({ length: 200 }, (_, i) => Buffer.alloc(i, i)))
    t.true((await events.data(0)).equals(expected))
  })

  test(`REL-162: a reader that suspends in every data event gets all of 12 MB, and not a byte more (${version})`, async (t) => {
    const own = scope(t)
    const bytes = randomBytes(12 * 1024 * 1024)
    const server = await tlsServer(own, 'good', only, (session) => {
      session.on('data', () => session.end(bytes))
    })
    const [socket, events] = own.open('localhost', server.port, trusting())
    let suspensions = 0
    socket.ondata = async () => {
      suspensions++
      socket.suspend()
      await nextTurn()
      socket.resume()
    }
    await events.event('open')
    socket.send('go')
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.is(events.bytes, bytes.length)
    t.is(sha256(await events.data(0)), sha256(bytes))
    t.is(suspensions, events.chunks.length)
  })
}
