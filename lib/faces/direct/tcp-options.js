'use strict'

// Options of TCPSocket and TCPServerSocket: from what a program passes to what the engine takes.

const { MathMin, MathTrunc, TypeError } = require('../../builtins.js')
const { describe, toDictionary } = require('../../convert.js')
const { toSignal } = require('../../tcp-options.js')
const { MAX_PORT, MAX_UNSIGNED_LONG, toEnum, toIp, toRange } = require('../../webidl.js')

const FAMILIES = { __proto__: null, ipv4: 4, ipv6: 6 }
const MIN_KEEP_ALIVE = 1000
/** The longest delay that Linux knows, in seconds. */
const MAX_KEEP_ALIVE = 32_767

const DEFAULT_BACKLOG = 511
const MAX_BACKLOG = 0x7fff_ffff

/** A member that is `undefined` is absent. */
const optional = (value, convert) => (value === undefined ? undefined : convert(value))

function toBufferSize(options, name) {
  return optional(options[name], (value) => toRange(value, name, 1, MAX_UNSIGNED_LONG))
}

/** 4, 6, or `undefined` for both. */
function toFamily({ dnsQueryType }) {
  return optional(dnsQueryType, (value) => FAMILIES[toEnum(value, 'dnsQueryType', ['ipv4', 'ipv6'])])
}

/** `{ local, signal, givenUp }` of the options of a client. */
function toClientOptions(value) {
  const options = toDictionary(value)
  const { noDelay, keepAliveDelay } = options
  const delay = optional(keepAliveDelay, (time) =>
    toRange(time, 'keepAliveDelay', MIN_KEEP_ALIVE, MAX_UNSIGNED_LONG),
  )
  const seconds = delay === undefined ? 0 : MathMin(MathTrunc(delay / 1000), MAX_KEEP_ALIVE)
  const tuning = {
    __proto__: null,
    noDelay: !!noDelay,
    keepAlive: delay !== undefined,
    keepAliveDelay: seconds,
    keepAliveInterval: delay === undefined ? undefined : seconds,
    sendBufferSize: toBufferSize(options, 'sendBufferSize'),
    receiveBufferSize: toBufferSize(options, 'receiveBufferSize'),
  }
  const local = {
    __proto__: null,
    family: toFamily(options),
    address: optional(options.localAddress, (address) => toIp(address, 'localAddress')),
    port: optional(options.localPort, (port) => toRange(port, 'localPort', 1, MAX_PORT)) ?? 0,
    tuning,
  }
  const { signal, aborted: givenUp } = optional(options.signal, (given) => toSignal(given, 'signal')) ?? {
    __proto__: null,
  }
  return { local, signal, givenUp }
}

/** Accepted connections are used as those that are made are, by default. */
const ACCEPTED = Object.freeze({ __proto__: null, noDelay: false, keepAlive: false, keepAliveDelay: 0 })

/** The native listener's options, of the arguments of TCPServerSocket. */
function toListenOptions(localAddress, value) {
  const address = toIp(localAddress, 'localAddress')
  const options = toDictionary(value)
  const port = optional(options.localPort, (given) => toRange(given, 'localPort', 1, MAX_PORT)) ?? 0
  const backlog = optional(options.backlog, (given) => toRange(given, 'backlog', 1, MAX_UNSIGNED_LONG))
  return {
    __proto__: null,
    address,
    port,
    backlog: MathMin(backlog ?? DEFAULT_BACKLOG, MAX_BACKLOG),
    asStrings: false,
    ipv6Only: toIpv6Only(options, address),
    reusePort: false,
    onDemand: true,
    tuning: ACCEPTED,
  }
}

function toIpv6Only({ ipv6Only }, address) {
  if (ipv6Only && address !== '::') {
    throw new TypeError(`ipv6Only ${describe(ipv6Only)}: is for the address "::" alone`)
  }
  return !!ipv6Only
}

module.exports = { optional, toBufferSize, toClientOptions, toFamily, toListenOptions }
