'use strict'

// What Node's own tests say of bytes through TLS: a reader that stops while its echo comes, many small sends in both directions, and
// one TLS connection inside another (REL-162, REL-163). The same with 100 MB is in faults/node/echo.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { Duplex } = require('node:stream')
const { setImmediate: nextTurn } = require('node:timers/promises')
const tls = require('node:tls')

const test = require('ava')

const { SIDES, after, meetNode } = require('../helpers/both-sides.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { receive, scope } = require('../helpers/sockets.js')
const { readExactly } = require('../helpers/tls-peers.js')

const MIB = 1 << 20

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

for (const side of SIDES) {
  test(`REL-162: while we are suspended our echo waits at the peer, and afterwards all of it comes (we are the ${side})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer } = await meetNode(own, side, { secure: true })
    peer.pipe(peer)
    const bytes = randomBytes(16 * MIB)
    socket.suspend()
    t.false(socket.send(bytes))
    // The peer stops to read when we stop, so some of it has to stay here, however long it takes.
    let last
    do {
      last = socket.bufferedAmount
      await own.letTimeGo()
    } while (socket.bufferedAmount < last)
    t.true(socket.bufferedAmount > 0)
    t.is(events.bytes, 0)
    socket.resume()
    await events.data(bytes.length)
    t.is(sha256(Buffer.concat(events.chunks)), sha256(bytes))
    socket.close()
    t.deepEqual(await events.closed(), after(side, 'drain', 'close'))
    t.is(events.bytes, bytes.length)
  })

  test(`REL-163: 2000 small sends each way at the same time keep their order (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side, { secure: true })
    const COUNT = 2000
    const line = (from, i) => `${from} ${i}\n`
    const all = (from) => Array.from({ length: COUNT }, (_, i) => line(from, i)).join('')
    const received = readExactly(peer, all('ours').length)
    for (let i = 0; i < COUNT; i++) {
      socket.send(line('ours', i))
      peer.write(line('theirs', i))
      // In batches of other sizes than a record has.
      if (i % 7 === 0) await nextTurn()
    }
    t.is(String(await received), all('ours'))
    t.is(String(await events.data(all('theirs').length)), all('theirs'))
  })

  test(`REL-163: what is sent when the connection is open, and close() behind it, arrives in order (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side, { secure: true })
    for (const word of ['one ', '', 'two ', 'x'.repeat(70_000), ' three']) socket.send(word)
    socket.close()
    t.is(String(await receive(peer)), `one two ${'x'.repeat(70_000)} three`)
    t.deepEqual(await events.closed(), after(side, 'drain', 'close'))
  })
}

/** One of our sockets as a stream of Node, so that something else can run through it. */
function streamOf(socket) {
  let drained
  const stream = new Duplex({
    read: () => {},
    write(chunk, _encoding, callback) {
      if (socket.readyState !== 'open') callback(new Error('the socket is not open'))
      else if (socket.send(chunk)) callback()
      else drained = callback
    },
    final(callback) {
      socket.close()
      callback()
    },
  })
  socket.addEventListener('drain', () => drained?.())
  socket.addEventListener('data', ({ data }) => stream.push(Buffer.from(data)))
  socket.addEventListener('close', () => stream.push(null))
  stream.on('error', () => {})
  return stream
}

for (const side of SIDES) {
  test(`REL-163: a TLS connection inside a TLS connection carries the same bytes (the outer ${side} is ours)`, async (t) => {
    const own = scope(t)
    const { socket, events, peer } = await meetNode(own, side, { secure: true })
    const { cert, key, ca } = certificate('good')
    const stream = streamOf(socket)
    const [clientEnd, serverEnd] = side === 'client' ? [stream, peer] : [peer, stream]
    const inner = new tls.TLSSocket(serverEnd, { isServer: true, cert, key })
    const client = tls.connect({ socket: clientEnd, ca, servername: 'localhost' })
    for (const end of [inner, client]) own.onEnd(() => end.on('error', () => {}).destroy())
    await once(client, 'secureConnect')
    inner.pipe(inner)
    const bytes = randomBytes(2 * MIB)
    const echo = readExactly(client, bytes.length)
    client.write(bytes)
    t.true((await echo).equals(bytes))
    t.true(socket.tls !== null && client.authorized)
    // Both layers were there: what the outer one carried is more than what the inner one did.
    t.true(socket.bytesRead > bytes.length && socket.bytesWritten > bytes.length)
    socket.close()
    const types = await events.closed()
    t.deepEqual(
      types.filter((type) => type !== 'drain'),
      after(side, 'close'),
    )
  })
}
