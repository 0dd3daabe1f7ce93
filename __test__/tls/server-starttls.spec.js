'use strict'

// upgradeToSecure() on accepted sockets: with the certificate of the listener or one of its own, against clients of
// three makes. When it goes well, that is.

const { once } = require('node:events')

const test = require('ava')

const { testWith } = require('../helpers/peers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { receive, scope } = require('../helpers/sockets.js')
const {
  CHOOSES_PROTOCOLS,
  GO_AHEAD,
  readExactly,
  readLine,
  recordTypes,
  trusting,
} = require('../helpers/tls-peers.js')
const { STARTTLS, asked, nodeClient, presenting, sClient, secured } = require('../helpers/tls-servers.js')

const identity = (name = 'good') => ({ cert: certificate(name).cert, key: certificate(name).key })

/** A mail server of a few lines, on accepted sockets: `upgrade` is what it does after its go-ahead. */
function smtpServer(own, options, upgrade) {
  const { server, port } = own.listen({ ...options, binaryType: 'string' })
  const seen = { plain: [], encrypted: [], sockets: [] }
  const answers = { EHLO: '250-localhost\r\n250 STARTTLS\r\n', QUIT: '221 bye\r\n' }
  server.addEventListener('connect', ({ socket }) => {
    let input = ''
    seen.sockets.push(socket)
    socket.send('220 localhost ESMTP\r\n')
    socket.addEventListener('data', ({ data }) => {
      input += data
      for (let end; (end = input.indexOf('\r\n')) >= 0; input = input.slice(end + 2))
        answer(input.slice(0, end))
    })
    const answer = (line) => {
      seen[socket.ssl ? 'encrypted' : 'plain'].push(line)
      const command = line.split(' ', 1)[0].toUpperCase()
      if (command === 'STARTTLS') {
        socket.send(GO_AHEAD)
        upgrade(socket)
      } else {
        socket.send(answers[command] ?? '500 what?\r\n')
        if (command === 'QUIT') socket.close()
      }
    }
  })
  return { port, seen }
}

/** Where the certificate may come from: options of the listener, and what upgradeToSecure is called with. */
const SOURCES = [
  ['of the listener', () => presenting(), () => []],
  ['given to upgradeToSecure()', () => ({ binaryType: 'arraybuffer' }), () => [identity()]],
  [
    'given to upgradeToSecure() instead of the one of the listener',
    () => presenting('wrongHost'),
    () => [identity()],
  ],
]

for (const [what, listener, upgrade] of SOURCES) {
  test(`the certificate ${what}: our own client upgrades, and data goes both ways`, async (t) => {
    const own = scope(t)
    const { port, accepted } = own.listen(listener())
    const [client, clientEvents] = own.open('localhost', port, trusting({ useSecureTransport: false }))
    const [[socket, events]] = await Promise.all([accepted(), clientEvents.event('open')])
    t.false(socket.ssl)
    t.is(socket.tls, null)
    client.send(STARTTLS)
    await events.data(STARTTLS.length)
    socket.send(GO_AHEAD)
    t.is(socket.upgradeToSecure(...upgrade()), undefined)
    t.true(socket.ssl)
    t.is(socket.tls, null, 'the handshake is not done')
    await clientEvents.data(GO_AHEAD.length)
    client.upgradeToSecure()
    client.send('secret')
    t.is(String((await events.data(STARTTLS.length + 6)).subarray(STARTTLS.length)), 'secret')
    t.is(socket.tls.peerCertificate, null)
    t.is(socket.tls.alpnProtocol, null)
    const bytes = Buffer.alloc(3_000_000, 'S')
    socket.send(bytes)
    socket.close()
    t.deepEqual(await clientEvents.closed(), ['open', 'close'])
    t.is(clientEvents.bytes, GO_AHEAD.length + bytes.length)
    t.deepEqual(await events.closed(), ['drain', 'close'])
  })

  test(`the certificate ${what}: node:tls upgrades`, async (t) => {
    const own = scope(t)
    const { socket, events, raw } = await asked(own, listener())
    socket.send(GO_AHEAD)
    socket.upgradeToSecure(...upgrade())
    t.is(await readLine(raw), '220 go ahead')
    const session = secured(own, raw)
    await once(session, 'secureConnect')
    session.write('ping')
    t.is(String(await events.data(4)), 'ping')
    socket.send('pong')
    t.is(String(await readExactly(session, 4)), 'pong')
    session.end()
    t.deepEqual(await events.closed(), ['close'])
  })

  testWith(
    test,
    'openssl',
    `the certificate ${what}: openssl s_client -starttls smtp upgrades`,
    async (t) => {
      const own = scope(t)
      const { port, seen } = smtpServer(own, listener(), (socket) => socket.upgradeToSecure(...upgrade()))
      const client = sClient(own, port, '-starttls', 'smtp', '-quiet', '-verify_hostname', 'localhost')
      client.child.stdin.write('EHLO inside\r\n')
      t.truthy(await client.says(/^250 STARTTLS/m), client.output())
      client.child.stdin.write('QUIT\r\n')
      t.truthy(await client.says(/^221 bye/m), client.output())
      t.is(await client.exited, 0, client.output())
      t.deepEqual(
        seen.plain.map((line) => line.split(' ')[0]),
        ['EHLO', 'STARTTLS'],
      )
      t.deepEqual(seen.encrypted, ['EHLO inside', 'QUIT'])
    },
  )
}

test('what is sent before the call leaves in the clear and at once, what is sent after it encrypted', async (t) => {
  const own = scope(t)
  const { socket, raw, wire } = await asked(own)
  const plain = Buffer.alloc(200_000, 'P')
  const secret = Buffer.alloc(200_000, 'S')
  socket.send(plain)
  socket.upgradeToSecure()
  socket.send(secret)
  socket.close()
  t.true((await readExactly(raw, plain.length)).equals(plain), 'it does not wait for the client')
  t.is(socket.readyState, 'closing')
  t.is(wire.fromServer().length, plain.length, 'a server does not speak first in TLS')
  const session = secured(own, raw)
  t.true((await receive(session)).equals(secret))
  const after = wire.fromServer().subarray(plain.length)
  t.true(recordTypes(after).every((type) => [20, 21, 22, 23].includes(type)))
  t.false(after.includes('SSSSSSSS'))
})

test('a second call does nothing, and throws where it asks for something else: before, during and after the handshake', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await asked(own)
  socket.send(GO_AHEAD)
  socket.upgradeToSecure()
  t.is(socket.upgradeToSecure(), undefined)
  const late = { instanceOf: TypeError, message: 'cert: the connection is secure already' }
  t.throws(() => socket.upgradeToSecure(identity('wrongHost')), late)
  t.throws(() => socket.upgradeToSecure({ cert: 7 }), { instanceOf: TypeError, message: /^cert 7: / })
  await readLine(raw)
  const session = secured(own, raw)
  session.write('a')
  await events.data(1)
  t.is(socket.upgradeToSecure(), undefined)
  socket.send('b')
  t.is(String(await readExactly(session, 1)), 'b')
  t.is(session.getPeerCertificate().subject.CN, 'localhost')
})

