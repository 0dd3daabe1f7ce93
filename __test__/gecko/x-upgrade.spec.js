'use strict'

// Appendix X: upgradeToSecure, as far as no peer that speaks TLS is needed. The rest of, are in
// x-tls.spec.js.

const { once } = require('node:events')

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const api = require('../../index.js')

const notOpen = { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' }

/** The first bytes of a TLS record that holds a handshake message. */
const HANDSHAKE_RECORD = [0x16, 0x03]

test('X-21 upgradeToSecure throws unless the socket is open, and leaves ssl false', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', port)
  t.throws(() => socket.upgradeToSecure(), notOpen)
  await events.event('open')
  socket.close()
  t.is(socket.readyState, 'closing')
  t.throws(() => socket.upgradeToSecure(), notOpen)
  await events.closed()
  t.throws(() => socket.upgradeToSecure(), notOpen)
  t.throws(() => api.mozTCPSocket.upgradeToSecure(), notOpen)
  t.false(socket.ssl)
})

test('X-21 ssl is true as soon as upgradeToSecure returns, and stays so when the handshake fails', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  t.false(socket.ssl)
  t.is(socket.upgradeToSecure(), undefined)
  t.true(socket.ssl)
  t.is(socket.readyState, 'open')
  peer.destroy()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.true(socket.ssl)
})

test('X-21 what was sent before goes out as it is, then TLS begins, and nothing sent after is readable', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  socket.send('STARTTLS\r\n')
  socket.upgradeToSecure()
  socket.send('the password')
  t.is(socket.bufferedAmount, 'STARTTLS\r\nthe password'.length)
  const received = await receive(peer, 100)
  t.is(received.toString('latin1', 0, 10), 'STARTTLS\r\n')
  t.deepEqual([...received.subarray(10, 12)], HANDSHAKE_RECORD)
  await settle(api)
  const all = Buffer.concat([received, peer.read() ?? Buffer.alloc(0)])
  t.false(all.includes('password'))
})

test('X-21 a second call does nothing', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.upgradeToSecure()
  t.notThrows(() => socket.upgradeToSecure())
  await once(peer, 'readable')
  const hello = peer.read()
  t.deepEqual([...hello.subarray(0, 2)], HANDSHAKE_RECORD)
  await settle(api)
  t.notThrows(() => socket.upgradeToSecure())
  // One ClientHello, whole: its length is in bytes 3 and 4 of the record.
  t.is(hello.length, 5 + hello.readUInt16BE(3))
  t.is(peer.read(), null)
  t.deepEqual(events.types, ['open'])
})

test('X-21 a peer that ends the connection instead is a NetworkInterruptError, then close', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.upgradeToSecure()
  await once(peer, 'readable')
  peer.resume().end()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.is((await events.event('error')).name, 'NetworkInterruptError')
})

test('X-21 a peer that answers in plain text is a security error, then close, and its text is not delivered', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  socket.upgradeToSecure()
  socket.send('the password')
  let received = ''
  peer.setEncoding('latin1').on('data', (text) => {
    if (received === '') peer.write('220 go ahead, but I never learned TLS\r\n')
    received += text
  })
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  const error = await events.event('error')
  t.regex(error.name, /^Security/)
  t.is(error.message, 'SecurityProtocol')
  t.is(error.data.name, error.name)
  t.is(events.bytes, 0)
  await settle(api)
  t.false(received.includes('password'))
})

test('X-21 bytes that came before the upgrade, but were not delivered yet, fail it', async (t) => {
  // They would look as if they had come through TLS: how STARTTLS is attacked.
  const { socket, events, peer } = await scope(t).toNode()
  socket.suspend()
  await new Promise((resolve) => peer.write('250 injected\r\n', resolve))
  await settle(api)
  socket.upgradeToSecure()
  socket.resume()
  t.deepEqual(await events.closed(), ['open', 'error', 'close'])
  t.regex((await events.event('error')).name, /^Security/)
  t.is(events.bytes, 0)
})

test('X-21 an accepted socket without a certificate throws, says why, and goes on in plain text', async (t) => {
  // Decision Q-24: in the second generation ssl became true, and everything still went out in the clear.
  const { accepted, clientEvents } = await scope(t).pair()
  t.throws(() => accepted.upgradeToSecure(), { instanceOf: TypeError, message: /^cert: / })
  t.false(accepted.ssl)
  accepted.send('still here')
  t.is(String(await clientEvents.data(10)), 'still here')
})
