'use strict'

// Memory that changes under a call: buffers that are taken away, shrink, grow or change while the arguments of `send` are converted;
// memory of WebAssembly that grows; views that lie about themselves; and memory that another thread writes to. What is sent is what was
// there when `send` copied it, or nothing (REL-19, REL-20). What happens to a buffer afterwards is in reliability/send-copies.

const { once } = require('node:events')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { openAccount } = require('../helpers/ledger.js')
const { scope } = require('../../helpers/sockets.js')
const { attempt } = require('./oracle.js')
const { drink, openTo, within } = require('./states.js')
const { OwnError } = require('./values.js')

/** Around the sizes at which bytes take another way into the engine. */
const SIZES = [0, 1, 10, 5000, 131_071, 131_072, 300_000]

const ORIGINAL = 7
const CHANGED = 99

/** What the memory is seen through. Each makes `{ data, buffer }` with `size` bytes of it. */
const FORMS = {
  ArrayBuffer: (buffer) => buffer,
  Uint8Array: (buffer) => new Uint8Array(buffer),
  'a Uint8Array in the middle': (buffer, size) => new Uint8Array(buffer, size >> 1),
  DataView: (buffer) => new DataView(buffer),
  Buffer: (buffer) => Buffer.from(buffer),
}

/** What happens to it while an argument becomes a number. Each returns the bytes that there are to send, or `null` for none. */
const CHANGES = {
  nothing: (buffer) => buffer,
  'taken away': (buffer) => {
    structuredClone(buffer, { transfer: [buffer] })
    return null
  },
  'made smaller': (buffer) => {
    if (!buffer.resizable || buffer.byteLength === 0) return buffer
    buffer.resize(buffer.byteLength >> 1)
    return 'shrunk'
  },
  'made nothing': (buffer) => {
    if (!buffer.resizable) return buffer
    buffer.resize(0)
    return 'shrunk'
  },
  'made larger': (buffer) => {
    if (buffer.resizable) buffer.resize(buffer.maxByteLength)
    return buffer
  },
  overwritten: (buffer) => {
    new Uint8Array(buffer).fill(CHANGED)
    return buffer
  },
  'taken back and forth': (buffer) => {
    if (!buffer.resizable) return buffer
    const length = buffer.byteLength
    buffer.resize(0)
    buffer.resize(length)
    new Uint8Array(buffer).fill(CHANGED)
    return buffer
  },
}

