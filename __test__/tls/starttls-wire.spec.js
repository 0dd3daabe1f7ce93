'use strict'

// What STARTTLS looks like on the wire: a proxy between the two ends records every byte. Plaintext that was queued
// before the upgrade comes first and whole, then come TLS records and nothing else (REL-155, contract section 3.5).

const { randomBytes } = require('node:crypto')

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { beforeStartTls, readExactly, recordTypes, secure, tap } = require('../helpers/tls-peers.js')

const COMMAND = 'STARTTLS\r\n'.length
const MEGABYTE = 1024 * 1024

async function tapped(t, options) {
  const own = scope(t)
  let wire
  const via = async (port) => (wire = await tap(own, port))
  return { ...(await beforeStartTls(own, { ...options, via })), wire }
}

test('REL-155: a megabyte sent before the upgrade in one turn is plain, whole and first; then TLS begins', async (t) => {
  const { socket, raw, wire } = await tapped(t)
  const plain = randomBytes(MEGABYTE)
  t.false(socket.send(plain))
  socket.upgradeToSecure()
  socket.send('secret')
  t.is(socket.bufferedAmount, MEGABYTE + 6)
  t.true((await readExactly(raw, MEGABYTE)).equals(plain))
  const session = secure(raw)
  t.is(String(await readExactly(session, 6)), 'secret')
  const sent = wire.fromClient().subarray(COMMAND)
  t.true(sent.subarray(0, MEGABYTE).equals(plain))
  const encrypted = sent.subarray(MEGABYTE)
  t.is(encrypted[0], 0x16, 'a ClientHello')
  t.true(recordTypes(encrypted).every((type) => [20, 21, 22, 23].includes(type)))
  t.false(encrypted.includes('secret'))
})

test('REL-155: several plain sends, the last one small, come before the ClientHello in order', async (t) => {
  const { socket, raw, wire } = await tapped(t)
  const pieces = ['a'.repeat(10), 'b'.repeat(70_000), 'c', 'd'.repeat(20_000), 'e']
  for (const piece of pieces) socket.send(piece)
  socket.upgradeToSecure()
  const plain = pieces.join('')
  t.is(String(await readExactly(raw, plain.length)), plain)
  socket.send('secret')
  t.is(String(await readExactly(secure(raw), 6)), 'secret')
  const sent = wire.fromClient().subarray(COMMAND + plain.length)
  t.is(sent[0], 0x16)
  t.false(sent.includes('secret'))
})

test('sends of a thousand small pieces on both sides of the upgrade keep their side and their order', async (t) => {
  const { socket, raw, wire } = await tapped(t)
  const piece = (side, i) => `${side}${String(i).padStart(7, '0')}`
  const all = (side) => Array.from({ length: 1000 }, (_, i) => piece(side, i)).join('')
  for (let i = 0; i < 1000; i++) socket.send(piece('p', i))
  socket.upgradeToSecure()
  for (let i = 0; i < 1000; i++) socket.send(piece('s', i))
  t.is(String(await readExactly(raw, 8000)), all('p'))
  t.is(String(await readExactly(secure(raw), 8000)), all('s'))
  t.false(wire.fromClient().includes(piece('s', 0)))
})

test('nothing is sent between the plaintext and the answer to the ClientHello', async (t) => {
  const { socket, raw, wire } = await tapped(t)
  socket.upgradeToSecure()
  for (let i = 0; i < 100; i++) socket.send(Buffer.alloc(10_000, 's'))
  const hello = await readExactly(raw, 5)
  raw.unshift(Buffer.concat([hello, await readExactly(raw, hello.readUInt16BE(3))]))
  // The server has not answered: what the client sent so far is one handshake record.
  t.deepEqual(recordTypes(wire.fromClient().subarray(COMMAND)), [22])
  const session = secure(raw)
  t.is((await readExactly(session, 1_000_000)).length, 1_000_000)
})

test('REL-82: close() ends TLS with a close_notify before FIN', async (t) => {
  const own = scope(t)
  let wire
  const via = async (port) => (wire = await tap(own, port))
  const { socket, events, raw } = await beforeStartTls(own, { via })
  socket.upgradeToSecure()
  socket.send('bye')
  socket.close()
  const session = secure(raw, 'good', { maxVersion: 'TLSv1.2' })
  const ended = new Promise((resolve) => session.once('end', resolve))
  t.is(String(await readExactly(session, 3)), 'bye')
  session.resume()
  await Promise.all([ended, events.closed()])
  t.is(recordTypes(wire.fromClient().subarray(COMMAND)).at(-1), 21)
})
