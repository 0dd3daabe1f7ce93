'use strict'

// The options of sockets and listeners, as a whole. Unknown ones are ignored, as in Firefox OS, unless they could matter:
// those about TLS, and those of other socket APIs.

const { ObjectKeys, TypeError } = require('./builtins.js')
const { toBinaryType, toDictionary } = require('./convert.js')
const { OptionNames } = require('./option-names.js')
const {
  CLIENT_ALIASES,
  CLIENT_REFUSED,
  LISTENER_ALIASES,
  LISTENER_REFUSED,
} = require('./tcp-option-names.js')
const tcp = require('./tcp-options.js')
const {
  CLIENT_OPTIONS,
  SERVER_OPTIONS,
  clientConfig,
  serverConfig,
  toClientFields,
  toServerFields,
  wipe,
} = require('./tls-options.js')

const CLIENT = {
  own: CLIENT_OPTIONS,
  foreign: SERVER_OPTIONS,
  why: 'this is an option of servers',
}

const SERVER = {
  own: SERVER_OPTIONS,
  foreign: CLIENT_OPTIONS,
  why: 'this is an option of clients, which verify; a server does not ask for certificates',
}

const OF_SOCKETS = { ...CLIENT, own: [...CLIENT_OPTIONS, ...tcp.CLIENT_OPTIONS], aliases: CLIENT_ALIASES }
const OF_LISTENERS = {
  ...SERVER,
  own: [...SERVER_OPTIONS, ...tcp.LISTENER_OPTIONS],
  aliases: LISTENER_ALIASES,
}

const SOCKET_NAMES = new OptionNames({ ...OF_SOCKETS, refused: CLIENT_REFUSED })
const LISTENER_NAMES = new OptionNames({ ...OF_LISTENERS, refused: LISTENER_REFUSED })
// `upgradeToSecure` has no old callers that pass others. What the socket or its listener was made with may be given again.
const CLIENT_UPGRADE_NAMES = new OptionNames({ ...OF_SOCKETS, isComplete: true })
const SERVER_UPGRADE_NAMES = new OptionNames({ ...OF_LISTENERS, isComplete: true })

/** The TLS options of most sockets: none. */
const NO_TLS = { __proto__: null }

/**
 * Options of a client socket that connects to `host`. `tls` is what `upgradeToSecure` goes by, too, and is to be wiped when that
 * cannot be called any more.
 */
function toSocketOptions(value, host) {
  const options = toDictionary(value)
  SOCKET_NAMES.check(options)
  const binaryType = toBinaryType(options.binaryType)
  const tls = toClientFields(options)
  let isKept = false
  try {
    const secure = isSecure(options)
    const config = secure || given(tls) ? clientConfig(tls, host) : undefined
    const socket = { secure, binaryType, config, ...tcp.toClientTcp(options, host) }
    isKept = !secure && given(tls)
    return { ...socket, tls: isKept ? tls : NO_TLS }
  } finally {
    if (!isKept) wipe(tls)
  }
}

/** Options of a listener. `config` is there with a certificate, which `upgradeToSecure` of accepted sockets goes by. */
function toServerOptions(value) {
  const options = toDictionary(value)
  LISTENER_NAMES.check(options)
  const binaryType = toBinaryType(options.binaryType)
  const tls = toServerFields(options)
  try {
    const secure = isSecure(options)
    const place = tcp.toListenerTcp(options)
    const config = secure || given(tls) ? serverConfig(tls) : undefined
    return { secure, binaryType, config, ...place }
  } finally {
    wipe(tls)
  }
}

/**
 * The engine's TlsConfig for `upgradeToSecure(value)` on a client socket to `host` that was made with the TLS options `made`.
 */
function toClientUpgrade(value, { made, config, host }) {
  const options = toDictionary(value)
  CLIENT_UPGRADE_NAMES.check(options)
  const fields = toClientFields(options)
  try {
    return config === undefined || given(fields)
      ? clientConfig({ __proto__: null, ...kept(made, fields), ...fields }, host)
      : config
  } finally {
    wipe(fields)
  }
}

/**
 * What of `made` still goes with `fields`: an identity has two forms, and the new one takes the place of the
 * other.
 */
function kept(made, fields) {
  const changesForm = fields.pfx ? made.cert : (fields.cert ?? fields.key) && made.pfx
  return changesForm
    ? { ...made, cert: undefined, key: undefined, pfx: undefined, passphrase: undefined }
    : made
}

/** The same on an accepted socket, whose listener's certificate is in `config`, if it has one. */
function toServerUpgrade(value, config) {
  const options = toDictionary(value)
  SERVER_UPGRADE_NAMES.check(options)
  const fields = toServerFields(options)
  try {
    return config === undefined || given(fields) ? serverConfig(fields) : config
  } finally {
    wipe(fields)
  }
}

/** Throws where the options `value` of `upgradeToSecure` come too late to be honoured: the socket is secure. */
function refuseLateOptions(value, isAccepted) {
  const options = toDictionary(value)
  const names = isAccepted ? SERVER_UPGRADE_NAMES : CLIENT_UPGRADE_NAMES
  names.check(options)
  const fields = isAccepted ? toServerFields(options) : toClientFields(options)
  wipe(fields)
  const late = ObjectKeys(fields)[0]
  if (late !== undefined) throw new TypeError(`${late}: the connection is secure already`)
}

function given(fields) {
  return ObjectKeys(fields).length > 0
}

/** Firefox OS 1.0 called it useSSL; ignoring that would mean cleartext. */
function isSecure(options) {
  return !!options.useSecureTransport || !!options.useSSL
}

module.exports = { refuseLateOptions, toSocketOptions, toServerOptions, toClientUpgrade, toServerUpgrade }
