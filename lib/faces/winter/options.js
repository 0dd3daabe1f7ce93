'use strict'

// The options of `connect`, `startTls` and `withOptions`.

const {
  ArrayPrototypeIncludes,
  Number,
  NumberIsInteger,
  ObjectKeys,
  TypeError,
} = require('../../builtins.js')
const { describe, toDictionary, toText } = require('../../convert.js')
const { OptionNames } = require('../../option-names.js')
const tcp = require('../../tcp-options.js')
const { CLIENT_ALIASES } = require('../../tcp-option-names.js')
const {
  FACE_CLIENT_OPTIONS: TLS_OPTIONS,
  SERVER_OPTIONS,
  clientConfig,
  toClientFields,
} = require('../../tls-options.js')

const TRANSPORTS = ['off', 'on', 'starttls']

/** Ignored, one of them could mean less security than was asked for: so `withOptions` refuses what it does not know. */
const NAMES = new OptionNames({
  own: [...TLS_OPTIONS, ...tcp.CLIENT_OPTIONS, 'block'],
  foreign: SERVER_OPTIONS,
  why: 'this is an option of servers',
  aliases: CLIENT_ALIASES,
  refused: {
    useSecureTransport: ['secureTransport of connect() chooses TLS'],
    useSSL: ['secureTransport of connect() chooses TLS'],
    binaryType: ['chunks are Uint8Arrays'],
    sessionFrom: ['is not supported'],
  },
  isComplete: true,
})

/** What there is without `withOptions`. */
const NOTHING = Object.freeze({
  __proto__: null,
  tls: Object.freeze({ __proto__: null }),
  given: Object.freeze({}),
})

/** The argument of `withOptions`: `{ tls, given, block }`. */
function toDefaults(value) {
  const given = toDictionary(value)
  NAMES.check(given)
  const { block } = given
  if (block !== undefined && typeof block !== 'function') {
    throw new TypeError(`block ${describe(block)}: must be a function`)
  }
  const tls = toClientFields(given)
  const copy = { __proto__: null }
  for (let i = 0; i < tcp.CLIENT_OPTIONS.length; i++) {
    const name = tcp.CLIENT_OPTIONS[i]
    if (given[name] !== undefined) copy[name] = given[name]
  }
  // Both throw now, not at the first connection.
  tcp.toClientTcp(copy, 'localhost')
  if (ObjectKeys(tls).length > 0) clientConfig(tls, 'localhost')
  return { __proto__: null, tls, given: copy, block }
}

/** The second argument of `connect`, for a connection to `host`. `defaults` are those of `withOptions`. */
function toConnectOptions(value, defaults, host) {
  const options = toDictionary(value)
  const secureTransport = toTransport(options.secureTransport)
  const tls = { __proto__: null, ...defaults.tls, ...toTlsMembers(options, secureTransport) }
  const { signal } = options
  const given = signal === undefined ? defaults.given : { __proto__: null, ...defaults.given, signal }
  return {
    secureTransport,
    allowHalfOpen: !!options.allowHalfOpen,
    highWaterMark: toHighWaterMark(options.highWaterMark),
    tls,
    config: secureTransport === 'on' ? clientConfig(tls, host) : undefined,
    ...tcp.toClientTcp(given, host),
  }
}

function toTransport(value) {
  if (value === undefined) return 'off'
  const transport = toText(value, 'secureTransport')
  if (!ArrayPrototypeIncludes(TRANSPORTS, transport)) {
    throw new TypeError(`secureTransport ${describe(transport)}: must be "off", "on" or "starttls"`)
  }
  return transport
}

/** `sni` and `alpn`, as the engine's options. */
function toTlsMembers({ sni, alpn }, secureTransport) {
  if (secureTransport === 'off') {
    if (sni !== undefined) throw new TypeError('sni: needs secureTransport "on" or "starttls"')
    if (alpn !== undefined) throw new TypeError('alpn: needs secureTransport "on" or "starttls"')
  }
  const renamed = { __proto__: null }
  if (sni !== undefined) renamed.servername = sni
  if (alpn !== undefined) renamed.alpnProtocols = alpn
  return toClientFields(renamed)
}

/** In bytes; `undefined` where chunks are counted. */
function toHighWaterMark(value) {
  if (value === undefined) return undefined
  const mark = typeof value === 'bigint' ? Number(value) : value
  if (!NumberIsInteger(mark) || mark < 0) {
    throw new TypeError(`highWaterMark ${describe(value)}: must be an integer from 0 on, in bytes`)
  }
  return mark
}

/**
 * The engine's TlsConfig for `startTls(value)` on a connection to `host` with the TLS options `made`. Drivers pass their options of
 * `tls.connect`, of which those are taken that this package knows; one that is ignored never makes it less secure.
 */
function toUpgrade(value, made, host) {
  const options = toDictionary(value)
  const { expectedServerHostname } = options
  const given = { __proto__: null }
  for (let i = 0; i < TLS_OPTIONS.length; i++) given[TLS_OPTIONS[i]] = options[TLS_OPTIONS[i]]
  if (expectedServerHostname !== undefined) given.servername = expectedServerHostname
  return clientConfig({ __proto__: null, ...made, ...toClientFields(given) }, host)
}

module.exports = { NOTHING, toConnectOptions, toDefaults, toUpgrade }
