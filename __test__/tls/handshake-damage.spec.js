'use strict'

// A handshake that somebody on the way changes, cuts or resets (REL-77). Whatever the message: an error with a name and a
// reason, no open, and no byte of the application at the server; and our server goes on.

const test = require('ava')

const { deferred, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, beforeStartTls, failed, tlsServer, trusting } = require('../helpers/tls-peers.js')
const { countsFailures, listenSecurely, nodeClient } = require('../helpers/tls-servers.js')
const { HEADER, relay, relayAll } = require('../helpers/tls-wires.js')

const SECRET = Buffer.from('PASS secret\r\n')

/** Messages of the server in order, each of which OpenSSL puts in a record of its own. */
const OF_SERVER = {
  'TLSv1.2': [
    'ServerHello',
    'Certificate',
    'ServerKeyExchange',
    'ServerHelloDone',
    'NewSessionTicket',
    'ChangeCipherSpec',
    'Finished',
  ],
  'TLSv1.3': [
    'ServerHello',
    'ChangeCipherSpec',
    'EncryptedExtensions',
    'Certificate',
    'CertificateVerify',
    'Finished',
  ],
}

const OF_CLIENT = {
  'TLSv1.2': ['ClientHello', 'ClientKeyExchange', 'ChangeCipherSpec', 'Finished'],
  'TLSv1.3': ['ClientHello', 'ChangeCipherSpec', 'Finished'],
}

/** Those that are damaged: nothing protects what the others say, or they say nothing. */
const VICTIMS = [
  'ServerHello',
  'EncryptedExtensions',
  'Certificate',
  'ServerKeyExchange',
  'CertificateVerify',
  'Finished',
]

/**
 * Another bit: in a hello in what is random, so that both ends hash something else; elsewhere near the end, where
 * signatures and authentication tags are, and no lengths, which would have the receiver wait for more.
 */
function change(record, message) {
  const changed = Buffer.from(record)
  changed[message.endsWith('Hello') ? HEADER + 4 + 2 + 16 : changed.length - 10] ^= 1
  return changed
}

const half = (record) => record.subarray(0, record.length / 2)

/** What happens to a record on its way to `socket`, and what the client makes of it. */
const DAMAGES = [
  {
    what: 'is changed',
    name: /^Security/,
    act: (socket, record, message) => socket.write(change(record, message)),
  },
  {
    what: 'is cut in half by an end of the connection',
    name: /^NetworkInterruptError$/,
    reason: /ended the connection/,
    act: (socket, record) => socket.end(half(record)),
  },
  {
    what: 'is cut in half by a reset of the connection',
    name: /^NetworkError$/,
    code: 'ECONNRESET',
    act: (socket, record) => socket.write(half(record), () => socket.resetAndDestroy()),
  },
]

/** Lets pass what comes before `victim`, damages that, and lets pass what comes behind it if the connection lasts. */
function pass(socket, { what, act }, messages, victim, record, index) {
  const at = messages.indexOf(victim)
  if (index === at) act(socket, record, victim)
  else if (index < at || what === 'is changed') socket.write(record)
}

/** Asserts that the client of `events` failed as `damage` says, and that `server` got nothing of the application. */
async function assertFailed(t, events, server, { name, reason, code }, before) {
  const error = await events.when(() =>
    events.events.find(({ type }) => type === 'error' || type === 'close'),
  )
  t.regex(error.name, name)
  await failed(t, events, error.name, before)
  if (code !== undefined) t.is(error.data.code, code)
  else if (TELLS_REASONS) {
    t.regex(error.data.reason, reason ?? /./)
    t.not(error.data.reason, 'ok', 'which OpenSSL says of a certificate with which nothing is wrong')
  }
  await server.ended
  t.is(server.received, '')
}

for (const [version, messages] of Object.entries(OF_SERVER)) {
  const only = { minVersion: version, maxVersion: version }
  for (const damage of DAMAGES) {
    for (const victim of VICTIMS.filter((message) => messages.includes(message))) {
      test(`the ${victim} ${damage.what}: an error, and nothing leaks (${version})`, async (t) => {
        for (const key of ['good', 'goodRsa']) {
          const own = scope(t)
          const server = await tlsServer(own, key, only)
          const toClient = (record, index, client) => pass(client, damage, messages, victim, record, index)
          const port = await relayAll(own, server.port, { toClient })
          const [socket, events] = own.open('localhost', port, trusting())
          socket.onopen = () => socket.send(SECRET)
          await assertFailed(t, events, server, damage, [])
        }
      })
    }

    test(`the Certificate ${damage.what} after STARTTLS: what was sent does not leave (${version})`, async (t) => {
      const own = scope(t)
      const server = await tlsServer(own, 'good', only)
      const { socket, events, raw } = await beforeStartTls(own)
      const toClient = (record, index) => pass(raw, damage, messages, 'Certificate', record, index)
      relay(own, raw, server.port, { toClient })
      socket.upgradeToSecure()
      socket.send(SECRET)
      await assertFailed(t, events, server, damage, ['open'])
    })

    for (const victim of ['ClientHello', 'Finished']) {
      test(`the ${victim} of a client ${damage.what}: our server counts it, and goes on (${version})`, async (t) => {
        const own = scope(t)
        const { server, port, accepted } = listenSecurely(own)
        let connects = 0
        server.addEventListener('connect', () => connects++)
        const toServer = (record, index, _, upstream) =>
          pass(upstream, damage, OF_CLIENT[version], victim, record, index)
        const client = nodeClient(own, await relayAll(own, port, { toServer }), only)
        const gone = deferred()
        client.on('error', () => {}).on('close', gone.resolve)
        await countsFailures(server, 1)
        await gone.promise
        t.is(connects, 0)
        const [, events] = own.open('localhost', port, trusting())
        await Promise.all([accepted(), events.event('open')])
        t.is(server.failedHandshakes, 1)
      })
    }
  }
}
