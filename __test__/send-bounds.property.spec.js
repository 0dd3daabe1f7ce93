'use strict'

// REL-20, as properties: of the memory behind what `send` is given, exactly the chosen slice goes out, never a byte
// beside it (the class of CVE-2015-4503, which sent foreign heap memory), whatever the offsets are; and the answer and
// `bufferedAmount` count just these bytes.

const { once } = require('node:events')

const fc = require('fast-check')
const test = require('ava')

const { toPayload } = require('../lib/convert.js')
const { scope } = require('./helpers/sockets.js')
const { tlsServer, trusting } = require('./helpers/tls-peers.js')

const HIGH_WATER = 65_536

/** What surrounds each slice, and must never be seen; what is inside is never this. */
const FOREIGN = 0xee

/** Sizes around the ones at which the way into the engine changes. */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(300) },
  fc.constantFrom(
    4095,
    4096,
    64 * 1024,
    64 * 1024 + 1,
    100_000,
    128 * 1024 - 1,
    128 * 1024,
    128 * 1024 + 1,
    256 * 1024 + 1,
  ),
)

const margin = fc.oneof(fc.nat(16), fc.constant(0))

const kind = fc.constantFrom(
  'ArrayBuffer',
  'resizable ArrayBuffer',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Float64Array',
  'DataView',
  'Buffer',
  'pooled Buffer',
  'subarray',
  'string',
)

/** Anything an application may pass for an offset or a length, mostly near `size`. */
function numberNear(bytes) {
  return fc.oneof(
    { weight: 4, arbitrary: fc.nat(bytes + 2) },
    fc.constantFrom(bytes - 1, bytes, bytes + 1, 0, -0, -1, -bytes, 0.5, -0.5, 1.9, bytes + 0.5, NaN),
    fc.constantFrom(
      Infinity,
      -Infinity,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 32 + 1,
      2 ** 53,
      1e300,
      -(2 ** 31),
      -1e300,
    ),
    fc.double(),
    fc.integer(),
    fc.constantFrom(
      undefined,
      null,
      '',
      '1',
      '0x2',
      ' 3 ',
      'x',
      true,
      false,
      [],
      [2],
      {},
      { valueOf: () => 1 },
    ),
  )
}

const chosen = fc.record({ kind, size, before: margin, after: margin }).chain((input) =>
  fc.record({
    input: fc.constant(input),
    rest: fc.oneof(
      fc.constant([]),
      fc.tuple(numberNear(input.size)),
      fc.tuple(numberNear(input.size), numberNear(input.size)),
    ),
  }),
)

const ELEMENT = { Int16Array: 2, Float64Array: 8 }

let serial = 0

/** Bytes that tell where in which slice they are, and are never `FOREIGN`. */
function pattern(length) {
  serial++
  return Uint8Array.from({ length }, (_, at) => (at + serial * 31) % FOREIGN)
}

/** `{ data, bytes }`: what to send, in memory that is `FOREIGN` all around, and the bytes it stands for. */
function make({ kind: what, size: wanted, before, after }) {
  const element = ELEMENT[what] ?? 1
  const length = wanted - (wanted % element)
  const start = before * element
  const bytes = pattern(length)
  if (what === 'string') return { data: Buffer.from(bytes).toString('latin1'), bytes }
  if (what === 'ArrayBuffer') return { data: bytes.slice().buffer, bytes }
  if (what === 'resizable ArrayBuffer') {
    const data = new ArrayBuffer(length, { maxByteLength: length + after })
    new Uint8Array(data).set(bytes)
    return { data, bytes }
  }
  if (what === 'pooled Buffer') {
    // Its ArrayBuffer is shared with whatever else uses the pool.
    const data = Buffer.from(bytes)
    return { data, bytes }
  }
  const memory = new Uint8Array(start + length + after).fill(FOREIGN)
  memory.set(bytes, start)
  const { buffer } = memory
  if (what === 'DataView') return { data: new DataView(buffer, start, length), bytes }
  if (what === 'Buffer') return { data: Buffer.from(buffer, start, length), bytes }
  if (what === 'subarray') return { data: memory.subarray(start, start + length), bytes }
  return { data: new globalThis[what](buffer, start, length / element), bytes }
}

/** WebIDL's `unsigned long`: truncated, then modulo 2^32. Written out, not to be the code under test once more. */
function unsignedLong(value) {
  const number = Number(value)
  if (!Number.isFinite(number)) return 0
  const integer = Math.trunc(number)
  return ((integer % 2 ** 32) + 2 ** 32) % 2 ** 32
}

/** The bytes that must be sent, or undefined where the call must throw. Contract section 3.2. */
function expectation({ data, bytes }, [byteOffset, byteLength]) {
  if (typeof data === 'string') {
    return byteOffset === undefined && byteLength === undefined ? bytes : undefined
  }
  const from = Math.min(bytes.length, byteOffset === undefined ? 0 : unsignedLong(byteOffset))
  const most = bytes.length - from
  const count = byteLength === undefined ? most : Math.min(most, unsignedLong(byteLength))
  return bytes.slice(from, from + count)
}