test('on a socket that began with TLS the call does nothing', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen(presenting('good', { useSecureTransport: true }))
  const client = nodeClient(own, port)
  const [[socket]] = await Promise.all([accepted(), once(client, 'secureConnect')])
  t.is(socket.upgradeToSecure(), undefined)
  socket.send('x')
  t.is(String(await readExactly(client, 1)), 'x')
})

test('without a certificate the call throws a TypeError, and the socket goes on in plaintext', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await asked(own, { binaryType: 'arraybuffer' })
  for (const options of [undefined, null, {}, { alpnProtocols: ['smtp'] }, { handshakeTimeout: 5 }]) {
    t.throws(() => socket.upgradeToSecure(options), { instanceOf: TypeError, message: /^cert: / })
    t.false(socket.ssl)
    t.is(socket.readyState, 'open')
  }
  socket.send('454 TLS not available\r\n')
  t.is(await readLine(raw), '454 TLS not available')
  raw.write('QUIT\r\n')
  t.is(String(await events.data(6)), 'QUIT\r\n')
})

test('options given without a certificate do not borrow the one of the listener', async (t) => {
  const { socket } = await asked(scope(t))
  t.throws(() => socket.upgradeToSecure({ minVersion: 'TLSv1.3' }), {
    instanceOf: TypeError,
    message: /^cert: /,
  })
  t.false(socket.ssl)
})

const testChoosing = CHOOSES_PROTOCOLS ? test : test.skip

testChoosing('options given to upgradeToSecure() count: protocols and versions', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await asked(own, presenting('good', { alpnProtocols: ['no'] }))
  socket.send(GO_AHEAD)
  socket.upgradeToSecure({ ...identity(), maxVersion: 'TLSv1.2', alpnProtocols: ['b', 'a'] })
  await readLine(raw)
  const session = secured(own, raw, { ALPNProtocols: ['a', 'b'] })
  session.write('x')
  await events.data(1)
  t.is(session.alpnProtocol, 'b')
  t.is(session.getProtocol(), 'TLSv1.2')
  t.is(socket.tls.alpnProtocol, 'b')
})

test('the handshake goes on while the socket is suspended, and data waits for resume()', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await asked(own)
  socket.suspend()
  socket.send(GO_AHEAD)
  socket.upgradeToSecure()
  await readLine(raw)
  const session = secured(own, raw)
  session.write('ping')
  socket.send('pong')
  t.is(String(await readExactly(session, 4)), 'pong')
  t.is(events.bytes, 0)
  socket.resume()
  t.is(String(await events.data(4)), 'ping')
})

test('closeImmediately() during the handshake ends the socket without an error', async (t) => {
  const { socket, events, raw, gone } = await asked(scope(t))
  raw.resume()
  socket.upgradeToSecure()
  socket.send('never mind')
  socket.closeImmediately()
  t.deepEqual(await events.closed(), ['close'])
  await gone
})
