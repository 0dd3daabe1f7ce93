'use strict'

// Every kind of value that a caller can pass, by name: what JavaScript has, what its standard library makes, and what was made to do
// harm. Each is made anew for each call, because a call may use one up.

const vm = require('node:vm')

const { TCPServerSocketEvent, TCPSocket, TCPSocketErrorEvent, TCPSocketEvent } = require('../../../index.js')

/** What the code of a hostile value throws: its own, so that it is not taken for an error of ours. */
class OwnError extends Error {}

const refuse = () => {
  throw new OwnError('of the argument itself')
}

/** Reads, in another realm. */
const elsewhere = vm.createContext({})
const inOtherRealm = (code) => vm.runInContext(code, elsewhere)

/** Every trap of a Proxy refuses. */
const HOSTILE_TRAPS = Object.fromEntries(
  [
    'apply construct defineProperty deleteProperty get getOwnPropertyDescriptor getPrototypeOf has isExtensible ownKeys',
    'preventExtensions set setPrototypeOf',
  ]
    .join(' ')
    .split(' ')
    .map((trap) => [trap, refuse]),
)

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function detached(make) {
  const value = make()
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  structuredClone(buffer, { transfer: [buffer] })
  return value
}

function outOfBounds(View) {
  const buffer = new ArrayBuffer(16, { maxByteLength: 16 })
  const view = new View(buffer, 8, 1)
  buffer.resize(4)
  return view
}

function lengthTracking() {
  const buffer = new ArrayBuffer(4, { maxByteLength: 16 })
  const view = new Uint8Array(buffer)
  view.fill(5)
  buffer.resize(8)
  return view
}

class Subclass extends TCPSocket {}

const PRIMITIVES = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  false: () => false,
  0: () => 0,
  '-0': () => -0,
  1: () => 1,
  2: () => 2,
  1.5: () => 1.5,
  '-1': () => -1,
  NaN: () => NaN,
  Infinity: () => Infinity,
  '-Infinity': () => -Infinity,
  '2 ** 31': () => 2 ** 31,
  '2 ** 32 - 1': () => 2 ** 32 - 1,
  '2 ** 32': () => 2 ** 32,
  '2 ** 32 + 3': () => 2 ** 32 + 3,
  '2 ** 53': () => 2 ** 53,
  1e300: () => 1e300,
  'Number.MIN_VALUE': () => Number.MIN_VALUE,
  '5n': () => 5n,
  '-1n': () => -1n,
  '2n ** 64n': () => 2n ** 64n,
  'a BigInt of 20 000 digits': () => 10n ** 20_000n,
  'an empty string': () => '',
  "'a'": () => 'a',
  "'80'": () => '80',
  "' 80 '": () => ' 80 ',
  "'0x50'": () => '0x50',
  "'open'": () => 'open',
  "'string'": () => 'string',
  'characters that are bytes': () => 'é\u00ff\0\n',
  'a character that is no byte': () => '€',
  'a lone surrogate': () => '\ud800',
  'half a pair at the end': () => 'x\udc00',
  'a string of 300 000 characters': () => 'x'.repeat(300_000),
  'a symbol': () => Symbol('symbol'),
  'a symbol with a long description': () => Symbol('x'.repeat(300_000)),
  'a well-known symbol': () => Symbol.iterator,
}

const OBJECTS = {
  'an object': () => ({}),
  'an object without a prototype': () => Object.create(null),
  'a frozen object': () => Object.freeze({}),
  'an object with a strange constructor': () => ({ constructor: { name: Symbol('x') } }),
  'an object whose constructor throws': () => ({
    get constructor() {
      return refuse()
    },
  }),
  'an empty array': () => [],
  'an array': () => [1, 2],
  'an array in an array': () => [[]],
  'a sparse array': () => Object.assign([], { length: 5 }),
  'an arguments object': () =>
    (function args() {
      return arguments
    })(1),
  'a Number object': () => Object(5),
  'a String object': () => Object('x'),
  'a BigInt object': () => Object(1n),
  'a Symbol object': () => Object(Symbol('x')),
  'a Date': () => new Date(0),
  'an invalid Date': () => new Date(NaN),
  'a RegExp': () => /x/g,
  'a Map': () => new Map([[1, 2]]),
  'a Set': () => new Set([1]),
  'a WeakRef': () => new WeakRef({}),
  'a Promise': () => Promise.resolve(1),
  'an Error': () => new Error('x'),
  'an iterator': () => [1].values(),
  'the global object': () => globalThis,
  'an AbortSignal': () => new AbortController().signal,
  'what only inherits from AbortSignal': () => Object.create(AbortSignal.prototype),
  'an Event': () => new Event('other'),
  'a TCPSocketEvent': () => new TCPSocketEvent('other', { data: 'x' }),
  'a TCPSocketErrorEvent': () => new TCPSocketErrorEvent('other', { name: 'x' }),
  'a TCPServerSocketEvent': () => new TCPServerSocketEvent('other'),
  'what only inherits from TCPSocket': () => Object.create(TCPSocket.prototype),
  'what only inherits from a subclass': () => Object.create(Subclass.prototype),
}

