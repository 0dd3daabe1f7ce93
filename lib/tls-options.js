'use strict'

// TLS options: from what applications pass to what the engine takes. None of this was in Firefox OS. Ignoring an option
// could mean less security than the caller asked for, so whatever this cannot honour throws a TypeError that names it.

const {
  ArrayIsArray,
  ArrayPrototypeIncludes,
  ObjectKeys,
  RegExpPrototypeExec,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeTrim,
  TypeError,
  TypedArrayPrototypeFill,
} = require('./builtins.js')
const { fromHex, fromUtf8, utf8Length } = require('./bytes.js')
const { describe, matches, toBoolean, toBytes, toHost, toMilliseconds, toText } = require('./convert.js')
const native = require('./platform/native.js')
const { emitWarning } = require('./platform/process.js')
const { sessionOf } = require('./tls-session.js')

const VERSIONS = ['TLSv1.2', 'TLSv1.3']

/** Milliseconds that a client may take for its handshake with a server of ours. */
const HANDSHAKE_TIMEOUT = 10_000
const MAX_HANDSHAKE_TIMEOUT = 600_000

/** Each option that clients and servers have, and how its value is converted. */
const BOTH = {
  cert: toPem,
  key: toPem,
  pfx: toFile,
  passphrase: toPassphrase,
  alpnProtocols: toProtocols,
  minVersion: toVersion,
  maxVersion: toVersion,
}

/** Each option of a client. */
const CLIENT = {
  ca: toPems,
  caOnly: toFlag,
  crl: toPems,
  servername: (name, value) => toHost(toText(value, name), name),
  ...BOTH,
  fingerprint256: toFingerprint,
  rejectUnauthorized: toFlag,
  sessionFrom: toSession,
}

/** Each option of a server. */
const SERVER = {
  ...BOTH,
  handshakeTimeout: toTimeout,
}

/** Those of `options` that are about TLS, converted: of a client. */
function toClientFields(options) {
  return convert(CLIENT, options)
}

/** Each option of a server. */
function toServerFields(options) {
  return convert(SERVER, options)
}

function convert(converters, options) {
  const fields = { __proto__: null }
  try {
    const names = ObjectKeys(converters)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      const value = options[name]
      if (value !== undefined && value !== null) fields[name] = converters[name](name, value)
    }
  } catch (thrown) {
    wipe(fields)
    throw thrown
  }
  return fields
}

/** Overwrites the keys among `fields`, which nobody reads any more. They are copies: the caller's memory is the caller's. */
function wipe({ key, pfx }) {
  if (key) TypedArrayPrototypeFill(key, 0)
  if (pfx) TypedArrayPrototypeFill(pfx, 0)
}

let defaults

/** The engine's TlsConfig of a client of `host`. */
function clientConfig(fields, host) {
  return ObjectKeys(fields).length > 0
    ? makeClientConfig(fields, host)
    : (defaults ??= makeClientConfig(fields, host))
}

function makeClientConfig(fields, host) {
  const { ca = [], crl = [], fingerprint256, rejectUnauthorized } = fields
  if (fields.caOnly && ca.length === 0) throw new TypeError('caOnly: nothing would be trusted without ca')
  if (fields.crl?.length === 0) throw new TypeError('crl: nothing would be looked up in no list')
  if (rejectUnauthorized === false && (fields.caOnly || crl.length > 0)) {
    throw new TypeError(
      'rejectUnauthorized: false verifies nothing, so that caOnly and crl would have no effect',
    )
  }
  // A pin by itself says which certificate it must be; everything else about that is beside the point.
  const pinned = fingerprint256 !== undefined && (rejectUnauthorized ?? fields.ca ?? fields.crl) === undefined
  const options = {
    verify: rejectUnauthorized !== false && !pinned,
    ca,
    caOnly: fields.caOnly ?? false,
    crl,
    identity: toIdentity(fields),
    serverName: fields.servername,
    fingerprint256,
    ...common(fields),
  }
  const config = make('client', options, fields.sessionFrom, host)
  if (rejectUnauthorized === false && fingerprint256 === undefined) warn()
  return config
}

/** The engine's TlsConfig of a server. */
function serverConfig(fields) {
  const identity = toIdentity(fields)
  if (identity === undefined) throw new TypeError('cert: a TLS server needs cert and key, or pfx')
  return make('server', {
    identity,
    handshakeTimeout: fields.handshakeTimeout ?? HANDSHAKE_TIMEOUT,
    ...common(fields),
  })
}

function make(side, options, session, host) {
  try {
    return native.TlsConfig[side](options, session, host)
  } catch (error) {
    throw new TypeError(error.message, { cause: error })
  }
}

function common({ alpnProtocols = [], minVersion = VERSIONS[0], maxVersion }) {
  if (maxVersion !== undefined && minVersion > maxVersion) {
    throw new TypeError(`maxVersion "${maxVersion}": must not be below minVersion "${minVersion}"`)
  }
  return { alpn: alpnProtocols, minVersion, maxVersion }
}

