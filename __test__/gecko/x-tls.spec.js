'use strict'

// Appendix X: TLS from the first byte, and upgradeToSecure with a peer that speaks TLS. The TLS specs go
// further; x-upgrade.spec.js has the part of X-21 that needs no such peer.

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')
const {
  beforeStartTls,
  failed,
  readExactly,
  secure,
  tap,
  tlsServer,
  trusting,
} = require('../helpers/tls-peers.js')

/** The first bytes of a TLS record that holds a handshake message. */
const HANDSHAKE_RECORD = [0x16, 0x03]

const REFUSED = [
  ['an expired certificate', 'expired', 'SecurityExpiredCertificateError'],
  ['a self-signed certificate', 'selfSigned', 'SecurityUntrustedCertificateIssuerError'],
  ['a certificate for another host', 'wrongHost', 'SecurityCertificateDomainMismatchError'],
]

test('X-20 a good certificate: open, then bytes go both ways, encrypted', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.pipe(session))
  const wire = await tap(own, server.port)
  const [socket, events] = own.open('localhost', wire.port, trusting())
  t.true(socket.ssl)
  t.is(socket.readyState, 'connecting')
  await events.event('open')
  socket.send('the password')
  t.is(String(await events.data(12)), 'the password')
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
  await wire.ended
  for (const bytes of [wire.fromClient(), wire.fromServer()]) {
    t.deepEqual([...bytes.subarray(0, 2)], HANDSHAKE_RECORD)
    t.false(bytes.includes('password'))
  }
})

for (const [what, certificate, name] of REFUSED) {
  test(`X-20 ${what}: ${name}, then close; never open, and no byte of the application leaves`, async (t) => {
    // Decision Q-08: Gecko fired open before the handshake, and then the error. Q-06: it had one name for all of them.
    const own = scope(t)
    const server = await tlsServer(own, certificate)
    const [socket, events] = own.open('localhost', server.port, trusting())
    socket.onopen = () => socket.send('the password')
    await failed(t, events, name)
    t.deepEqual(events.types, ['error', 'close'])
    t.true(socket.ssl)
    await server.ended
    t.is(server.received, '')
  })
}

test('X-20 a server that speaks no TLS: SecurityError, then close, and its text is not delivered', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('localhost', server.port, trusting())
  socket.onopen = () => socket.send('the password')
  const peer = await server.connection()
  const everything = receive(peer)
  peer.write('220 I never learned TLS\r\n')
  await failed(t, events, 'SecurityError')
  t.deepEqual(events.types, ['error', 'close'])
  const received = await everything
  t.deepEqual([...received.subarray(0, 2)], HANDSHAKE_RECORD)
  t.false(received.includes('password'))
})

test('X-21 what was queued before the upgrade goes out plain, what comes after it encrypted, all in order', async (t) => {
  const own = scope(t)
  let wire
  const via = async (port) => (wire = await tap(own, port))
  const { socket, raw } = await beforeStartTls(own, { via })
  const plain = Buffer.alloc(200_000, 'P')
  t.false(socket.send(plain))
  socket.upgradeToSecure()
  t.true(socket.ssl)
  t.false(socket.send(Buffer.alloc(100_000, 'S')))
  socket.send('the password')
  t.is(socket.bufferedAmount, 300_012)
  t.true((await readExactly(raw, plain.length)).equals(plain))
  const session = secure(raw)
  const secret = await readExactly(session, 100_012)
  t.is(String(secret), `${'S'.repeat(100_000)}the password`)
  const encrypted = wire.fromClient().subarray('STARTTLS\r\n'.length + plain.length)
  t.deepEqual([...encrypted.subarray(0, 2)], HANDSHAKE_RECORD)
  t.false(encrypted.includes('password'))
})

test('X-21 a second call does nothing: in the handshake and after it', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  t.is(socket.upgradeToSecure(), undefined)
  const session = secure(raw)
  session.write('hello')
  t.is(String(await events.data(5)), 'hello')
  t.is(socket.upgradeToSecure(), undefined)
  socket.send('still the same session')
  t.is(String(await readExactly(session, 22)), 'still the same session')
  t.deepEqual([...new Set(events.types)], ['open', 'data'])
})

for (const [what, certificate, name] of REFUSED) {
  test(`X-21 upgraded to ${what}: ${name}, then close, and nothing sent after the call arrives`, async (t) => {
    const { socket, events, raw } = await beforeStartTls(scope(t), { host: 'localhost' })
    socket.upgradeToSecure()
    socket.send('the password')
    const session = secure(raw, certificate)
    const received = receive(session).catch(() => Buffer.alloc(0))
    await failed(t, events, name, ['open'])
    t.true(socket.ssl)
    t.is(String(await received), '')
  })
}

test('X-21 a peer that hangs up in the handshake: NetworkInterruptError, then close', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  socket.send('the password')
  const hello = await readExactly(raw, 5)
  t.deepEqual([...hello.subarray(0, 2)], HANDSHAKE_RECORD)
  raw.resume().end()
  await failed(t, events, 'NetworkInterruptError', ['open'])
})
