'use strict'

// What Node's own tests say of TLS connections that fail: a certificate that is not trusted, versions that do not meet, a record
// that was changed, and a peer that goes during the handshake (REL-157, REL-159, REL-160). Junk instead of a handshake (REL-158)
// is in tls/load.

const { once } = require('node:events')

const test = require('ava')

const { meetNode } = require('../helpers/both-sides.js')
const { testOn } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const {
  TELLS_REASONS,
  WAYS,
  failed,
  meet,
  readExactly,
  refused,
  secure,
  tlsServer,
  trusting,
} = require('../helpers/tls-peers.js')
const { countsFailures, listenSecurely, nodeClient, rawClient } = require('../helpers/tls-servers.js')
const { APPLICATION_DATA, relayAll } = require('../helpers/tls-wires.js')

for (const [certificate, name, reason] of [
  ['unknownIssuer', 'SecurityUntrustedCertificateIssuerError', /issuer|signed/],
  ['selfSigned', 'SecurityUntrustedCertificateIssuerError', /self-signed/],
  ['expired', 'SecurityExpiredCertificateError', /expired/],
  ['wrongHost', 'SecurityCertificateDomainMismatchError', /mismatch/],
]) {
  for (const way of WAYS) {
    test(`REL-157: a certificate called ${certificate} is ${name}, and nothing of the server is heard (${way})`, async (t) => {
      const own = scope(t)
      const met = await meet(own, way, { ca: trusting().ca }, { name: certificate })
      // It speaks first, as soon as it can.
      met.server.server.on('secureConnection', (session) => session.write('welcome'))
      const { data } = await refused(t, met, name)
      t.is(met.events.bytes, 0)
      t.true(data.message.includes('localhost port '), data.message)
      if (TELLS_REASONS) t.regex(data.reason, reason)
    })
  }
}

test('REL-157: a certificate that is trusted opens the socket, before any data', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.write('welcome'))
  const [socket, events] = own.open('localhost', server.port, trusting())
  t.is(String(await events.data(7)), 'welcome')
  t.deepEqual(events.types, ['open', 'data'])
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
})

/** Asserts that the connection of `events` echoes. */
async function echoes(t, { socket, events }) {
  const { bytes } = events
  socket.send('echo')
  await events.data(bytes + 4)
  t.is(String(Buffer.concat(events.chunks).subarray(bytes)), 'echo')
}

test('REL-159: an alert for the version is an error and a close, and other connections do not notice', async (t) => {
  const own = scope(t)
  const bystander = await meetNode(own, 'client', { secure: true })
  bystander.peer.pipe(bystander.peer)
  await echoes(t, bystander)
  const old = await tlsServer(own, 'good', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  const [, events] = own.open('localhost', old.port, trusting())
  await failed(t, events, 'SecurityUnsupportedTLSVersionError')
  await echoes(t, bystander)
})

const EXCHANGES = 3

/** Passes on the records of one side, but for the last byte of the first that comes when `wire.isBad`. */
const spoiling = (wire) => (record, _index, client, server) => {
  if (wire.isBad && record[0] === APPLICATION_DATA) record[record.length - 1] ^= 1
  wire.to({ client, server }).write(record)
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  test(`REL-159: a bad record after ${EXCHANGES} exchanges is an error and a close, for that client alone (${version})`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'good', only, (session) => session.pipe(session))
    const wire = { to: ({ client }) => client }
    const port = await relayAll(own, server.port, { toClient: spoiling(wire) })
    const [victim, bystander] = [port, server.port].map((to) => {
      const [socket, events] = own.open('localhost', to, trusting())
      return { socket, events }
    })
    for (const { events } of [victim, bystander]) await events.event('open')
    for (let exchange = 0; exchange < EXCHANGES; exchange++) await echoes(t, victim)
    wire.isBad = true
    victim.socket.send('never heard again')
    await failed(t, victim.events, 'SecurityError', ['open'])
    t.is(victim.events.bytes, 4 * EXCHANGES)
    await echoes(t, bystander)
  })

  const servesVersion = testOn(test, TELLS_REASONS || version === 'TLSv1.2', 'a server with TLS 1.3')
  servesVersion(
    `REL-159: a bad record after ${EXCHANGES} exchanges breaks one connection of our server, and no other (${version})`,
    async (t) => {
      const own = scope(t)
      const { server, port, accepted } = listenSecurely(own)
      server.addEventListener('connect', ({ socket }) =>
        socket.addEventListener('data', ({ data }) => socket.send(data)),
      )
      const wire = { to: (ends) => ends.server }
      const spoilt = await relayAll(own, port, { toServer: spoiling(wire) })
      const victim = nodeClient(own, spoilt, only)
      victim.on('error', () => {})
      const [[, events]] = await Promise.all([accepted(), once(victim, 'secureConnect')])
      const bystander = nodeClient(own, port, only)
      const [[, others]] = await Promise.all([accepted(), once(bystander, 'secureConnect')])
      for (let exchange = 0; exchange < EXCHANGES; exchange++) {
        victim.write('echo')
        t.is(String(await readExactly(victim, 4)), 'echo')
      }
      wire.isBad = true
      victim.write('never heard')
      await failed(t, events, 'SecurityError')
      t.is(events.bytes, 4 * EXCHANGES)
      bystander.write('echo')
      t.is(String(await readExactly(bystander, 4)), 'echo')
      t.deepEqual(
        others.types.filter((type) => type !== 'data'),
        [],
      )
    },
  )
}

