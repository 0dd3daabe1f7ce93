'use strict'

// The options of sockets and listeners, as a whole. Unknown ones are ignored, as in Firefox OS, unless they are about
// TLS.

const { namesOf, toBinaryType, toDictionary, toText } = require('./convert.js')
const { ipVersion } = require('./native.js')
const { clientConfig, refuseUnknown, serverConfig, toClientFields, toServerFields } = require('./tls.js')

/** What most sockets have. */
const NO_TLS = { __proto__: null }

/** Options of a client socket. `tls` is what `upgradeToSecure` goes by, too. */
function toSocketOptions(value) {
  const options = toDictionary(value)
  const tls = toClientFields(options)
  const secure = isSecure(options)
  const config = secure || given(tls) ? clientConfig(tls) : undefined
  return { secure, binaryType: toBinaryType(options.binaryType), tls: given(tls) ? tls : NO_TLS, config }
}

/** Options of a listener. `config` is there with a certificate, which `upgradeToSecure` of accepted sockets goes by. */
function toServerOptions(value) {
  const options = toDictionary(value)
  const tls = toServerFields(options)
  const secure = isSecure(options)
  // Ignored, it would mean to listen everywhere.
  refuseOtherAddresses(options)
  const address = options.localAddress === undefined ? '0.0.0.0' : toText(options.localAddress)
  if (ipVersion(address) === 0 || address.includes('%')) {
    throw new TypeError(
      `localAddress ${JSON.stringify(address)}: must be an IP address, such as "127.0.0.1" or "::"`,
    )
  }
  const config = secure || given(tls) ? serverConfig(tls) : undefined
  return { secure, binaryType: toBinaryType(options.binaryType), address, config }
}

/** What may be meant by the address to listen at. */
const ADDRESS = /^(local)?(address|host|hostname|bind)$/i

function refuseOtherAddresses(options) {
  for (const name of namesOf(options)) {
    if (ADDRESS.test(name) && name !== 'localAddress' && options[name] !== undefined) {
      throw new TypeError(`${name}: this option is called localAddress`)
    }
  }
}

/** The engine's TlsConfig for `upgradeToSecure(value)` on a client socket that was made with the TLS options `made`. */
function toClientUpgrade(value, made, config) {
  const options = toDictionary(value)
  const fields = toClientFields(options)
  refuseUnknown(options)
  return config === undefined || given(fields)
    ? clientConfig({ __proto__: null, ...kept(made, fields), ...fields })
    : config
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
  const fields = toServerFields(options)
  refuseUnknown(options)
  return config === undefined || given(fields) ? serverConfig(fields) : config
}

function given(fields) {
  return Object.keys(fields).length > 0
}

/** Firefox OS 1.0 called it useSSL; ignoring that would mean cleartext. */
function isSecure(options) {
  return Boolean(options.useSecureTransport) || Boolean(options.useSSL)
}

module.exports = { toSocketOptions, toServerOptions, toClientUpgrade, toServerUpgrade }
