'use strict'

// From what applications pass to what the engine takes, in the manner of WebIDL: everything is converted and checked
// here, before anything happens. Contract sections 1.3, 2.4, 2.5 and 3.2; decisions.

const {
  ArrayBufferIsView,
  JSONStringify,
  MathMin,
  Number,
  NumberIsInteger,
  NumberPrototypeToString,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  RangeError,
  RegExpPrototypeExec,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypePadStart,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToUpperCase,
  TypeError,
  Uint8Array,
} = require('./builtins.js')
const { bufferOf, byteLengthOf, byteOffsetOf, copyOf } = require('./bytes.js')
const { domainToASCII } = require('./platform/hosts.js')
const { ipVersion } = require('./platform/native.js')
const { isAnyArrayBuffer, isProxy, isSharedArrayBuffer } = require('./platform/types.js')

/** As in Node.js. With 128, Linux forgot clients of a burst that took themselves for connected (`npm run load -- storm`). */
const DEFAULT_BACKLOG = 511
const MAX_BACKLOG = 0x7fffffff

/** The most bytes of one `send`. */
const MAX_SEND = 0x7fffffff

/** Characters of a value that a message shows. */
const MOST_QUOTED = 100

/** RFC 1035: the most bytes of a domain name, in text, without the final dot. */
const MAX_NAME = 253

/** Throws unless `count` arguments are at least `least`, as WebIDL does. */
function requireArguments(what, count, least) {
  if (count < least) {
    const plural = least === 1 ? 'argument' : 'arguments'
    throw new TypeError(`${what}: at least ${least} ${plural} required, but only ${count} passed`)
  }
}

/** WebIDL `DOMString` of a value that is called `what`. Unlike `String(value)` it refuses symbols. */
function toText(value, what) {
  if (typeof value === 'symbol') throw new TypeError(`${what} ${describe(value)}: must be a string`)
  return `${value}`
}

/**
 * A host as the resolver takes it: ASCII, with A-labels. Names that can only be a mistake or an attack are refused.
 */
