'use strict'

// Everything of JavaScript and of the Web that the facade calls, as it was when this package was loaded; what only Node.js has is
// in platform/. Tests replace globals (fake timers, jsdom), polyfills and instrumentation replace methods of prototypes, and
// untrusted code may do either to read what is sent: sockets go on, and call none of it. Methods are functions here, whose first argument is what they
// are called on, with the names that Node gives them in its own "primordials".
//
// Syntax can call what was replaced, too. So what runs after loading has no `for … of`, no spread of an array or into a call, and
// no `[a, b] = array`, which ask Array.prototype[Symbol.iterator]; no `test`, `match`, `replace` or `split` with a RegExp, which
// ask its `exec`; and no `map`, `filter`, `slice` or `splice`, which ask the array for its constructor.

const { bind, call } = Function.prototype

/** `f(object, …)` for a method that is called as `object.f(…)`. */
const uncurryThis = bind.bind(call)

/** The getter of `name` that instances of a class with `prototype` have, as a function of the instance. */
function getter(prototype, name) {
  for (let object = prototype; object !== null; object = Object.getPrototypeOf(object)) {
    const get = Object.getOwnPropertyDescriptor(object, name)?.get
    if (get) return uncurryThis(get)
  }
  return undefined
}

/** What a Map, Set or WeakMap inherits becomes its own, where nobody replaces it. */
function makeSafe(Class, Safe) {
  const { prototype } = Safe
  for (const key of Reflect.ownKeys(Class.prototype)) {
    if (key === 'constructor') continue
    Object.defineProperty(prototype, key, Object.getOwnPropertyDescriptor(Class.prototype, key))
  }
  Object.freeze(Object.setPrototypeOf(prototype, null))
  return Safe
}

// A class without a constructor gets one that spreads its arguments, in Node.js 20. What one of these is made from is iterated, so
// after loading they are made empty.
/* oxlint-disable no-useless-constructor */
const SafeMap = makeSafe(
  Map,
  class SafeMap extends Map {
    constructor(entries) {
      super(entries)
    }
  },
)
const SafeSet = makeSafe(
  Set,
  class SafeSet extends Set {
    constructor(values) {
      super(values)
    }
  },
)
const SafeWeakMap = makeSafe(
  WeakMap,
  class SafeWeakMap extends WeakMap {
    constructor(entries) {
      super(entries)
    }
  },
)
/* oxlint-enable no-useless-constructor */

const TypedArray = Object.getPrototypeOf(Uint8Array)
const noGetter = () => undefined

// A sandbox may lack these.
const { AbortSignal = function AbortSignal() {}, Blob, DOMException = Error } = globalThis

