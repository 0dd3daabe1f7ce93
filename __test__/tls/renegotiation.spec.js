'use strict'

// Renegotiation, which TLS 1.2 has, and which we do not do (REL-92, REL-164). Peers of OpenSSL give up when they hear that;
// one that goes on asking must not keep us busy. Such a one is made up here, with the keys of a peer of Node's.

const { constants } = require('node:crypto')
const { once } = require('node:events')

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, failed, tlsServer, trusting } = require('../helpers/tls-peers.js')
const { listenSecurely, nodeClient } = require('../helpers/tls-servers.js')
const { APPLICATION_DATA, HANDSHAKE, HEADER, relayAll } = require('../helpers/tls-wires.js')
const { CIPHER, forger } = require('../helpers/tls12.js')

/** What asks for a new handshake (RFC 5246 section 7.4.1.1). */
const HELLO_REQUEST = Buffer.from([0, 0, 0, 0])

const TLS12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }

const testRefusing = testOn(test, TELLS_REASONS, 'a library that can be told to refuse renegotiation')

testRefusing(
  'REL-92, REL-164: a server that asks for renegotiation hears that there is none, and gives up',
  async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', TLS12, (session) => session.pipe(session))
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    const [session] = server.sessions
    const refused = once(session, 'error')
    session.renegotiate({}, () => {})
    socket.send('echo')
    await failed(t, events, 'SecurityError', ['open'])
    t.regex((await refused)[0].message, /no renegotiation/)
    t.true(['', 'echo'].includes(String(await events.data(0))))
  },
)

test('REL-92, REL-164: a client that asks our server for renegotiation hears that there is none, and others are served', async (t) => {
  const own = scope(t)
  const { port, accepted } = listenSecurely(own)
  const client = nodeClient(own, port, TLS12)
  const refused = once(client, 'error')
  const [[, events]] = await Promise.all([accepted(), once(client, 'secureConnect')])
  client.renegotiate({}, () => {})
  t.regex((await refused)[0].message, /no renegotiation/)
  const { name } = await events.event('error')
  t.true(
    ['SecurityError', 'NetworkInterruptError'].includes(name),
    'its alert, or its end without close_notify',
  )
  await failed(t, events, name)
  const [, others] = own.open('localhost', port, trusting())
  await Promise.all([accepted(), others.event('open')])
})

/** So many requests: more than any limit that a library has. */
const FLOOD = 4000

/** Handshakes to find out what one costs. */
const HANDSHAKES = 20

/** A request costs less than this part of a handshake. It is about a hundredth. */
const SHARE = 1 / 10

/** CPU time of `work`, in microseconds. */
async function cpuOf(work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** What a full handshake costs here and now, both ends together. */
async function costOfHandshake(own) {
  const server = await tlsServer(own, 'good', { ...TLS12, secureOptions: constants.SSL_OP_NO_TICKET })
  const shakeHands = async () => {
    const [socket, events] = own.open('localhost', server.port, trusting())
    await events.event('open')
    socket.closeImmediately()
  }
  // The first one reads the trust store.
  await shakeHands()
  const total = await cpuOf(async () => {
    for (let i = 0; i < HANDSHAKES; i++) await shakeHands()
  })
  return total / HANDSHAKES
}

/** Passes for `relayAll` behind which either side can be impersonated: what it needs is kept in `wire`. */
function tapped(wire) {
  return {
    toClient(record, index, client, server) {
      if (index === 0) Object.assign(wire, { serverHello: record, client, server })
      if (!wire.isCut) client.write(record)
    },
    toServer(record, index, _client, server) {
      if (index === 0) wire.clientHello = record
      if (!wire.isCut) server.write(record)
    },
  }
}

/**
 * Sends FLOOD records of the handshake with `content` to `raw`, and data behind them, which `events` get. Asserts that this
 * costs little.
 */
async function assertBoundedCost(t, own, { raw, events, forge, content }) {
  const handshake = await costOfHandshake(own)
  const requests = Buffer.concat(Array.from({ length: FLOOD }, () => forge(HANDSHAKE, content)))
  const end = forge(APPLICATION_DATA, Buffer.from('still here'))
  const cost = await cpuOf(async () => {
    raw.write(requests)
    raw.write(end)
    t.is(String(await events.data(10)), 'still here')
  })
  const each = cost / FLOOD
  t.true(each < handshake * SHARE, `a request costs ${each} µs, a handshake ${handshake} µs`)
}

test.serial(
  'REL-92, REL-164: a server that asks thousands of times costs our client little, and its data comes through',
  async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', { ...TLS12, ciphers: CIPHER })
    const wire = {}
    server.server.on('keylog', (line) => {
      wire.keyLog = line
    })
    const [, events] = own.open('localhost', await relayAll(own, server.port, tapped(wire)), trusting())
    await events.event('open')
    wire.isCut = true
    // The first record under these keys was Finished.
    const forge = forger('server', { ...wire, next: 1 })
    await assertBoundedCost(t, own, { raw: wire.client, events, forge, content: HELLO_REQUEST })
  },
)

test.serial(
  'REL-92, REL-164: a client that asks thousands of times costs our server little, and its data comes through',
  async (t) => {
    const own = scope(t)
    const { port, accepted } = listenSecurely(own)
    const wire = {}
    const client = nodeClient(own, await relayAll(own, port, tapped(wire)), { ...TLS12, ciphers: CIPHER })
    client.on('keylog', (line) => {
      wire.keyLog = line
    })
    const [[, events]] = await Promise.all([accepted(), once(client, 'secureConnect')])
    wire.isCut = true
    const forge = forger('client', { ...wire, next: 1 })
    const content = wire.clientHello.subarray(HEADER)
    await assertBoundedCost(t, own, { raw: wire.server, events, forge, content })
  },
)