function isByteString(text) {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return false
  return true
}

test('REL-20: the slice that is chosen is exactly what the contract says, for every kind of input', (t) => {
  fc.assert(
    fc.property(chosen, ({ input, rest }) => {
      const made = make(input)
      const expected = expectation(made, rest)
      let payload
      try {
        payload = toPayload(made.data, rest[0], rest[1], 'arraybuffer')
      } catch (error) {
        return expected === undefined && error instanceof TypeError
      }
      const actual = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload)
      return expected !== undefined && actual.equals(expected)
    }),
    { numRuns: 1500 },
  )
  t.pass()
})

/** An open client, and the socket of Node's at the other end: `{ socket, events, peer }`. */
const TRANSPORTS = {
  plain: (own) => own.toNode(),
  async TLS(own) {
    const server = await tlsServer(own, 'good', {}, () => {})
    const [socket, events] = own.open('localhost', server.port, trusting())
    const [[peer]] = await Promise.all([once(server.server, 'secureConnection'), events.event('open')])
    return { socket, events, peer }
  },
}

for (const [transport, numRuns] of [
  ['plain', 120],
  ['TLS', 30],
]) {
  test(`REL-20: what arrives is the slices, one after another, and every count is right (${transport})`, async (t) => {
    const own = scope(t)
    const { socket, events, peer } = await TRANSPORTS[transport](own)
    const received = []
    let bytes = 0
    peer.on('data', (chunk) => {
      received.push(chunk)
      bytes += chunk.length
      peer.emit('more')
    })
    const arrived = (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (bytes < count) return
          peer.off('more', look)
          resolve()
        }
        peer.on('more', look)
        look()
      })
    let total = 0

    await fc.assert(
      fc.asyncProperty(fc.array(chosen, { minLength: 1, maxLength: 12 }), async (calls) => {
        // All in one turn, in which nothing leaves and every count is exact.
        const sent = []
        let pending = socket.bufferedAmount
        if (pending !== 0) throw new Error(`${pending} bytes wait at the beginning`)
        let mustDrain = false
        for (const { input, rest } of calls) {
          const made = make(input)
          const expected = expectation(made, rest)
          if (expected === undefined) {
            let threw = false
            try {
              socket.send(made.data, ...rest)
            } catch (error) {
              threw = error instanceof TypeError
            }
            if (!threw) throw new Error('must be a TypeError')
          } else {
            const answer = socket.send(made.data, ...rest)
            pending += expected.length
            mustDrain ||= pending >= HIGH_WATER
            if (answer !== pending <= HIGH_WATER) throw new Error(`answered ${answer} at ${pending} bytes`)
            sent.push(expected)
            // The memory is ours again, and may be used for anything.
            if (typeof made.data !== 'string') {
              const { buffer = made.data } = made.data
              if (input.kind === 'pooled Buffer') made.data.fill(FOREIGN)
              else new Uint8Array(buffer).fill(FOREIGN)
            }
          }
          if (socket.bufferedAmount !== pending) {
            throw new Error(`bufferedAmount is ${socket.bufferedAmount}, not ${pending}`)
          }
        }
        const all = Buffer.concat(sent)
        total += all.length
        await arrived(total)
        if (mustDrain) await events.event('drain')
        if (!Buffer.concat(received.splice(0)).equals(all)) throw new Error('other bytes arrived')
        while (socket.bufferedAmount > 0) await new Promise(setImmediate)
        events.types = ['open']
        events.events = []
      }),
      { numRuns },
    )

    // Nothing more was behind any of it.
    socket.close()
    await events.closed()
    t.is(bytes, total)
  })
}

test('REL-20: on a string socket views are text, ArrayBuffers are bytes, and offsets go with the latter only', (t) => {
  fc.assert(
    fc.property(chosen, ({ input, rest }) => {
      const made = make(input)
      const isBytes = made.data instanceof ArrayBuffer
      const hasRest = rest.some((value) => value !== undefined)
      let payload
      try {
        payload = toPayload(made.data, rest[0], rest[1], 'string')
      } catch (error) {
        return error instanceof TypeError && !isBytes && (hasRest || !isByteString(String(made.data)))
      }
      if (isBytes) return Buffer.from(payload).equals(expectation(made, rest))
      return !hasRest && payload === String(made.data)
    }),
    { numRuns: 300 },
  )
  t.pass()
})

test('REL-20: a string is its bytes, or a TypeError if it has a character that is none', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary-ascii' })), (text) => {
      const isBytes = isByteString(text)
      let payload
      try {
        payload = toPayload(text, undefined, undefined, 'string')
      } catch (error) {
        return error instanceof TypeError && !isBytes
      }
      return isBytes && payload === text
    }),
    { numRuns: 1000 },
  )
  t.pass()
})