function toIdentity({ cert, key, pfx, passphrase }) {
  if (pfx !== undefined && (cert ?? key) !== undefined) {
    throw new TypeError('pfx: holds certificate and key; cert and key must not be given too')
  }
  // OpenSSL takes a C string for it, which would end there.
  if (pfx !== undefined && passphrase !== undefined && StringPrototypeIncludes(passphrase, '\0')) {
    throw new TypeError('passphrase: must not contain U+0000 for a pfx')
  }
  if (cert !== undefined && key === undefined) throw new TypeError('cert: needs its key')
  if (key !== undefined && cert === undefined) throw new TypeError('key: needs its cert')
  if ((cert ?? pfx) !== undefined) return { cert, key, pfx, passphrase }
  if (passphrase !== undefined) throw new TypeError('passphrase: there is no key or pfx to go with it')
  return undefined
}

let warned = false

function warn() {
  if (warned) return
  warned = true
  emitWarning(
    'rejectUnauthorized: false accepts any server: whoever is on the way can read and change everything.',
    { code: 'MOZ_TCP_SOCKET_UNVERIFIED' },
  )
}

/** One or several PEM texts or buffers. */
function toPems(name, value) {
  if (!ArrayIsArray(value)) return [toPem(name, value)]
  const pems = []
  for (let i = 0; i < value.length; i++) pems[i] = toPem(name, value[i])
  return pems
}

function toPem(name, value) {
  if (typeof value === 'string') return fromUtf8(value)
  return toBytes(name, value, 'PEM, as a string or a Buffer')
}

function toFile(name, value) {
  return toBytes(name, value, 'the bytes of a PKCS #12 file, as a Buffer')
}

function toPassphrase(name, value) {
  if (typeof value !== 'string') throw new TypeError(`${name}: must be a string`)
  return value
}

function toFlag(name, value) {
  return toBoolean(value, name)
}

function toVersion(name, value) {
  const version = toText(value, name)
  if (!ArrayPrototypeIncludes(VERSIONS, version)) {
    throw new TypeError(`${name} ${describe(version)}: must be "TLSv1.2" or "TLSv1.3"`)
  }
  return version
}

function toProtocols(name, value) {
  if (!ArrayIsArray(value)) throw new TypeError(`${name} ${describe(value)}: must be an array of strings`)
  const protocols = []
  // RFC 7301: the list has two bytes for its length, and each name one for its own.
  let total = 0
  for (let i = 0; i < value.length; i++) {
    // Read once: a getter could change its mind.
    const item = value[i]
    if (typeof item !== 'string' || item === '' || utf8Length(item) > 255) {
      throw new TypeError(`${name} ${describe(item)}: each must be a string of 1 to 255 bytes`)
    }
    protocols[i] = item
    total += 1 + utf8Length(item)
  }
  if (total > 65535) {
    throw new TypeError(`${name}: all together must not be longer than 65535 bytes`)
  }
  return protocols
}

function toFingerprint(name, value) {
  // As the openssl command line tool prints it.
  const trimmed = StringPrototypeTrim(toText(value, name))
  const prefix = RegExpPrototypeExec(/^sha256 fingerprint=/i, trimmed)
  const text = prefix === null ? trimmed : StringPrototypeSlice(trimmed, prefix[0].length)
  if (!matches(/^[\da-f]{2}(:?[\da-f]{2}){31}$/i, text)) {
    throw new TypeError(`${name} ${describe(text)}: must be 32 bytes in hexadecimal, with or without colons`)
  }
  let digits = ''
  for (let i = 0; i < text.length; i++) if (text[i] !== ':') digits += text[i]
  return fromHex(digits)
}

/** The session of another socket's connection. Whether it may be taken up, the engine knows. */
function toSession(name, value) {
  if (!native.sharesTlsSessions()) throw new TypeError(`${name}: is not supported on this platform`)
  const session = sessionOf(value)
  if (session === undefined) throw new TypeError(`${name} ${describe(value)}: must be a TCPSocket`)
  if (session === null) {
    throw new TypeError(
      `${name}: that socket has no session: it must be a client whose TLS handshake is done`,
    )
  }
  return session
}

function toTimeout(name, value) {
  return toMilliseconds(value, name, 1, MAX_HANDSHAKE_TIMEOUT)
}

module.exports = {
  CLIENT_OPTIONS: Object.keys(CLIENT),
  /** Of faces: a session to take up is of a socket of the main entry. */
  FACE_CLIENT_OPTIONS: Object.keys(CLIENT).filter((name) => name !== 'sessionFrom'),
  SERVER_OPTIONS: Object.keys(SERVER),
  clientConfig,
  serverConfig,
  toClientFields,
  toServerFields,
  wipe,
}
