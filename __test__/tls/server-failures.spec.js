'use strict'

// Handshakes with our server that fail: no connect, no event, one more in `failedHandshakes`, and the listener goes on.
// Which versions and protocols it agrees to, how long it waits, and how many strangers it can bear.

const { once } = require('node:events')

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { receive, scope } = require('../helpers/sockets.js')
const {
  CHOOSES_PROTOCOLS,
  SERVER_VERSIONS,
  TELLS_REASONS,
  failed,
  trusting,
} = require('../helpers/tls-peers.js')
const {
  countsFailures,
  listenSecurely,
  nodeClient,
  rawClient,
  refusal,
} = require('../helpers/tls-servers.js')

/** Waits of tests that would otherwise be of ten seconds; long enough for an honest client on a busy machine. */
const SHORT_MS = 500

/** As `listenSecurely`, and `connects` counts the connect events. */
function listenCounting(own, options, more) {
  const listening = listenSecurely(own, options, more)
  const counting = { ...listening, connects: 0 }
  listening.server.addEventListener('connect', () => counting.connects++)
  return counting
}

/** An honest client gets in, as the first one, and `failures` were counted before. */
async function assertGoesOn(t, own, listening, failures) {
  await countsFailures(listening.server, failures)
  const [, events] = own.open('localhost', listening.port, trusting())
  await Promise.all([listening.accepted(), events.event('open')])
  t.is(listening.connects, 1)
  t.is(listening.server.failedHandshakes, failures)
}

// First, because it takes longest: certificates are made, and the trust store is read.
test.serial('a handshake that goes well is not counted', async (t) => {
  const own = scope(t)
  await assertGoesOn(t, own, listenCounting(own), 0)
})

/** The beginning of a ClientHello. */
const HELLO_BEGINS = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