const FUNCTIONS = {
  'a function': () => function plain() {},
  'an arrow function': () => () => {},
  'an async function': () => async () => {},
  'a generator function': () => function* generator() {},
  'a bound function': () =>
    function bound() {
      return this
    }.bind(null),
  'a class': () =>
    class Some {
      some = 1
    },
  'the class TCPSocket': () => TCPSocket,
}

const BYTES = {
  'an empty ArrayBuffer': () => new ArrayBuffer(0),
  'an ArrayBuffer': () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer,
  'a resizable ArrayBuffer': () => new ArrayBuffer(3, { maxByteLength: 9 }),
  'a Uint8Array': () => Uint8Array.of(200, 201),
  'a Uint8ClampedArray': () => Uint8ClampedArray.of(7, 8),
  'a part of a Uint16Array': () => Uint16Array.of(1, 2, 3).subarray(1),
  'a Float64Array': () => Float64Array.of(1),
  'a BigInt64Array': () => BigInt64Array.of(1n),
  'a DataView': () => new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2),
  'a Buffer': () => Buffer.from('pooled'),
  'a view that tracks a length': lengthTracking,
  'a detached ArrayBuffer': () => detached(() => new ArrayBuffer(8)),
  'a detached Uint8Array': () => detached(() => new Uint8Array(8)),
  'a detached DataView': () => detached(() => new DataView(new ArrayBuffer(8))),
  'a Uint8Array out of bounds': () => outOfBounds(Uint8Array),
  'a DataView out of bounds': () => outOfBounds(DataView),
  'a SharedArrayBuffer': () => new SharedArrayBuffer(8),
  'a growable SharedArrayBuffer': () => new SharedArrayBuffer(8, { maxByteLength: 16 }),
  'a view on a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(8)),
}

const OF_ANOTHER_REALM = {
  'an object of another realm': () => inOtherRealm('({})'),
  'an array of another realm': () => inOtherRealm('[1, 2]'),
  'a function of another realm': () => inOtherRealm('() => {}'),
  'an ArrayBuffer of another realm': () => inOtherRealm('Uint8Array.of(9, 8, 7).buffer'),
  'a Uint8Array of another realm': () => inOtherRealm('Uint8Array.of(9, 8, 7)'),
  'a DataView of another realm': () => inOtherRealm('new DataView(Uint8Array.of(9, 8, 7).buffer, 1)'),
  'an error of another realm': () => inOtherRealm('new TypeError("x")'),
}

const HOSTILE = {
  'what a number is made of': () => ({ valueOf: () => 3 }),
  'what a string is made of': () => ({ toString: () => '80' }),
  'what refuses to be a string': () => ({ toString: refuse }),
  'what refuses to be a number': () => ({ valueOf: refuse }),
  'what refuses to be a primitive': () => ({ [Symbol.toPrimitive]: refuse }),
  'what becomes an object as a primitive': () => ({ [Symbol.toPrimitive]: () => ({}) }),
  'what becomes a symbol as a primitive': () => ({ [Symbol.toPrimitive]: () => Symbol('x') }),
  'what becomes a BigInt as a primitive': () => ({ [Symbol.toPrimitive]: () => 2n }),
  'getters that throw': () =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        [
          'aborted byteLength byteOffset buffer length type data name message errorCode socket signal once capture passive',
          'handleEvent then useSecureTransport binaryType timeout ca cert localAddress permissions b2g_features bubbles',
        ]
          .join(' ')
          .split(' ')
          .map((key) => [key, { get: refuse, enumerable: true }]),
      ),
    ),
  'a Proxy of an object': () => new Proxy({}, {}),
  'a Proxy of an ArrayBuffer': () => new Proxy(new ArrayBuffer(8), {}),
  'a Proxy of a Uint8Array': () => new Proxy(new Uint8Array(8), {}),
  'a Proxy of a socket class': () => new Proxy(TCPSocket, {}),
  'a Proxy that throws': () => new Proxy({}, HOSTILE_TRAPS),
  'a Proxy of a function that throws': () => new Proxy(() => {}, HOSTILE_TRAPS),
  'a revoked Proxy': () => revoked({}),
  'a revoked Proxy of a function': () => revoked(() => {}),
  'a revoked Proxy of an array': () => revoked([]),
}

/** `[name, make]` of each. */
const VALUES = Object.entries({
  ...PRIMITIVES,
  ...OBJECTS,
  ...FUNCTIONS,
  ...BYTES,
  ...OF_ANOTHER_REALM,
  ...HOSTILE,
})

/** What the socket `socket` itself adds to them. */
function valuesFor(socket) {
  return [
    ...VALUES,
    ['the object itself', () => socket],
    ['a Proxy of the object itself', () => new Proxy(socket, {})],
    ['what inherits from the object itself', () => Object.create(socket)],
  ]
}

module.exports = { OwnError, VALUES, valuesFor }
