'use strict'

// TCPOptions and TCPServerOptions of the draft, with what `useSecureTransport` needs: from what applications pass to what the engine takes.

const { ObjectKeys, TypeError } = require('../../builtins.js')
const { toDictionary } = require('../../convert.js')
const { OptionNames } = require('../../option-names.js')
const { CLIENT_ALIASES, LISTENER_ALIASES } = require('../../tcp-option-names.js')
const { toClientTcp } = require('../../tcp-options.js')
const tls = require('../../tls-options.js')
const { toEnum, toRange } = require('../../webidl.js')
const { toLocalAddress, toPort } = require('./places.js')

const CLIENT_TLS = tls.FACE_CLIENT_OPTIONS

const CLIENT = [
  'localAddress',
  'localPort',
  'addressReuse',
  'noDelay',
  'tcpKeepAliveOptions',
  'tcpKeepAliveSparseIntvl',
  'signal',
]
const LISTENER = ['localAddress', 'localPort', 'addressReuse']

/** Other members of a dictionary are ignored, but not those that are a mistake about TLS or about the address. */
const CLIENT_NAMES = new OptionNames({
  own: [...CLIENT_TLS, ...CLIENT],
  foreign: tls.SERVER_OPTIONS,
  why: 'this is an option of servers',
  aliases: meant(CLIENT_ALIASES, CLIENT),
  refused: { sessionFrom: ['is not supported'] },
})
const LISTENER_NAMES = new OptionNames({
  own: [...tls.SERVER_OPTIONS, ...LISTENER],
  foreign: CLIENT_TLS,
  why: 'this is an option of clients, which verify; a server does not ask for certificates',
  aliases: meant(LISTENER_ALIASES, LISTENER),
})

/** Those of `aliases` that mean one of `names`. */
function meant(aliases, names) {
  return Object.fromEntries(Object.entries(aliases).filter(([, name]) => names.includes(name)))
}

const KEEP_ALIVE = ['off', 'frequent-then-sparse', 'sparse']

/** In seconds: from one probe to the next where they are frequent, and by default where they are sparse. */
const FREQUENT = 10
const SPARSE = 600
/** The most that Linux takes. */
const MAX_INTERVAL = 32_767

/** What a server that is connected by TLS, and its sockets, are made with. */
const LISTENER_TUNING = { __proto__: null, noDelay: true, keepAlive: false, keepAliveDelay: 0 }

/**
 * The options of a client: `{ localAddress, localPort, addressReuse, noDelay, tuning, signal, givenUp, toConfig }`. What was not given is
 * `null`; `toConfig(host)` makes the engine's TlsConfig, or is undefined where there is to be no TLS.
 */
function toClientOptions(value) {
  const options = toDictionary(value)
  CLIENT_NAMES.check(options)
  const { localAddress, localPort } = toLocalPlace(options)
  const noDelay = options.noDelay === undefined ? true : !!options.noDelay
  const { signal, givenUp } = toClientTcp({ __proto__: null, signal: options.signal }, 'localhost')
  const fields = tls.toClientFields(options)
  const isSecure = requireSwitch(options, fields)
  return {
    localAddress,
    localPort,
    addressReuse: toReuse(options),
    noDelay,
    tuning: { __proto__: null, noDelay, ...toKeepAlive(options) },
    signal,
    givenUp,
    toConfig: isSecure ? (host) => tls.clientConfig(fields, host) : undefined,
  }
}

/** The options of a listener: `{ localAddress, localPort, addressReuse, tuning, config }`. */
function toServerOptions(value) {
  const options = toDictionary(value)
  LISTENER_NAMES.check(options)
  const { localAddress, localPort } = toLocalPlace(options)
  const fields = tls.toServerFields(options)
  try {
    const config = requireSwitch(options, fields) ? tls.serverConfig(fields) : undefined
    return { localAddress, localPort, addressReuse: toReuse(options), tuning: LISTENER_TUNING, config }
  } finally {
    tls.wipe(fields)
  }
}

function toLocalPlace({ localAddress, localPort }) {
  return {
    localAddress: localAddress === undefined ? null : toLocalAddress(localAddress),
    localPort: localPort === undefined ? null : toPort(localPort, 'localPort'),
  }
}

function toReuse({ addressReuse }) {
  return addressReuse === undefined ? true : !!addressReuse
}

/** Whether there is to be TLS. Without it, options of TLS are a mistake: nothing would be verified. */
function requireSwitch(options, fields) {
  if (options.useSecureTransport || options.useSSL) return true
  const name = ObjectKeys(fields)[0]
  if (name !== undefined) throw new TypeError(`${name}: needs useSecureTransport: true`)
  return false
}

function toKeepAlive({ tcpKeepAliveOptions, tcpKeepAliveSparseIntvl }) {
  const mode =
    tcpKeepAliveOptions === undefined ? 'off' : toEnum(tcpKeepAliveOptions, 'tcpKeepAliveOptions', KEEP_ALIVE)
  const sparse =
    tcpKeepAliveSparseIntvl === undefined
      ? SPARSE
      : toRange(tcpKeepAliveSparseIntvl, 'tcpKeepAliveSparseIntvl', 1, MAX_INTERVAL)
  if (mode === 'off') return { keepAlive: false, keepAliveDelay: 0 }
  const interval = mode === 'sparse' ? sparse : FREQUENT
  return { keepAlive: true, keepAliveDelay: interval, keepAliveInterval: interval }
}

module.exports = { toClientOptions, toServerOptions }