for (const secure of [false, true]) {
  const kind = secure ? 'TLS' : 'plain'
  test.serial(`memory that changes while the arguments of send are converted: ${kind}`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-19', 'REL-20'],
      fault: 'memory that changes in the middle of send()',
      did: `taken away, resized and overwritten by valueOf of an offset and of a length; ${kind}`,
    })
    const own = scope(t)
    const { socket, peer } = await openTo(own, secure, 'arraybuffer')
    const all = drink(peer)
    const sent = []
    const wrong = []
    let runs = 0
    for (const size of SIZES) {
      for (const [form, view] of Object.entries(FORMS)) {
        for (const [what, change] of Object.entries(CHANGES)) {
          for (const resizable of [false, true]) {
            for (const place of ['offset', 'length']) {
              runs++
              const buffer = resizable
                ? new ArrayBuffer(size, { maxByteLength: size + 100 })
                : new ArrayBuffer(size)
              new Uint8Array(buffer).fill(ORIGINAL)
              const data = view(buffer, size)
              const length = data.byteLength
              let left
              const hostile = {
                valueOf() {
                  left = change(buffer)
                  return place === 'offset' ? 1 : length
                },
              }
              const before = socket.bufferedAmount
              const { thrown } = attempt(() =>
                place === 'offset' ? socket.send(data, hostile) : socket.send(data, 0, hostile),
              )
              const from = place === 'offset' ? Math.min(1, length) : 0
              const call = `${form} of ${size}, ${what} by its ${place}${resizable ? ', resizable' : ''}`
              const count = socket.bufferedAmount - before
              // A part of what is left may still be what was asked for: nothing, at its beginning.
              const mayThrow = left === null || left === 'shrunk'
              if (thrown !== undefined) {
                const isClear =
                  thrown instanceof TypeError && /^send: .*(?:detached|shrunk)/.test(thrown.message)
                if (!mayThrow || !isClear) wrong.push(`${call}: ${thrown}`)
                if (count !== 0) wrong.push(`${call}: threw, and sent ${count} bytes`)
                continue
              }
              if (left === null || (left === 'shrunk' && count > 0))
                wrong.push(`${call}: sent ${count} bytes that are gone`)
              if (left !== 'shrunk' && count !== length - from)
                wrong.push(`${call}: sent ${count} of ${length} bytes`)
              const byte =
                ['overwritten', 'taken back and forth'].includes(what) &&
                left === buffer &&
                (what === 'overwritten' || resizable)
                  ? CHANGED
                  : ORIGINAL
              sent.push(Buffer.alloc(count, byte))
            }
          }
        }
      }
      while (socket.bufferedAmount > 1_000_000) await new Promise(setImmediate)
    }
    t.deepEqual(wrong, [])
    socket.close()
    const got = await within(all, 'what was sent')
    peer.end()
    t.true(got.equals(Buffer.concat(sent)), `${got.length} of ${Buffer.concat(sent).length} bytes`)
    account.run({ runs })
    account.close()
  })

  test.serial(`send() within the arguments of send: ${kind}`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-13', 'REL-19'],
      fault: 'calls in the middle of send()',
      did: `send, close and exceptions in valueOf and toString of the arguments; ${kind}`,
    })
    const own = scope(t)
    const { socket, peer, events } = await openTo(own, secure, 'string')
    const all = drink(peer)
    let expected = ''
    for (const size of SIZES) {
      const text = String.fromCharCode(97 + SIZES.indexOf(size)).repeat(size)
      // The inner one comes first.
      socket.send({
        toString() {
          socket.send(`${text}1`)
          return `${text}2`
        },
      })
      socket.send(Buffer.from(text).buffer, { valueOf: () => (socket.send('3'), 2 ** 31) })
      t.throws(
        () =>
          socket.send({
            toString() {
              socket.send('4')
              throw new OwnError()
            },
          }),
        { instanceOf: OwnError },
      )
      expected += `${text}1${text}234`
      account.run({ runs: 3 })
      while (socket.bufferedAmount > 0) await new Promise(setImmediate)
    }
    t.throws(() => socket.send({ toString: () => (socket.close(), 'too late') }), {
      name: 'NS_ERROR_FAILURE',
    })
    const got = await within(all, 'what was sent')
    t.is(got.length, expected.length)
    t.true(got.equals(Buffer.from(expected)))
    peer.end()
    t.deepEqual(await within(events.closed(), 'close'), [
      'open',
      ...events.types.filter((type) => type === 'drain'),
      'close',
    ])
    account.close()
  })
}

/** A view all of whose members say something else than what it is. */
function liar(length, claims) {
  class Liar extends Uint8Array {
    static get [Symbol.species]() {
      throw new OwnError('species')
    }
  }
  const view = new Liar(length).fill(ORIGINAL)
  for (const [key, value] of Object.entries(claims)) {
    Object.defineProperty(view, key, typeof value === 'function' ? { get: value } : { value })
  }
  return view
}

const refuse = () => {
  throw new OwnError('of a view')
}

const LIES = {
  'a larger byteLength': { byteLength: 1 << 20, length: 1 << 20 },
  'a negative byteOffset': { byteOffset: -8 },
  'another buffer': { buffer: new ArrayBuffer(1 << 20) },
  'getters that throw': {
    byteLength: refuse,
    byteOffset: refuse,
    length: refuse,
    buffer: refuse,
    constructor: refuse,
  },
  'the tag of another class': { [Symbol.toStringTag]: 'Float64Array' },
  'a constructor of its own': { constructor: Object },
}

test.serial('views that lie about themselves: what they are is what is sent', async (t) => {
  const account = openAccount(t, __filename, {
    ids: ['REL-20'],
    fault: 'views that lie',
    did: 'overridden byteLength, byteOffset, length, buffer, constructor, species and toStringTag',
  })
  const own = scope(t)
  const { socket, peer } = await openTo(own, false, 'arraybuffer')
  const all = drink(peer)
  let total = 0
  for (const size of SIZES) {
    for (const claims of Object.values(LIES)) {
      const view = liar(size, claims)
      socket.send(view)
      socket.send(view, 1)
      socket.send(view, 0, 1)
      // The methods of its prototype are not asked either.
      socket.send(Object.setPrototypeOf(new Uint8Array(size).fill(ORIGINAL), null))
      socket.send(Object.setPrototypeOf(new Uint8Array(size).fill(ORIGINAL).buffer, null))
      total += 3 * size + Math.max(0, size - 1) + Math.min(1, size)
      account.run({ runs: 5 })
      t.is(socket.bytesWritten, total)
    }
  }
  socket.close()
  const got = await within(all, 'what was sent')
  peer.end()
  t.is(got.length, total)
  t.true(got.every((byte) => byte === ORIGINAL))
  account.close()
})

