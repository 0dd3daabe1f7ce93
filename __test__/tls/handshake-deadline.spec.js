'use strict'

// A peer that does not finish the handshake (REL-78). TLS libraries wait for ever; here it ends after 30 seconds. Time
// is what is tested, so these tests wait for it, all at once.

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')
const { beforeStartTls, failed, recordTypes, tlsServer, trusting } = require('../helpers/tls-peers.js')
const { APPLICATION_DATA, HANDSHAKE, relayAll } = require('../helpers/tls-wires.js')

/** What the documentation says, less what two clocks may differ by. */
const LEAST_MS = 29_500

/** Asserts that `events` end with the deadline, no sooner than it is due. */
async function endsByDeadline(t, events, began, before = []) {
  const error = await failed(t, events, 'NetworkTimeoutError', before)
  const ms = performance.now() - began
  t.true(ms >= LEAST_MS, `after ${ms} ms`)
  t.regex(error.data.message, /TLS handshake/)
}

test('a peer that accepts and stays silent: NetworkTimeoutError, then close', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const began = performance.now()
  const [, events] = own.open('127.0.0.1', server.port, trusting())
  const received = receive(await server.connection())
  await endsByDeadline(t, events, began)
  t.is(recordTypes(await received)[0], HANDSHAKE)
})

test('a peer that says "go ahead" and stays silent: what was sent after upgradeToSecure() never leaves', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  const began = performance.now()
  socket.upgradeToSecure()
  socket.send(Buffer.from('PASS secret\r\n'))
  const received = receive(raw)
  await endsByDeadline(t, events, began, ['open'])
  const types = recordTypes(await received)
  t.is(types[0], HANDSHAKE)
  t.false(types.includes(APPLICATION_DATA))
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a peer that falls silent after its ServerHello: NetworkTimeoutError, then close (${version})`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', { minVersion: version, maxVersion: version })
    const toClient = (record, index, client) => index === 0 && client.write(record)
    const port = await relayAll(own, server.port, { toClient })
    const began = performance.now()
    const [socket, events] = own.open('localhost', port, trusting())
    socket.onopen = () => socket.send('secret')
    await endsByDeadline(t, events, began)
    await server.ended
    t.is(server.received, '')
  })
}

test('a peer that sends a byte now and then does not put the deadline off', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const began = performance.now()
  const [, events] = own.open('127.0.0.1', server.port, trusting())
  const raw = await server.connection()
  raw.resume()
  // The header of a handshake record of 16 KiB, which would take hours like this.
  raw.write(Buffer.from([HANDSHAKE, 3, 3, 64, 0]))
  const drip = setInterval(() => raw.write(Buffer.alloc(1)), 500)
  own.onEnd(() => clearInterval(drip))
  await endsByDeadline(t, events, began)
})