/** What the end and the reset of a server during the handshake are called. */
const GOING = {
  ends: [(raw) => raw.end(), 'NetworkInterruptError'],
  resets: [(raw) => raw.resetAndDestroy(), 'NetworkError'],
}

for (const [how, [go, name]] of Object.entries(GOING)) {
  test(`REL-160: a server that ${how} before, in or right after the hello: ${name}, then close`, async (t) => {
    const own = scope(t)
    const moments = {
      'at once': go,
      'when the hello begins': (raw) => raw.once('data', () => go(raw)),
      'with half an answer': (raw) =>
        raw.once('data', () => raw.write(Buffer.from([22, 3, 3, 0, 100, 2, 0, 0]), () => go(raw))),
    }
    for (const [moment, act] of Object.entries(moments)) {
      const server = await own.netServer({}, act)
      for (let round = 0; round < 3; round++) {
        const [, events] = own.open('localhost', server.port, trusting())
        await failed(t, events, name, [], moment)
      }
    }
  })

  test(`REL-160: a server that ${how} after its own hello: ${name}, then close`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    const toClient = (record, _index, client) => client.write(record, () => go(client))
    const port = await relayAll(own, server.port, { toClient })
    const [, events] = own.open('localhost', port, trusting({ maxVersion: 'TLSv1.2' }))
    await failed(t, events, name)
  })

  test(`REL-160: clients of node that go (${how}) before or in the handshake are counted, and the next is served`, async (t) => {
    const own = scope(t)
    const { server, port, accepted } = listenSecurely(own)
    let connects = 0
    server.addEventListener('connect', () => connects++)
    const HELLO_BEGINS = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
    const moments = [(raw) => go(raw), (raw) => raw.write(HELLO_BEGINS, () => go(raw))]
    for (const act of moments) {
      const { raw, gone } = await rawClient(own, port)
      act(raw)
      await gone
    }
    // And one that breaks off when it has heard the server.
    const honest = await own.netServer({}, async (raw) => {
      const { raw: upstream } = await rawClient(own, port)
      raw.pipe(upstream)
      upstream.once('data', () => go(upstream))
    })
    nodeClient(own, honest.port).on('error', () => {})
    await countsFailures(server, moments.length + 1)
    t.is(connects, 0)
    const client = nodeClient(own, port)
    await Promise.all([accepted(), once(client, 'secureConnect')])
    t.is(server.failedHandshakes, moments.length + 1)
  })
}

test('REL-160: a peer that goes right after the handshake is heard of as every other', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [, events] = own.open('localhost', server.port, trusting())
  const raw = await server.connection()
  const session = secure(raw)
  await events.event('open')
  raw.resetAndDestroy()
  session.destroy()
  const { data } = await failed(t, events, 'NetworkError', ['open'])
  t.is(data.code, 'ECONNRESET')
})
