'use strict'

// upgradeToSecure() on a connection that goes well: what it does at once, and where each byte goes (contract section
// 3.5, X-21, REL-85, REL-90, Q-46).

const { once } = require('node:events')

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { receive, scope } = require('../helpers/sockets.js')
const {
  beforeStartTls,
  failed,
  readExactly,
  secure,
  tlsServer,
  trusting,
} = require('../helpers/tls-peers.js')

test('ssl is true as soon as upgradeToSecure returns, and no event tells of the handshake', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  t.false(socket.ssl)
  t.is(socket.upgradeToSecure(), undefined)
  t.true(socket.ssl)
  t.is(socket.readyState, 'open')
  const session = secure(raw)
  session.write('secured')
  t.is(String(await events.data(7)), 'secured')
  t.deepEqual(events.types, ['open', 'data', 'data'])
})

test('the server sees the name of open as SNI', async (t) => {
  const { socket, raw } = await beforeStartTls(scope(t), { host: 'localhost' })
  socket.upgradeToSecure()
  socket.send('x')
  const session = secure(raw)
  await readExactly(session, 1)
  t.is(session.servername, 'localhost')
})

test('what is sent after the call arrives encrypted and in order, whatever it is and whenever', async (t) => {
  const { socket, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  const sent = []
  const send = (bytes) => {
    sent.push(bytes)
    socket.send(bytes)
  }
  send(Buffer.from('first in the same turn'))
  send(Buffer.alloc(300_000, 'B'))
  await Promise.resolve()
  send(Buffer.from('after a microtask'))
  const session = secure(raw)
  setImmediate(() => send(Buffer.from('in a later turn')))
  const expected = 22 + 300_000 + 17 + 15
  const got = await readExactly(session, expected)
  t.true(got.equals(Buffer.concat(sent)))
})

test('a string socket upgrades too, and both directions stay byte strings', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t), { binaryType: 'string' })
  socket.upgradeToSecure()
  socket.send('\u0000\u00ff')
  const session = secure(raw)
  t.deepEqual([...(await readExactly(session, 2))], [0, 255])
  session.write(Buffer.from([254, 0, 1]))
  await events.data(3)
  t.is(events.events.at(-1).data, '\u00fe\u0000\u0001')
})

test('a second call is a no-op: during the handshake, and after it', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await beforeStartTls(own)
  socket.upgradeToSecure()
  t.is(socket.upgradeToSecure(), undefined)
  const session = secure(raw)
  session.write('a')
  await events.data(1)
  t.is(socket.upgradeToSecure(), undefined)
  socket.send('b')
  t.is(String(await readExactly(session, 1)), 'b')
  t.is(socket.readyState, 'open')
})

test('a call is a no-op on a socket that began with TLS, and throws where it asks for what is too late', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.pipe(session))
  const [socket, events] = own.open('localhost', server.port, trusting())
  await events.event('open')
  const { tls } = socket
  for (const nothing of [undefined, null, {}, { ca: undefined, useSecureTransport: true }]) {
    t.is(socket.upgradeToSecure(nothing), undefined)
  }
  for (const options of [{ fingerprint256: 'AB'.repeat(32) }, { caOnly: true }, trusting()]) {
    t.throws(() => socket.upgradeToSecure(options), {
      instanceOf: TypeError,
      message: /^(fingerprint256|caOnly|ca): the connection is secure already$/,
    })
  }
  t.throws(() => socket.upgradeToSecure({ bogus: 1 }), { message: 'bogus: there is no such option' })
  socket.send('ping')
  t.is(String(await events.data(4)), 'ping')
  t.deepEqual(socket.tls, tls)
  t.is(server.sessions.length, 1)
  t.is(socket.readyState, 'open')
})

test('bufferedAmount counts what waits for the handshake, and drain comes when it is written', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  t.false(socket.send(Buffer.alloc(100_000)))
  t.is(socket.bufferedAmount, 100_000)
  await new Promise((resolve) => setImmediate(resolve))
  t.is(socket.bufferedAmount, 100_000, 'nothing may be written before the server has answered')
  const session = secure(raw)
  await Promise.all([events.event('drain'), readExactly(session, 100_000)])
  t.is(socket.bufferedAmount, 0)
})

