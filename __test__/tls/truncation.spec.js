'use strict'

// How a TLS connection ends. Only a close_notify is the peer's word that nothing is missing; a FIN without one may be
// an attacker's, so it is an error, after the data that came whole (REL-79 to REL-82, REL-161).

const { once } = require('node:events')
const net = require('node:net')
const { setImmediate } = require('node:timers/promises')

const test = require('ava')

const { deferred, scope } = require('../helpers/sockets.js')
const { failed, recordTypes, secure, tap, tlsServer, trusting } = require('../helpers/tls-peers.js')
const { ALERT, APPLICATION_DATA, relayAll } = require('../helpers/tls-wires.js')

/**
 * A client behind a proxy that is in our hands: `{ socket, events, session, cut(how) }`. `session` is the server's end.
 * After `cut(how)` nothing of the server reaches the client any more but what `how(raw)` does.
 */
async function throughKnife(t, options = {}) {
  const own = scope(t)
  const server = await own.netServer({}, undefined)
  let client
  const proxy = await own.netServer({ allowHalfOpen: true }, (raw) => {
    client = raw
    const upstream = net.connect(server.port, '127.0.0.1')
    upstream.on('error', () => {})
    raw.pipe(upstream)
    upstream.pipe(raw)
    raw.upstream = upstream
    own.onEnd(() => upstream.destroy())
  })
  const [socket, events] = own.open('localhost', proxy.port, trusting())
  const session = secure(await server.connection(), 'good', options)
  await events.event('open')
  const cut = (how) => {
    client.upstream.unpipe(client)
    how(client)
  }
  return { socket, events, session, cut, raw: () => client }
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  test(`REL-79: a FIN without close_notify: the data, then NetworkInterruptError (${version})`, async (t) => {
    const { events, session, cut } = await throughKnife(t, only)
    session.write(Buffer.alloc(100_000, 'A'))
    await events.data(100_000)
    cut((raw) => raw.end())
    const error = await failed(t, events, 'NetworkInterruptError', ['open'])
    t.regex(error.data.message, /close_notify/)
    t.is(events.bytes, 100_000)
  })

  test(`REL-80: a FIN inside a record: the records before it, then NetworkInterruptError (${version})`, async (t) => {
    const { events, session, cut, raw } = await throughKnife(t, only)
    session.write('whole')
    await events.data(5)
    const { upstream } = raw()
    cut(() => {})
    const half = new Promise((resolve) => {
      upstream.once('data', (bytes) => raw().end(bytes.subarray(0, bytes.length / 2), resolve))
      upstream.resume()
    })
    session.write(Buffer.alloc(1000, 'B'))
    await half
    await failed(t, events, 'NetworkInterruptError', ['open'])
    t.is(events.bytes, 5)
  })

  test(`a changed byte: SecurityError, and nothing of that record is delivered (${version})`, async (t) => {
    const { events, session, cut, raw } = await throughKnife(t, only)
    session.write('whole')
    await events.data(5)
    const { upstream } = raw()
    cut(() => {})
    upstream.once('data', (bytes) => {
      bytes[bytes.length - 20] ^= 1
      raw().write(bytes)
    })
    upstream.resume()
    session.write(Buffer.alloc(1000, 'B'))
    await failed(t, events, 'SecurityError', ['open'])
    t.is(events.bytes, 5)
  })

  test(`REL-82: close_notify and FIN: the data, then close without an error (${version})`, async (t) => {
    const { events, session } = await throughKnife(t, only)
    session.end(Buffer.alloc(100_000, 'A'))
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.is(events.bytes, 100_000)
  })

  test(`REL-82, REL-161: close_notify alone, without a FIN: the data, then close, and we answer in kind (${version})`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', only, (session) => {
      session.on('data', () => session.end(Buffer.alloc(100_000, 'A')))
    })
    // Passes records, and no ends.
    const arrived = deferred()
    const toClient = (record, index, client) => {
      arrived.resolve(client)
      client.write(record)
    }
    const [socket, events] = own.open('localhost', await relayAll(own, server.port, { toClient }), trusting())
    const raw = await arrived.promise
    const fromClient = []
    raw.on('data', (bytes) => fromClient.push(bytes))
    await events.event('open')
    socket.send('go')
    await once(raw, 'end')
    t.false(raw.writableEnded, 'our end comes before any other')
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.is(events.bytes, 100_000)
    t.is(recordTypes(Buffer.concat(fromClient)).at(-1), version === 'TLSv1.2' ? ALERT : APPLICATION_DATA)
  })

  test(`REL-82, REL-161: close() of ours sends everything, then close_notify, then FIN (${version})`, async (t) => {
    const own = scope(t)
    let ended = false
    const server = await tlsServer(own, 'good', only, (session) => {
      session.on('data', (bytes) => (server.received += bytes.toString('latin1')))
      session.on('end', () => (ended = true))
    })
    const wire = await tap(own, server.port)
    const [socket, events] = own.open('localhost', wire.port, trusting())
    await events.event('open')
    const bytes = Buffer.alloc(2 * 1024 * 1024, 'D')
    t.false(socket.send(bytes))
    socket.close()
    t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
    await server.ended
    t.is(server.received.length, bytes.length)
    t.true(ended, 'the server saw an orderly end')
    const last = recordTypes(wire.fromClient()).at(-1)
    t.is(last, version === 'TLSv1.2' ? ALERT : APPLICATION_DATA)
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`closeImmediately() waits for nobody, also in the middle of a record (${version})`, async (t) => {
    const own = scope(t)
    const only = { minVersion: version, maxVersion: version }
    const server = await tlsServer(own, 'good', only, (session) => session.pause())
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    // More than two kernels hold between them.
    t.false(socket.send(Buffer.alloc(32 * 1024 * 1024)))
    while (socket.bufferedAmount === 32 * 1024 * 1024) await setImmediate()
    t.true(socket.bufferedAmount > 0)
    socket.closeImmediately()
    t.deepEqual(await events.closed(), ['open', 'close'])
  })
}

test('REL-81: a reset after data is NetworkError', async (t) => {
  const { events, session, cut } = await throughKnife(t)
  session.write('before')
  await events.data(6)
  cut((raw) => raw.resetAndDestroy())
  const error = await failed(t, events, 'NetworkError', ['open'])
  t.is(error.data.code, 'ECONNRESET')
})

test('REL-79: truncation is an error on an upgraded connection too', async (t) => {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true })
  const [socket, events] = own.open('localhost', server.port, trusting({ useSecureTransport: false }))
  const [raw] = await Promise.all([server.connection(), events.event('open')])
  socket.upgradeToSecure()
  const session = secure(raw)
  session.write('secured')
  await events.data(7)
  // FIN below TLS.
  raw._handle.shutdown(new (process.binding('stream_wrap').ShutdownWrap)())
  await failed(t, events, 'NetworkInterruptError', ['open'])
})