for (const [what, act] of [
  ['sends garbage', ({ raw }) => raw.write(Buffer.alloc(1000, 0xa5))],
  ['sends nothing but zeros', ({ raw }) => raw.write(Buffer.alloc(100_000))],
  ['speaks HTTP in plaintext', ({ raw }) => raw.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['sends an alert first', ({ raw }) => raw.write(Buffer.from([21, 3, 1, 0, 2, 2, 40]))],
  ['sends data instead of a hello', ({ raw }) => raw.write(Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4]))],
  ['hangs up at once', ({ raw }) => raw.end()],
  ['hangs up in its hello', ({ raw }) => raw.end(HELLO_BEGINS)],
  ['resets the connection', ({ raw }) => raw.resetAndDestroy()],
  ['resets the connection in its hello', ({ raw }) => raw.write(HELLO_BEGINS, () => raw.resetAndDestroy())],
]) {
  test(`REL-160: a client that ${what} is dropped and counted, and the listener goes on`, async (t) => {
    const own = scope(t)
    const listening = listenCounting(own)
    listening.server.onerror = () => t.fail('no event tells of it')
    const client = await rawClient(own, listening.port)
    act(client)
    await client.gone
    await assertGoesOn(t, own, listening, 1)
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a client that distrusts us is counted, and the listener goes on (${version})`, async (t) => {
    const own = scope(t)
    const listening = listenCounting(own)
    const only = {
      minVersion: version,
      maxVersion: version,
      ca: certificate('stranger').cert,
      caOnly: TELLS_REASONS,
    }
    const [, events] = own.open('localhost', listening.port, trusting(only))
    await failed(t, events, 'SecurityUntrustedCertificateIssuerError')
    await assertGoesOn(t, own, listening, 1)
  })

  const testVersion = testOn(test, SERVER_VERSIONS.includes(version), `a server that speaks ${version}`)
  testVersion(
    `minVersion and maxVersion ${version} let a client of that version in, and no other`,
    async (t) => {
      const own = scope(t)
      const other = version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2'
      const listening = listenCounting(own, { minVersion: version, maxVersion: version })
      const [, events] = own.open(
        'localhost',
        listening.port,
        trusting({ minVersion: other, maxVersion: other }),
      )
      await failed(t, events, 'SecurityUnsupportedTLSVersionError')
      const client = nodeClient(own, listening.port, { minVersion: version, maxVersion: version })
      t.is(await refusal(client), null)
      t.is(client.getProtocol(), version)
      await listening.accepted()
      await countsFailures(listening.server, 1)
      t.is(listening.connects, 1)
    },
  )
}

for (const version of ['TLSv1', 'TLSv1.1']) {
  test(`a client that speaks ${version} at most is refused and counted`, async (t) => {
    const own = scope(t)
    const listening = listenCounting(own, {}, { name: 'goodRsa' })
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }
    t.regex((await refusal(nodeClient(own, listening.port, old))).message, /protocol version/)
    await assertGoesOn(t, own, listening, 1)
  })
}

const testCiphers = testOn(test, TELLS_REASONS, 'a library whose cipher suites are ours to choose')

testCiphers('a client that has only ciphers without forward secrecy is refused and counted', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own, {}, { name: 'goodRsa' })
  const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-SHA' }
  t.regex((await refusal(nodeClient(own, listening.port, weak))).message, /handshake failure/)
  await assertGoesOn(t, own, listening, 1)
})

const testChoosing = CHOOSES_PROTOCOLS ? test : test.skip

testChoosing('of the protocols that a client offers, the first of ours is chosen', async (t) => {
  const own = scope(t)
  const { port, accepted } = listenSecurely(own, { alpnProtocols: ['imap', 'http/1.1', 'h2'] })
  const client = nodeClient(own, port, { ALPNProtocols: ['h2', 'x', 'http/1.1'] })
  t.is(await refusal(client), null)
  t.is(client.alpnProtocol, 'http/1.1')
  const [socket] = await accepted()
  t.is(socket.tls.alpnProtocol, 'http/1.1')
})

/** That of native-tls for Linux ignores ALPN then. */
const testInsisting = testOn(
  test,
  CHOOSES_PROTOCOLS && (TELLS_REASONS || process.platform !== 'linux'),
  'a library that insists on ALPN',
)

testInsisting('a client that offers other protocols only is refused and counted', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own, { alpnProtocols: ['imap'] })
  const error = await refusal(nodeClient(own, listening.port, { ALPNProtocols: ['h2', 'imapx', 'ima'] }))
  t.regex(error.message, /no application protocol/)
  await assertGoesOn(t, own, listening, 1)
})

testChoosing(
  'a client that offers no protocols is accepted, and so is one that offers them where we have none',
  async (t) => {
    const own = scope(t)
    for (const [ours, theirs] of [
      [['imap'], undefined],
      [undefined, ['imap']],
      [[], ['imap']],
    ]) {
      const { port, accepted } = listenSecurely(own, { alpnProtocols: ours })
      const client = nodeClient(own, port, { ALPNProtocols: theirs })
      t.is(await refusal(client), null)
      t.false(client.alpnProtocol)
      const [socket] = await accepted()
      t.is(socket.tls.alpnProtocol, null)
    }
  },
)

test.serial('a client that stays silent is dropped after handshakeTimeout, not before', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own, { handshakeTimeout: SHORT_MS })
  const began = performance.now()
  const client = await rawClient(own, listening.port)
  await client.gone
  t.true(performance.now() - began >= SHORT_MS - 5)
  await assertGoesOn(t, own, listening, 1)
})

test.serial('a client that sends a byte now and then does not put handshakeTimeout off', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own, { handshakeTimeout: SHORT_MS })
  const { raw, gone } = await rawClient(own, listening.port)
  raw.write(Buffer.from([22, 3, 1, 64, 0]))
  const drip = setInterval(() => raw.write(Buffer.alloc(1)), 20)
  own.onEnd(() => clearInterval(drip))
  await gone
  await assertGoesOn(t, own, listening, 1)
})

test.serial(
  'handshakeTimeout is for the handshake alone: a socket that is silent after it stays open',
  async (t) => {
    const own = scope(t)
    const { server, port, accepted } = listenSecurely(own, { handshakeTimeout: SHORT_MS })
    const [client, clientEvents] = own.open('localhost', port, trusting())
    const [[socket, events]] = await Promise.all([accepted(), clientEvents.event('open')])
    // It came later than the client, and is dropped.
    await (
      await rawClient(own, port)
    ).gone
    await countsFailures(server, 1)
    client.send('still here')
    t.is(String(await events.data(10)), 'still here')
    t.is(socket.readyState, 'open')
  },
)

test('silent clients are dropped when their time is over, and are counted', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own, { handshakeTimeout: SHORT_MS }, { backlog: 512 })
  const silent = await Promise.all(Array.from({ length: 200 }, () => rawClient(own, listening.port)))
  const [, events] = own.open('localhost', listening.port, trusting())
  const [[socket]] = await Promise.all([listening.accepted(), events.event('open')])
  t.is(socket.readyState, 'open')
  await Promise.all(silent.map(({ gone }) => gone))
  await countsFailures(listening.server, 200)
  t.is(listening.server.failedHandshakes, 200)
  t.is(listening.connects, 1)
})

test('a hundred silent clients do not keep an honest one waiting at all', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own)
  const silent = await Promise.all(Array.from({ length: 100 }, () => rawClient(own, listening.port)))
  await assertGoesOn(t, own, listening, 0)
  t.true(silent.every(({ raw }) => !raw.destroyed))
})

test('close() during handshakes drops them: no connect, and their clients see the end', async (t) => {
  const own = scope(t)
  const listening = listenCounting(own)
  const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(own, listening.port)))
  for (const { raw } of clients.slice(10)) raw.write(HELLO_BEGINS)
  // The first of them are with the listener when a later one is through.
  const [, events] = own.open('localhost', listening.port, trusting())
  await Promise.all([listening.accepted(), events.event('open')])
  listening.server.close()
  await Promise.all(clients.map(({ gone }) => gone))
  t.is(listening.connects, 1)
  t.is(listening.server.failedHandshakes, 0, 'it was us who ended them')
})

test('close() in the moment when a handshake ends: no connect, and the client sees the end', async (t) => {
  for (let i = 0; i < 10; i++) {
    const own = scope(t)
    const listening = listenCounting(own)
    const client = nodeClient(own, listening.port, { minVersion: 'TLSv1.3' })
    client.on('error', () => {})
    const gone = new Promise((resolve) => client.once('close', resolve))
    // The client is through before the server is.
    client.once('secureConnect', () => listening.server.close())
    await gone
    t.is(listening.connects, 0)
  }
})

test('failedHandshakes can be read after close(), and is 0 without TLS', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  const client = await rawClient(own, listening.port)
  client.raw.end('x')
  await client.gone
  await countsFailures(listening.server, 1)
  listening.server.close()
  t.is(listening.server.failedHandshakes, 1)
  t.is(own.listen().server.failedHandshakes, 0)
})

test('accepted sockets outlive their listener', async (t) => {
  const own = scope(t)
  const { server, port, accepted } = listenSecurely(own)
  const client = nodeClient(own, port)
  const [[socket, events]] = await Promise.all([accepted(), once(client, 'secureConnect')])
  server.close()
  client.write('ping')
  t.is(String(await events.data(4)), 'ping')
  socket.send('pong')
  socket.close()
  t.is(String(await receive(client)), 'pong')
})

test('an accepted socket is closed when nobody listens for connect', async (t) => {
  const own = scope(t)
  const { server, port } = listenSecurely(own)
  server.onconnect = null
  const client = nodeClient(own, port)
  client.resume()
  t.is(await refusal(client), null)
  await once(client, 'end')
  t.is(server.failedHandshakes, 0)
})
