'use strict'

// REL-21: each received ArrayBuffer belongs to the application alone. A pooled one would show what came for others,
// and could not be transferred.

const { randomBytes } = require('node:crypto')

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')

/** Below and above the size of one read, and of what one event can carry. */
for (const size of [1, 100, 64 * 1024, 1 << 20]) {
  test(`REL-21: received buffers are exact, private and transferable (${size} bytes at a time)`, async (t) => {
    const own = scope(t)
    const { socket, peer } = await own.toNode()
    const rounds = 8
    const expected = []
    let pieces = []
    let bytes = 0
    let whole
    socket.ondata = ({ data }) => {
      pieces.push(data)
      bytes += data.byteLength
      if (bytes >= size) whole()
    }
    for (let round = 0; round < rounds; round++) {
      const source = randomBytes(size)
      const arrived = new Promise((resolve) => {
        whole = resolve
      })
      peer.write(source)
      await arrived
      expected.push(source)
      t.is(bytes, size)
      const buffers = new Set(pieces)
      t.is(buffers.size, pieces.length, 'each event has a buffer of its own')
      for (const piece of pieces) {
        t.true(piece instanceof ArrayBuffer)
        t.false(piece.resizable)
      }
      t.true(Buffer.concat(pieces.map((piece) => Buffer.from(piece))).equals(source))
      for (const piece of pieces) {
        const { byteLength } = piece
        if (round % 2 === 0) {
          // Scribbling over it must not reach any later one.
          new Uint8Array(piece).fill(0xee)
        } else {
          t.is(structuredClone(piece, { transfer: [piece] }).byteLength, byteLength)
          t.is(piece.byteLength, 0, 'it is gone here, so it was not shared')
        }
      }
      pieces = []
      bytes = 0
    }
  })
}

test('REL-21: what one socket received cannot be changed through what another one received', async (t) => {
  const own = scope(t)
  const [a, b] = [await own.toNode(), await own.toNode()]
  const kept = new Promise((resolve) => {
    a.socket.addEventListener('data', ({ data }) => resolve(data), { once: true })
  })
  a.peer.write('kept')
  const data = await kept
  b.socket.addEventListener('data', (event) => new Uint8Array(event.data).fill(0))
  b.peer.write(randomBytes(256 * 1024))
  await b.events.data(256 * 1024)
  t.is(Buffer.from(data).toString(), 'kept')
})

test('REL-21: a received buffer can be sent back and forth as it is', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  socket.ondata = ({ data }) => {
    socket.send(data)
    new Uint8Array(data).fill(0)
  }
  peer.write('hello')
  t.is(String(await receive(peer, 5)), 'hello')
})
