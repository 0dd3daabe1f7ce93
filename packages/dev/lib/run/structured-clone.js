'use strict'

// The structured clone into a window, for its IndexedDB: jsdom has none, and that of Node.js makes values of another realm, which are no
// `instanceof` of the window's classes.

const { types } = require('node:util')

const ERRORS = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']
const CLASSES = [
  ...ERRORS,
  'Array',
  'ArrayBuffer',
  'DataView',
  'Date',
  'DOMException',
  'Map',
  'Object',
  'RegExp',
  'Set',
]
const VIEWS = Object.getOwnPropertyNames(globalThis).filter((name) =>
  /^(?:Big|Float|U?[Ii]nt).*Array$/.test(name),
)

/** The name of a typed array's class, whatever its realm; undefined for anything else. */
const nameOfView = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get

/** Returns `clone(value)`, which makes a copy of a value of any realm that is of the realm of `window`. */
function clonerInto(window) {
  // As they are before the app's first script.
  const realm = Object.fromEntries([...CLASSES, ...VIEWS].map((name) => [name, window[name]]))
  return (value) => new Cloning(realm).copy(value)
}

/** One clone: what is there twice in a value is once in its copy, too. */
class Cloning {
  #realm
  #copies = new Map()

  constructor(realm) {
    this.#realm = realm
  }

  copy(value) {
    if (typeof value === 'symbol' || typeof value === 'function') this.#refuse(value)
    if (Object(value) !== value) return value
    const known = this.#copies.get(value)
    if (known !== undefined) return known
    if (ArrayBuffer.isView(value)) return this.#note(value, this.#view(value))
    if (types.isMap(value)) return this.#map(value)
    if (types.isSet(value)) return this.#set(value)
    const simple = this.#simple(value)
    if (simple !== undefined) return this.#note(value, simple)
    this.#mustBePlain(value)
    const { Array: WindowArray, Object: WindowObject } = this.#realm
    const made = this.#note(value, Array.isArray(value) ? new WindowArray(value.length) : new WindowObject())
    for (const key of Object.keys(value)) this.#define(made, key, this.copy(value[key]))
    return made
  }

  #note(value, made) {
    this.#copies.set(value, made)
    return made
  }

  #define(target, key, value) {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  }

  /** What contains no other values; undefined for all others. */
  #simple(value) {
    const realm = this.#realm
    if (types.isArrayBuffer(value)) return this.#buffer(value)
    if (types.isDate(value)) return new realm.Date(Date.prototype.getTime.call(value))
    if (types.isRegExp(value)) return new realm.RegExp(value.source, value.flags)
    if (types.isNativeError(value)) return this.#error(value)
    if (types.isSymbolObject(value)) this.#refuse(value)
    if (types.isBoxedPrimitive(value)) return new realm.Object(value.valueOf())
    return undefined
  }

  #buffer(buffer) {
    const made = new this.#realm.ArrayBuffer(buffer.byteLength)
    new Uint8Array(made).set(new Uint8Array(buffer))
    return made
  }

  #view(view) {
    const View = this.#realm[nameOfView.call(view) ?? 'DataView']
    // `length` of a typed array counts elements, that of a DataView bytes.
    return new View(this.copy(view.buffer), view.byteOffset, view.length ?? view.byteLength)
  }

  #map(map) {
    const made = this.#note(map, new this.#realm.Map())
    for (const [key, value] of Map.prototype.entries.call(map)) made.set(this.copy(key), this.copy(value))
    return made
  }

  #set(set) {
    const made = this.#note(set, new this.#realm.Set())
    for (const value of Set.prototype.values.call(set)) made.add(this.copy(value))
    return made
  }

  #error(error) {
    const made = new this.#realm[ERRORS.includes(error.name) ? error.name : 'Error'](String(error.message))
    Object.defineProperty(made, 'stack', {
      value: String(error.stack),
      writable: true,
      enumerable: false,
      configurable: true,
    })
    return made
  }

  /** What has more to it than its properties would lose that: promises, what is shared, and all that is jsdom's, such as a Blob. */
  #mustBePlain(value) {
    const isSpecial =
      types.isPromise(value) ||
      types.isWeakMap(value) ||
      types.isWeakSet(value) ||
      types.isSharedArrayBuffer(value) ||
      types.isGeneratorObject(value) ||
      Object.getOwnPropertySymbols(value).some(({ description }) => description === 'impl')
    if (isSpecial) this.#refuse(value)
  }

  #refuse(value) {
    const name = typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
    throw new this.#realm.DOMException(`${name} could not be cloned.`, 'DataCloneError')
  }
}

module.exports = { clonerInto }
