'use strict'

// REL-20: buffers that are gone, shared, too large or none at all. Nothing of foreign memory is sent, and a call that
// throws has sent nothing.

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')

const GIB = 2 ** 30

/** A buffer that was transferred away. */
function detached(size = 8) {
  const buffer = new ArrayBuffer(size)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

function detachedView(View) {
  const view = new View(new ArrayBuffer(8))
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

const UNUSABLE = {
  'a detached ArrayBuffer': () => detached(),
  'a large detached ArrayBuffer': () => detached(1 << 20),
  'a detached Uint8Array': () => detachedView(Uint8Array),
  'a detached Float64Array': () => detachedView(Float64Array),
  'a detached DataView': () => detachedView(DataView),
  'a SharedArrayBuffer': () => new SharedArrayBuffer(8),
  'a view on a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(8)),
  'a DataView outside a buffer that shrank': () => {
    const buffer = new ArrayBuffer(16, { maxByteLength: 16 })
    const view = new DataView(buffer, 8, 8)
    buffer.resize(4)
    return view
  },
  undefined: () => undefined,
  null: () => null,
  'a number': () => 42,
  'an array': () => [1, 2, 3],
  'an object': () => ({ byteLength: 8, buffer: new ArrayBuffer(8) }),
  'a function': () => () => {},
  'a symbol': () => Symbol('bytes'),
  'a character that is no byte': () => 'abc\u0100',
}

for (const [what, make] of Object.entries(UNUSABLE)) {
  test(`REL-20: ${what} is refused with a TypeError, and nothing is sent`, async (t) => {
    const { socket, peer } = await scope(t).toNode()
    socket.send('before ')
    for (const rest of [[], [0], [0, 8], [4, 2 ** 40]]) {
      t.throws(() => socket.send(make(), ...rest), { instanceOf: TypeError })
    }
    t.is(socket.bufferedAmount, 7)
    t.true(socket.send('after'))
    t.is(String(await receive(peer, 12)), 'before after')
  })
}

test('REL-20: a buffer that is detached or shared is refused on a string socket as well', async (t) => {
  const { socket, peer } = await scope(t).toNode({})
  t.throws(() => socket.send(detached()), { instanceOf: TypeError, message: /^send: .*detached/ })
  t.throws(() => socket.send(new SharedArrayBuffer(8)), { instanceOf: TypeError, message: /^send: .*Shared/ })
  socket.send('after')
  t.is(String(await receive(peer, 5)), 'after')
})

test('REL-20: a symbol is refused on a string socket as well', async (t) => {
  const { socket, peer } = await scope(t).toNode({})
  t.throws(() => socket.send(Symbol('text')), { instanceOf: TypeError })
  socket.send('after')
  t.is(String(await receive(peer, 5)), 'after')
})

test('REL-20: a buffer that is detached, or shrinks, while the arguments are converted sends nothing foreign', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const vanishing = new ArrayBuffer(64)
  const transfer = { valueOf: () => (structuredClone(vanishing, { transfer: [vanishing] }), 0) }
  t.throws(() => socket.send(vanishing, transfer, 64), { instanceOf: TypeError })

  const shrinking = new ArrayBuffer(64, { maxByteLength: 64 })
  new Uint8Array(shrinking).fill(7)
  const shrink = { valueOf: () => (shrinking.resize(4), 64) }
  try {
    socket.send(shrinking, 0, shrink)
  } catch (error) {
    t.true(error instanceof RangeError || error instanceof TypeError)
  }
  const sent = socket.bufferedAmount
  t.true(sent === 0 || sent === 4, `${sent} bytes`)
  socket.send('end')
  const all = await receive(peer, sent + 3)
  t.deepEqual([...all.subarray(0, sent)], Array(sent).fill(7))
  t.is(String(all.subarray(sent)), 'end')
})

test('REL-20: nothing is a valid thing to send: true, no bytes, no drain', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  const empty = [
    new ArrayBuffer(0),
    new Uint8Array(0),
    new DataView(new ArrayBuffer(4), 4),
    Buffer.alloc(0),
    '',
  ]
  for (const nothing of empty) {
    t.true(socket.send(nothing))
    t.is(socket.bufferedAmount, 0)
  }
  t.true(socket.send(new ArrayBuffer(8), 8))
  t.true(socket.send(new ArrayBuffer(8), 0, 0))
  socket.send('x')
  t.is(String(await receive(peer, 1)), 'x')
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('REL-20: 4 GiB at once are refused with a RangeError, and the socket goes on', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  // Memory that is never touched costs nothing; a sandbox may refuse it all the same.
  const huge = new ArrayBuffer(4 * GIB)
  t.throws(() => socket.send(huge), { instanceOf: RangeError })
  t.is(socket.bufferedAmount, 0)
  t.true(socket.send('after'))
  t.is(String(await receive(peer, 5)), 'after')
})

test('REL-20: a few bytes of a buffer of more than 4 GiB can be sent', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const huge = new ArrayBuffer(4 * GIB + 8)
  new Uint8Array(huge, 0, 4).set([1, 2, 3, 4])
  t.true(socket.send(huge, 1, 2))
  t.is(socket.bufferedAmount, 2)
  socket.send('.')
  t.deepEqual([...(await receive(peer, 3))], [2, 3, 46])
})