module.exports = {
  getter,
  uncurryThis,

  SafeMap,
  SafeSet,
  SafeWeakMap,

  AbortSignal,
  ArrayBuffer,
  Blob,
  DOMException,
  Error,
  Event,
  EventTarget,
  Number,
  Object,
  Promise,
  RangeError,
  String,
  TypeError,
  Uint32Array,
  Uint8Array,

  ArrayIsArray: Array.isArray,
  ArrayPrototypeIncludes: uncurryThis(Array.prototype.includes),
  ArrayPrototypeJoin: uncurryThis(Array.prototype.join),
  ArrayPrototypeShift: uncurryThis(Array.prototype.shift),
  FunctionPrototypeCall: uncurryThis(call),
  JSONStringify: JSON.stringify,
  MathCeil: Math.ceil,
  MathMax: Math.max,
  MathMin: Math.min,
  MathTrunc: Math.trunc,
  NumberIsFinite: Number.isFinite,
  NumberIsInteger: Number.isInteger,
  NumberPrototypeToString: uncurryThis(Number.prototype.toString),
  ObjectAssign: Object.assign,
  ObjectDefineProperties: Object.defineProperties,
  ObjectDefineProperty: Object.defineProperty,
  ObjectFreeze: Object.freeze,
  ObjectGetOwnPropertyDescriptor: Object.getOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames: Object.getOwnPropertyNames,
  ObjectGetPrototypeOf: Object.getPrototypeOf,
  ObjectHasOwn: Object.hasOwn,
  ObjectKeys: Object.keys,
  PromisePrototypeThen: uncurryThis(Promise.prototype.then),
  ReflectApply: Reflect.apply,
  ReflectConstruct: Reflect.construct,
  RegExpPrototypeExec: uncurryThis(RegExp.prototype.exec),
  StringPrototypeCharCodeAt: uncurryThis(String.prototype.charCodeAt),
  StringPrototypeEndsWith: uncurryThis(String.prototype.endsWith),
  StringPrototypeIncludes: uncurryThis(String.prototype.includes),
  StringPrototypePadStart: uncurryThis(String.prototype.padStart),
  StringPrototypeSlice: uncurryThis(String.prototype.slice),
  StringPrototypeStartsWith: uncurryThis(String.prototype.startsWith),
  StringPrototypeToLowerCase: uncurryThis(String.prototype.toLowerCase),
  StringPrototypeToUpperCase: uncurryThis(String.prototype.toUpperCase),
  StringPrototypeTrim: uncurryThis(String.prototype.trim),

  ArrayBufferIsView: ArrayBuffer.isView,
  ArrayBufferPrototypeGetByteLength: getter(ArrayBuffer.prototype, 'byteLength'),
  BlobPrototypeArrayBuffer: Blob && uncurryThis(Blob.prototype.arrayBuffer),
  BlobPrototypeGetSize: Blob && getter(Blob.prototype, 'size'),
  DataViewPrototypeGetBuffer: getter(DataView.prototype, 'buffer'),
  DataViewPrototypeGetByteLength: getter(DataView.prototype, 'byteLength'),
  DataViewPrototypeGetByteOffset: getter(DataView.prototype, 'byteOffset'),
  TypedArrayPrototypeFill: uncurryThis(TypedArray.prototype.fill),
  TypedArrayPrototypeGetBuffer: getter(TypedArray.prototype, 'buffer'),
  TypedArrayPrototypeGetByteLength: getter(TypedArray.prototype, 'byteLength'),
  TypedArrayPrototypeGetByteOffset: getter(TypedArray.prototype, 'byteOffset'),
  TypedArrayPrototypeGetLength: getter(TypedArray.prototype, 'length'),
  TypedArrayPrototypeGetSymbolToStringTag: getter(TypedArray.prototype, Symbol.toStringTag),
  TypedArrayPrototypeSet: uncurryThis(TypedArray.prototype.set),

  AbortSignalPrototypeAddEventListener: uncurryThis(AbortSignal.prototype.addEventListener),
  AbortSignalPrototypeGetAborted: getter(AbortSignal.prototype, 'aborted') ?? ((signal) => signal.aborted),
  AbortSignalPrototypeRemoveEventListener: uncurryThis(AbortSignal.prototype.removeEventListener),
  EventTargetPrototypeAddEventListener: uncurryThis(EventTarget.prototype.addEventListener),
  EventTargetPrototypeDispatchEvent: uncurryThis(EventTarget.prototype.dispatchEvent),
  EventTargetPrototypeRemoveEventListener: uncurryThis(EventTarget.prototype.removeEventListener),
  // Some libraries that put their own Event on the global object have plain properties in place of accessors.
  EventPrototypeComposedPath: uncurryThis(Event.prototype.composedPath),
  EventPrototypeGetCurrentTarget: getter(Event.prototype, 'currentTarget') ?? noGetter,
  EventPrototypeGetEventPhase: getter(Event.prototype, 'eventPhase') ?? noGetter,
  EventPrototypeGetTarget: getter(Event.prototype, 'target') ?? noGetter,
  EventPrototypeGetType: getter(Event.prototype, 'type') ?? ((event) => event.type),
}