function toHost(host, what = 'host') {
  const refuse = (why) => {
    throw new TypeError(`${what} ${quote(host)}: ${why}`)
  }
  if (host === '') refuse('must not be empty')
  if (matches(/[\u0000-\u0020\u007f]/, host)) refuse('must not contain spaces or control characters')
  if (StringPrototypeStartsWith(host, '[')) refuse('an IPv6 address is written without brackets')
  if (ipVersion(host) !== 0) return host
  if (matches(/[/:@?#\\]/, host)) refuse('must be a host alone, without a scheme, a port or a path')
  const ascii = matches(/[^\u0000-\u007f]/, host) ? domainToASCII(host) : host
  if (ascii === '') refuse('is not a valid internationalized domain name (UTS 46)')
  const name = StringPrototypeEndsWith(ascii, '.') ? StringPrototypeSlice(ascii, 0, -1) : ascii
  // To a TLS library, a leading dot may mean any subdomain.
  if (matches(/^(?:\.|$)|\.(?:\.|$)/, name)) refuse('must not have an empty label')
  if (name.length > MAX_NAME) refuse(`must not be longer than ${MAX_NAME} bytes`)
  // Forms such as 127.1, 0x7f.1 or 2130706433 mean an address to some resolvers and a name to others.
  if (matches(/(^|\.)(\d+|0x[\da-f]*)$/i, name))
    refuse('ends in a number but is not an IPv4 address of four decimal parts')
  return ascii
}

/** A port number, which may be a numeric string. `least` is 1 for a peer, and 0 where 0 and -1 mean "any". */
function toPort(value, least, what = 'port') {
  const port = toInteger(value, what)
  if (least === 0 && port === -1) return 0
  if (port < least || port > 65535) {
    const any = least === 0 ? ', or 0 or -1 for any free port' : ''
    throw new RangeError(`${what} ${port}: must be from 1 to 65535${any}`)
  }
  return port
}

/** Whether `text` is an IP address that means the same on every link: it has no zone. */
function isPlainAddress(text) {
  return ipVersion(text) !== 0 && !StringPrototypeIncludes(text, '%')
}

/** An IP address of this machine: an option called `what`. */
function toAddress(value, what) {
  const address = toText(value, what)
  if (!isPlainAddress(address)) {
    throw new TypeError(`${what} ${quote(address)}: must be an IP address, such as "127.0.0.1" or "::"`)
  }
  return address
}

/** A time of `least` to `most` milliseconds. */
function toMilliseconds(value, what, least, most) {
  const time = toInteger(value, what)
  if (time < least || time > most) {
    throw new RangeError(`${what} ${time}: must be from ${least} to ${most} milliseconds`)
  }
  return time
}

function toBoolean(value, what) {
  if (typeof value !== 'boolean') throw new TypeError(`${what} ${describe(value)}: must be true or false`)
  return value
}

/** The backlog of a listener, in connections. Omitted, zero and negative values mean the default of 511. */
function toBacklog(value) {
  if (value === undefined || value === null) return DEFAULT_BACKLOG
  const backlog = toInteger(value, 'backlog')
  if (backlog > MAX_BACKLOG)
    throw new RangeError(`backlog ${backlog}: must not be greater than ${MAX_BACKLOG}`)
  return backlog > 0 ? backlog : DEFAULT_BACKLOG
}

function toInteger(value, what) {
  const isNumber =
    typeof value === 'number' || (typeof value === 'string' && matches(/^\s*[+-]?\d+\s*$/, value))
  const number = isNumber ? Number(value) : NaN
  if (!NumberIsInteger(number))
    throw new TypeError(`${what} ${describe(value)}: must be an integer, or a string of one`)
  return number
}

function toDictionary(value) {
  // Without a prototype, on which somebody may have put something.
  if (value === undefined || value === null) return { __proto__: null }
  if (typeof value !== 'object' && typeof value !== 'function') {
    throw new TypeError(`options ${describe(value)}: must be an object`)
  }
  return value
}

function toBinaryType(value) {
  if (value === undefined) return 'string'
  const binaryType = toText(value, 'binaryType')
  if (binaryType !== 'string' && binaryType !== 'arraybuffer') {
    throw new TypeError(`binaryType ${quote(binaryType)}: must be "string" or "arraybuffer"`)
  }
  return binaryType
}

/** A copy of bytes that an option holds. `form` says what they should be. */
function toBytes(what, value, form) {
  if (!ArrayBufferIsView(value) && !isAnyArrayBuffer(value)) {
    throw new TypeError(`${what} ${describe(value)}: must be ${form}`)
  }
  return copyOf(toView(what, value))
}

/**
 * What `send` was given, as a byte string or as a Uint8Array over exactly the bytes to send. The view is on the
 * caller's memory: copy it before returning to the caller.
 *
 * The argument chooses, as in Gecko: strings are byte strings on every socket. On a string socket anything but an
 * ArrayBuffer is stringified; on an arraybuffer socket views are bytes too, and anything else is an error.
 */
function toPayload(data, byteOffset, byteLength, binaryType) {
  const isBytes = isAnyArrayBuffer(data) || (binaryType === 'arraybuffer' && ArrayBufferIsView(data))
  if (isBytes) return toView('send', data, byteOffset, byteLength)
  if (binaryType === 'arraybuffer' && typeof data !== 'string') {
    throw new TypeError(`send: ${describe(data)} must be an ArrayBuffer, a view on one, or a string`)
  }
  if (byteOffset !== undefined || byteLength !== undefined) {
    throw new TypeError(`send: byteOffset and byteLength go with an ArrayBuffer, not with ${describe(data)}`)
  }
  const text = toText(data, 'send')
  const wide = RegExpPrototypeExec(/[^\u0000-\u00ff]/, text)
  if (wide) {
    const hex = NumberPrototypeToString(StringPrototypeCharCodeAt(wide[0], 0), 16)
    const unit = StringPrototypePadStart(StringPrototypeToUpperCase(hex), 4, '0')
    throw new TypeError(
      `send: character U+${unit} at ${wide.index} does not fit in a byte; encode text first, for instance as UTF-8`,
    )
  }
  return text
}

/**
 * The bytes of an ArrayBuffer or a view, from `byteOffset` on, `byteLength` of them. Both count modulo 2^32 and then
 * clamp, as in Gecko; no byte outside `data` can be selected. Throws a TypeError, which names `what` was called, where
 * the memory is shared or gone.
 */
function toView(what, data, byteOffset, byteLength) {
  const buffer = bufferOf(data)
  if (isSharedArrayBuffer(buffer)) {
    throw new TypeError(`${what}: a SharedArrayBuffer could change while it is read; copy it first`)
  }
  let base
  let size
  try {
    base = byteOffsetOf(data)
    size = byteLengthOf(data)
  } catch (error) {
    throw goneError(what, error)
  }
  const offset = MathMin(size, toUint32(byteOffset, 'send: byteOffset'))
  const rest = size - offset
  const length = byteLength === undefined ? rest : MathMin(rest, toUint32(byteLength, 'send: byteLength'))
  if (length > MAX_SEND) {
    throw new RangeError(`${what}: ${length} bytes are too many at once; the most is ${MAX_SEND}`)
  }
  try {
    return new Uint8Array(buffer, base + offset, length)
  } catch (error) {
    throw goneError(what, error)
  }
}

function goneError(what, cause) {
  return new TypeError(`${what}: the ArrayBuffer is detached, or has shrunk`, { cause })
}

function matches(pattern, text) {
  return RegExpPrototypeExec(pattern, text) !== null
}

/** WebIDL `unsigned long` of a value that is called `what`, without `[EnforceRange]`: modulo 2^32. */
function toUint32(value, what) {
  if (typeof value === 'symbol') throw new TypeError(`${what} ${describe(value)}: must be a number`)
  return Number(value ?? 0) >>> 0
}

/** Of a long text the beginning, with an ellipsis. */
function shorten(text) {
  return text.length > MOST_QUOTED ? `${StringPrototypeSlice(text, 0, MOST_QUOTED)}…` : text
}

/** `text` in quotation marks. */
function quote(text) {
  return JSONStringify(shorten(text))
}

/** A value for a message. Nothing of the value is called for it, which could throw something else. */
function describe(value) {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return `an object of type ${className(value)}`
  return shorten(typeof value === 'bigint' ? `${value}n` : String(value))
}

/** The name of an object's class, as far as data properties tell it. */
function className(object) {
  for (let at = object; at !== null; at = ObjectGetPrototypeOf(at)) {
    if (isProxy(at)) return 'Proxy'
    const Class = ObjectGetOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof Class !== 'function' || isProxy(Class)) continue
    const name = ObjectGetOwnPropertyDescriptor(Class, 'name')?.value
    if (typeof name === 'string' && name !== '') return shorten(name)
  }
  return 'unknown'
}

module.exports = {
  isPlainAddress,
  matches,
  requireArguments,
  toAddress,
  toBoolean,
  toMilliseconds,
  toText,
  toUint32,
  toHost,
  toPort,
  toBacklog,
  toBinaryType,
  toBytes,
  toDictionary,
  toInteger,
  toPayload,
  toView,
  describe,
}
