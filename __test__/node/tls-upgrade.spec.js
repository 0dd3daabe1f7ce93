'use strict'

// What Node's own tests say of TLS that begins with the connection or later, on one that is there already (REL-153, REL-154,
// REL-156). That plaintext queued before the upgrade comes first (REL-155) is in tls/starttls-wire.

const { setTimeout: pause } = require('node:timers/promises')

const test = require('ava')

const { gone, netClient } = require('../helpers/both-sides.js')
const { testOn } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const {
  TELLS_REASONS,
  WAYS,
  accepted,
  beforeStartTls,
  failed,
  meet,
  readExactly,
  secure,
  trusting,
} = require('../helpers/tls-peers.js')
const { STARTTLS, asked, listenSecurely, presenting, secured } = require('../helpers/tls-servers.js')

/** What node's server has where no name was asked for. */
const SNI_NONE = false

const told = testOn(test, TELLS_REASONS, 'a library that tells the name that was asked for')

test('REL-153: with TLS from the start, open waits for the handshake', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('localhost', server.port, trusting())
  const raw = await server.connection()
  // The hello is there, and nobody answers it.
  raw.unshift(await readExactly(raw, 5))
  await own.letTimeGo()
  t.deepEqual(events.types, [])
  t.is(socket.readyState, 'connecting')
  t.throws(() => socket.send('too early'), { name: 'NS_ERROR_FAILURE' })
  const session = secure(raw)
  await events.event('open')
  socket.send('secret')
  t.is(String(await readExactly(session, 6)), 'secret')
  session.end('bye')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(String(Buffer.concat(events.chunks)), 'bye')
})

test('REL-153: a socket that is connecting cannot be upgraded, and opens as it was asked to', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (peer) => peer.pipe(peer))
  const [socket, events] = own.open('127.0.0.1', server.port)
  t.throws(() => socket.upgradeToSecure(), { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' })
  t.is(socket.ssl, false)
  await events.event('open')
  socket.send('plain')
  t.is(String(await events.data(5)), 'plain')
  t.deepEqual([socket.ssl, socket.tls], [false, null])
})

for (const way of WAYS.slice(1)) {
  test(`REL-153: a socket that is open can be upgraded, with options ${way}`, async (t) => {
    const own = scope(t)
    const { ca } = trusting()
    const met = await meet(own, way, { ca })
    const session = await accepted(t, met)
    t.true(session.encrypted)
    t.true(met.socket.ssl)
  })
}

test('REL-154: 200 ms after the server began to speak the client upgrades, and every byte keeps its side', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await beforeStartTls(own)
  const greeting = ['first ', 'second ', 'third']
  for (const part of greeting) raw.write(part)
  t.is(String(await events.data(greeting.join('').length)), greeting.join(''))
  await pause(200)
  events.forgetData()
  socket.upgradeToSecure()
  socket.send('secret')
  const session = secure(raw)
  t.is(String(await readExactly(session, 6)), 'secret')
  session.end('and on')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(String(Buffer.concat(events.chunks)), 'and on')
})

test('REL-154: a server that begins TLS 200 ms after our hello arrived is waited for', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('localhost', server.port, trusting())
  const raw = await server.connection()
  raw.unshift(await readExactly(raw, 5))
  await pause(200)
  t.deepEqual(events.types, [])
  const session = secure(raw)
  await events.event('open')
  socket.send('hello')
  t.is(String(await readExactly(session, 5)), 'hello')
})

test('REL-154: a hello that was there 200 ms before our server upgrades came in the clear: an error, and nothing is misread', async (t) => {
  // Node would take it. Here what comes before the upgrade is plaintext, and a peer that does not wait is refused.
  const own = scope(t)
  const { port, accepted: connected } = own.listen(presenting())
  const raw = netClient(own, port)
  const [socket, events] = await connected()
  socket.suspend()
  const session = secured(own, raw)
  const refused = gone(session)
  await pause(200)
  socket.upgradeToSecure()
  socket.resume()
  await failed(t, events, 'SecurityError')
  t.is(events.bytes, 0)
  await refused
  t.false(session.authorized)
})

for (const [host, options, expected] of [
  ['localhost', {}, 'localhost'],
  ['127.0.0.1', {}, SNI_NONE],
  ['127.0.0.1', { servername: 'localhost' }, 'localhost'],
]) {
  for (const way of WAYS) {
    const asks = options.servername ? 'with a servername ' : ''
    test(`REL-156: a server is told ${expected || 'no name'} by a client of ${host} ${asks}(${way})`, async (t) => {
      const met = await meet(scope(t), way, { ca: trusting().ca, ...options }, { host })
      await accepted(t, met)
      t.deepEqual(met.server.names, [expected])
      if (TELLS_REASONS) t.is(met.socket.tls.servername, expected || null)
    })
  }
}

told(
  'REL-156: our server is told the name that a client of node asks for, and null where it asks for none',
  async (t) => {
    const own = scope(t)
    for (const servername of ['localhost', '']) {
      const { socket, events, raw } = await asked(own)
      socket.send('go')
      socket.upgradeToSecure()
      await readExactly(raw, 2)
      const session = secured(own, raw, { servername, checkServerIdentity: () => undefined })
      session.write(STARTTLS)
      t.is(String(await events.data(STARTTLS.length)), STARTTLS)
      t.is(socket.tls.servername, servername || null)
    }
    const { port, accepted: connected } = listenSecurely(own)
    const [, events] = own.open('localhost', port, trusting())
    const [[ours]] = await Promise.all([connected(), events.event('open')])
    t.is(ours.tls.servername, 'localhost')
  },
)