test.serial('memory of WebAssembly, which grows in the middle of send and afterwards', async (t) => {
  const account = openAccount(t, __filename, {
    ids: ['REL-19', 'REL-20'],
    fault: 'memory that changes in the middle of send()',
    did: 'memory of WebAssembly that grows during the call and after it',
  })
  const own = scope(t)
  const { socket, peer } = await openTo(own, false, 'arraybuffer')
  const all = drink(peer)
  let total = 0
  for (const size of SIZES.slice(1)) {
    const memory = new WebAssembly.Memory({ initial: 5, maximum: 20 })
    const fill = () => new Uint8Array(memory.buffer).fill(ORIGINAL)
    fill()
    const { thrown } = attempt(() => socket.send(memory.buffer, { valueOf: () => memory.grow(1) }, size))
    t.true(thrown instanceof TypeError && /detached/.test(thrown.message), String(thrown))
    t.is(socket.bytesWritten, total)
    fill()
    socket.send(memory.buffer, 0, size)
    new Uint8Array(memory.buffer).fill(CHANGED)
    memory.grow(1)
    total += size
    account.run({ runs: 2 })
  }
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true })
  t.throws(() => socket.send(shared.buffer), { instanceOf: TypeError, message: /^send: a SharedArrayBuffer/ })
  account.run()
  socket.close()
  const got = await within(all, 'what was sent')
  peer.end()
  t.is(got.length, total)
  t.true(got.every((byte) => byte === ORIGINAL))
  account.close()
})

/** Writes 0x00 and 0xff into shared memory, all the time. */
const SCRIBBLER = `
  const { workerData, parentPort } = require('node:worker_threads')
  const { memory, flag } = workerData
  const [bytes, stop] = [new Uint8Array(memory), new Int32Array(flag)]
  parentPort.postMessage('writes')
  for (let value = 0; Atomics.load(stop, 0) === 0; value ^= 0xff)
    for (let i = 0; i < bytes.length; i++) Atomics.store(bytes, i, value)
  parentPort.postMessage('stopped')
`

test.serial(
  'memory that another thread writes to is refused, in every form, and a copy of it is sent as it is',
  async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-19', 'REL-20'],
      fault: 'memory that another thread writes to',
      did: 'send() of shared memory in all forms, and of copies of it, while a worker writes to it with Atomics',
    })
    const own = scope(t)
    const { socket, peer } = await openTo(own, false, 'arraybuffer')
    const all = drink(peer)
    const size = 200_000
    const [memory, flag] = [new SharedArrayBuffer(size), new SharedArrayBuffer(4)]
    const worker = new Worker(SCRIBBLER, { eval: true, workerData: { memory, flag } })
    own.onEnd(() => worker.terminate())
    await within(once(worker, 'message'), 'the worker')
    const sent = []
    for (let round = 0; round < 100; round++) {
      for (const make of [
        () => memory,
        () => new Uint8Array(memory),
        () => new DataView(memory, round),
        () => Buffer.from(memory, round, 100),
        () => new Float64Array(memory),
      ]) {
        t.throws(() => socket.send(make(), round, 50), {
          instanceOf: TypeError,
          message: /^send: a SharedArrayBuffer/,
        })
        account.run()
      }
      const copy = new Uint8Array(memory).slice()
      sent.push(Buffer.from(copy))
      socket.send(copy)
      copy.set(new Uint8Array(memory))
      while (socket.bufferedAmount > 2_000_000) await new Promise(setImmediate)
    }
    Atomics.store(new Int32Array(flag), 0, 1)
    await within(once(worker, 'message'), 'the worker')
    socket.close()
    const got = await within(all, 'what was sent')
    peer.end()
    t.true(got.equals(Buffer.concat(sent)))
    account.run({ runs: 100 })
    account.close()
  },
)
