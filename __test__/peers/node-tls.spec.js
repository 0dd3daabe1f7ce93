'use strict'

// node:tls at the other end: bulk data both ways, many connections at once, and node as a client of a plain listener.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const tls = require('node:tls')

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { receive, scope } = require('../helpers/sockets.js')
const { tlsServer, trusting } = require('../helpers/tls-peers.js')

const BULK = 16 * 1024 * 1024

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  test(`16 MB in each direction at once (${version})`, async (t) => {
    const own = scope(t)
    const [there, back] = [randomBytes(BULK), randomBytes(BULK)]
    let got
    const server = await tlsServer(own, 'good', only, (session) => {
      session.write(back)
      got = receive(session, BULK)
    })
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    t.false(socket.send(there))
    const bytes = await events.data(BULK)
    t.is(sha256(bytes), sha256(back))
    t.is(sha256(await got), sha256(there))
    await events.event('drain')
    t.is(socket.bufferedAmount, 0)
  })

  test(`a suspended socket stops node by back-pressure, and loses nothing (${version})`, async (t) => {
    const own = scope(t)
    const bytes = randomBytes(BULK)
    let session
    const server = await tlsServer(own, 'good', only, (arrived) => {
      session = arrived
      session.write(bytes)
    })
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.data(1)
    for (let i = 0; i < 5; i++) {
      socket.suspend()
      const before = events.bytes
      socket.send('still there?')
      await once(session, 'data')
      t.is(events.bytes, before)
      socket.resume()
      await events.data(Math.min(BULK, before + 1_000_000))
    }
    t.is(sha256(await events.data(BULK)), sha256(bytes))
  })
}

test('fifty connections at once, each with its own data', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.pipe(session))
  const talk = async (i) => {
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    const bytes = Buffer.alloc(10_000, String(i))
    socket.send(bytes)
    const got = await events.data(bytes.length)
    socket.close()
    const types = await events.closed()
    return got.equals(bytes) && types.join(' ') === 'open close'
  }
  const results = await Promise.all(Array.from({ length: 50 }, (_, i) => talk(i)))
  t.true(results.every(Boolean))
})

test('REL-94: session tickets and key updates of TLS 1.3 are not data', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', { minVersion: 'TLSv1.3' }, (session) => session.pipe(session))
  for (let i = 0; i < 3; i++) {
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    socket.send('echo')
    t.is(String(await events.data(4)), 'echo')
    socket.close()
    await events.closed()
    t.is(events.bytes, 4)
  }
})

test('a node client that wants TLS from our plain listener gets no TLS, and our socket gets bytes', async (t) => {
  const own = scope(t)
  const listening = own.listen({ binaryType: 'arraybuffer' })
  const peer = tls.connect({ port: listening.port, host: '127.0.0.1', ca: certificate('root').ca })
  own.onEnd(() => peer.destroy())
  const failure = new Promise((resolve) => peer.once('error', resolve))
  const [socket, events] = await listening.accepted()
  const hello = await events.data(1)
  t.is(hello[0], 0x16)
  socket.send('I do not speak TLS\r\n')
  t.regex((await failure).message, /wrong version|packet length/i)
  await events.closed()
})
