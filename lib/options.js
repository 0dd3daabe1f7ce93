'use strict'

// The options of sockets and listeners, as a whole. Unknown ones are ignored, as in Firefox OS, unless they are about
// TLS.

const { toBinaryType, toDictionary, toText } = require('./convert.js')
const { ipVersion } = require('./native.js')
const { OptionNames } = require('./option-names.js')
const {
  CLIENT_OPTIONS,
  SERVER_OPTIONS,
  clientConfig,
  serverConfig,
  toClientFields,
  toServerFields,
  wipe,
} = require('./tls.js')

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

/** What may be meant by the address to listen at, in lower case. Ignored, it would mean to listen everywhere. */
const ADDRESS = ['', 'local'].flatMap((local) =>
  ['address', 'addr', 'host', 'hostname', 'ip', 'interface', 'bind', 'bindaddress'].map((name) => [
    local + name,
    'localAddress',
  ]),
)

const SOCKET_NAMES = new OptionNames(CLIENT)
const LISTENER_NAMES = new OptionNames({ ...SERVER, aliases: Object.fromEntries(ADDRESS) })
// `upgradeToSecure` has no old callers that pass others.
const CLIENT_UPGRADE_NAMES = new OptionNames({ ...CLIENT, isComplete: true })
// The listener's own options may be given again.
const SERVER_UPGRADE_NAMES = new OptionNames({
  ...SERVER,
  own: [...SERVER_OPTIONS, 'localAddress'],
  isComplete: true,
})

/** What most sockets have. */
const NO_TLS = { __proto__: null }

/**
 * Options of a client socket to `host`. `tls` is what `upgradeToSecure` goes by, too, and is to be wiped when that cannot be
 * called any more.
 */
function toSocketOptions(value, host) {
  const options = toDictionary(value)
  SOCKET_NAMES.check(options)
  const tls = toClientFields(options)
  let isKept = false
  try {
    const secure = isSecure(options)
    const config = secure || given(tls) ? clientConfig(tls, host) : undefined
    const binaryType = toBinaryType(options.binaryType)
    isKept = !secure && given(tls)
    return { secure, binaryType, tls: isKept ? tls : NO_TLS, config }
  } finally {
    if (!isKept) wipe(tls)
  }
}

/** Options of a listener. `config` is there with a certificate, which `upgradeToSecure` of accepted sockets goes by. */
function toServerOptions(value) {
  const options = toDictionary(value)
  LISTENER_NAMES.check(options)
  const tls = toServerFields(options)
  try {
    const secure = isSecure(options)
    const address =
      options.localAddress === undefined ? '0.0.0.0' : toText(options.localAddress, 'localAddress')
    if (ipVersion(address) === 0 || address.includes('%')) {
      throw new TypeError(
        `localAddress ${JSON.stringify(address)}: must be an IP address, such as "127.0.0.1" or "::"`,
      )
    }
    const config = secure || given(tls) ? serverConfig(tls) : undefined
    return { secure, binaryType: toBinaryType(options.binaryType), address, config }
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
  const [names, toFields] = isAccepted
    ? [SERVER_UPGRADE_NAMES, toServerFields]
    : [CLIENT_UPGRADE_NAMES, toClientFields]
  names.check(options)
  const fields = toFields(options)
  wipe(fields)
  const [late] = Object.keys(fields)
  if (late !== undefined) throw new TypeError(`${late}: the connection is secure already`)
}

function given(fields) {
  return Object.keys(fields).length > 0
}

/** Firefox OS 1.0 called it useSSL; ignoring that would mean cleartext. */
function isSecure(options) {
  return Boolean(options.useSecureTransport) || Boolean(options.useSSL)
}

module.exports = { refuseLateOptions, toSocketOptions, toServerOptions, toClientUpgrade, toServerUpgrade }
