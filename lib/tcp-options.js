'use strict'

// Options of TCP, in Node's names and meaning: from what applications pass to what the engine takes. None of this was in
// Firefox OS; without any of them all is as it was there. Whoever gives one counts on it, so what cannot be honoured throws.

const { isAborted } = require('./aborts.js')
const { MathCeil, ObjectKeys, SafeSet, TypeError } = require('./builtins.js')
const { describe, toAddress, toBoolean, toMilliseconds, toPort } = require('./convert.js')
const { ipVersion } = require('./platform/native.js')
const { platform } = require('./platform/process.js')

/** The longest time a timer of Node's can have. */
const MAX_TIMEOUT = 0x7fffffff

/** The longest delay that Linux knows, in seconds. */
const MAX_KEEP_ALIVE = 32_767

/** Each option of a connection, and how its value is converted. */
const CONNECTION = {
  keepAlive: toBoolean,
  keepAliveDelay: (value, name) => toMilliseconds(value, name, 0, MAX_KEEP_ALIVE * 1000),
  noDelay: toBoolean,
  timeout: toTimeout,
  signal: toSignal,
}

const CLIENT = {
  localAddress: toAddress,
  localPort: (value, name) => toPort(value, 0, name),
  connectTimeout: toTimeout,
  ...CONNECTION,
}

/** Of a listener and, but for the first four, of what it accepts. */
const LISTENER = {
  localAddress: toAddress,
  ipv6Only: toBoolean,
  reusePort: toBoolean,
  ...CONNECTION,
}

/** `reusePort` spreads connections over all listeners on these systems alone. */
const SHARES_PORTS = new SafeSet(['linux', 'android'])

/** What a client is made with that has none of these options. */
const NOTHING = Object.freeze({
  __proto__: null,
  connectTimeout: 0,
  idleTimeout: 0,
  signal: undefined,
  givenUp: undefined,
  local: undefined,
})

const NO_SIGNAL = Object.freeze({ __proto__: null, signal: undefined, aborted: undefined })

/** Those of `options` that are about TCP: of a client that connects to `host`. */
function toClientTcp(options, host) {
  const fields = convert(CLIENT, options)
  if (ObjectKeys(fields).length === 0) return NOTHING
  const { localAddress: address, localPort: port = 0, timeout: idleTimeout = 0 } = fields
  const { signal, aborted: givenUp } = fields.signal ?? NO_SIGNAL
  if (address !== undefined) requireFamily(address, host)
  const tuning = toTuning(fields)
  const isLocal = (address ?? fields.localPort ?? tuning) !== undefined
  return {
    // As in Node, where a socket is idle while it connects.
    connectTimeout: fields.connectTimeout ?? idleTimeout,
    idleTimeout,
    signal,
    givenUp,
    local: isLocal ? { __proto__: null, address, port, tuning: tuning ?? DEFAULT_TUNING } : undefined,
  }
}

/** The same of a listener. */
function toListenerTcp(options) {
  const fields = convert(LISTENER, options)
  const { localAddress: address = '0.0.0.0', ipv6Only = false, reusePort = false } = fields
  if (ipv6Only && ipVersion(address) !== 6) {
    throw new TypeError('ipv6Only: needs an IPv6 localAddress, such as "::"')
  }
  if (reusePort && !SHARES_PORTS.has(platform())) {
    throw new TypeError(`reusePort: is not supported on ${platform()}`)
  }
  const { timeout: idleTimeout = 0 } = fields
  const { signal, aborted: givenUp } = fields.signal ?? NO_SIGNAL
  return { address, ipv6Only, reusePort, signal, givenUp, idleTimeout, tuning: toTuning(fields) }
}

function convert(converters, options) {
  const fields = { __proto__: null }
  const names = ObjectKeys(converters)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    const value = options[name]
    // `null` means that the option is absent. That of an address would mean all addresses, or any.
    const isAbsent = value === undefined || (value === null && name !== 'localAddress')
    if (!isAbsent) fields[name] = converters[name](value, name)
  }
  return fields
}

// What the engine is passed must not have what somebody put on Object.prototype.
const DEFAULT_TUNING = { __proto__: null, noDelay: true, keepAlive: false, keepAliveDelay: 0 }

/** How a connection uses TCP; `undefined` where nothing was chosen. */
function toTuning({ noDelay, keepAlive, keepAliveDelay }) {
  if (keepAliveDelay > 0 && !keepAlive) {
    throw new TypeError('keepAliveDelay: has no effect without keepAlive: true')
  }
  if ((noDelay ?? keepAlive) === undefined) return undefined
  return {
    __proto__: null,
    noDelay: noDelay ?? true,
    keepAlive: keepAlive ?? false,
    // The system counts seconds.
    keepAliveDelay: MathCeil((keepAliveDelay ?? 0) / 1000),
  }
}

/** A host that is a name may have addresses of either family. */
function requireFamily(address, host) {
  const ours = ipVersion(address)
  const theirs = ipVersion(host)
  if (theirs !== 0 && ours !== theirs) {
    throw new TypeError(`localAddress "${address}": must be an IPv${theirs} address, as the host is`)
  }
}

function toTimeout(value, name) {
  return toMilliseconds(value, name, 0, MAX_TIMEOUT)
}

/** An AbortSignal, of any realm, and whether it has aborted, which is asked once. */
function toSignal(value, name) {
  const refuse = (cause) => {
    throw new TypeError(`${name} ${describe(value)}: must be an AbortSignal`, { cause })
  }
  if (typeof value !== 'object') refuse()
  try {
    const aborted = isAborted(value)
    const isSignal =
      typeof aborted === 'boolean' &&
      typeof value.addEventListener === 'function' &&
      typeof value.removeEventListener === 'function'
    if (isSignal) return { signal: value, aborted }
  } catch (thrown) {
    refuse(thrown)
  }
  return refuse()
}

module.exports = {
  CLIENT_OPTIONS: Object.keys(CLIENT),
  LISTENER_OPTIONS: Object.keys(LISTENER),
  toClientTcp,
  toSignal,
  toListenerTcp,
}