test('close() in the turn of upgradeToSecure() and send() still delivers everything (Q-46)', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  const plain = Buffer.alloc(200_000, 'P')
  const encrypted = Buffer.alloc(200_000, 'S')
  socket.send(plain)
  socket.upgradeToSecure()
  socket.send(encrypted)
  socket.close()
  t.is(socket.readyState, 'closing')
  t.true((await readExactly(raw, plain.length)).equals(plain))
  const session = secure(raw)
  t.true((await receive(session)).equals(encrypted))
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
})

test('close() right after upgradeToSecure() with nothing to send ends without an error', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  socket.close()
  const session = secure(raw)
  t.is((await receive(session)).length, 0)
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('closeImmediately() during the handshake ends the socket without an error', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.upgradeToSecure()
  socket.send('never mind')
  await new Promise((resolve) => raw.once('readable', resolve))
  socket.closeImmediately()
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(socket.bufferedAmount, 0)
})

test('the handshake goes on while the socket is suspended, and data waits for resume()', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  socket.suspend()
  socket.upgradeToSecure()
  socket.send('ping')
  const session = secure(raw)
  t.is(String(await readExactly(session, 4)), 'ping')
  session.write('pong')
  // A round trip in the other direction, after which the pong is surely here.
  socket.send('ping')
  await readExactly(session, 4)
  t.is(events.bytes, 0)
  socket.resume()
  t.is(String(await events.data(4)), 'pong')
})

test('a server that speaks first inside TLS is heard', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  const session = secure(raw)
  session.write('220 inside\r\n')
  session.end()
  socket.upgradeToSecure()
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(String(await events.data(0)), '220 inside\r\n')
})

test('upgradeToSecure() throws when the socket is not open, and leaves ssl alone', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const notOpen = { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' }
  const [socket, events] = own.open('127.0.0.1', server.port)
  t.throws(() => socket.upgradeToSecure(), notOpen)
  await events.event('open')
  socket.close()
  t.throws(() => socket.upgradeToSecure(), notOpen)
  await events.closed()
  t.throws(() => socket.upgradeToSecure(), notOpen)
  t.false(socket.ssl)
})

test('upgradeToSecure() throws in onclose', async (t) => {
  const { socket, events, raw } = await beforeStartTls(scope(t))
  let thrown
  socket.onclose = () => {
    thrown = t.throws(() => socket.upgradeToSecure())
  }
  raw.end()
  await events.closed()
  t.is(thrown?.name, 'NS_ERROR_FAILURE')
})

test('upgradeToSecure() without a certificate throws on an accepted socket, which goes on in plaintext', async (t) => {
  const { accepted, clientEvents } = await scope(t).pair()
  t.throws(() => accepted.upgradeToSecure(), { instanceOf: TypeError, message: /^cert: / })
  t.false(accepted.ssl)
  t.is(accepted.readyState, 'open')
  accepted.send('plain')
  t.is(String(await clientEvents.data(5)), 'plain')
})

test('ca without useSecureTransport is for the upgrade', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await beforeStartTls(own, { ca: certificate('stranger').cert })
  secure(raw)
  socket.upgradeToSecure()
  await failed(t, events, 'SecurityUntrustedCertificateIssuerError', ['open'])
})

test('what waits for the handshakes of two sockets at once leaves on its own connection alone', async (t) => {
  const own = scope(t)
  const both = [await beforeStartTls(own), await beforeStartTls(own)]
  const texts = ['for the first', 'for the second one']
  for (const part of [0, 1]) {
    for (const [i, { socket }] of both.entries()) {
      if (part === 0) socket.upgradeToSecure()
      socket.send(texts[i].slice(part * 7, part * 7 + 7))
      if (part === 1) socket.send(texts[i].slice(14))
    }
  }
  // The one that began last is answered first.
  for (const i of [1, 0]) {
    const { socket, events, raw } = both[i]
    const session = secure(raw)
    t.is(String(await readExactly(session, texts[i].length)), texts[i])
    session.on('data', (more) => t.fail(`${more} came as well`)).resume()
    socket.close()
    await once(session, 'end')
    t.deepEqual(await events.closed(), ['open', 'close'])
  }
})
