'use strict'

// What each option, and each argument of a constructor, must lead to by its value: a class of errors, `undefined` where it is right, or
// `null` where the type alone does not tell, and it must be right or a clear error.

const { attempt } = require('./oracle.js')

const isIntegral = (value) =>
  Number.isInteger(value) || (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value))

/** What an integer from `least` to `most` must lead to: a class of errors, or `undefined` where it is right. */
function errorOfInteger(value, least, most) {
  if (!isIntegral(value)) return TypeError
  return Number(value) < least || Number(value) > most ? RangeError : undefined
}

const isNullish = (value) => value === undefined || value === null
const optional = (check) => (value) => (isNullish(value) ? undefined : check(value))
const integer = (least, most) => optional((value) => errorOfInteger(value, least, most))
const boolean = optional((value) => (typeof value === 'boolean' ? undefined : TypeError))
const anything = () => undefined
const nothing = optional(() => TypeError)
/** Where the reason depends on more than the type; either way it must be a clear error. */
const either = () => null

function textOf(value) {
  const { value: text, thrown } = attempt(() => `${value}`)
  return thrown === undefined ? text : undefined
}

/** Names are names; what no name can have is refused. */
function host(value) {
  const text = textOf(value)
  if (text === undefined) return TypeError
  if (/^[a-z][a-z-]*$/i.test(text) && text.length < 60) return undefined
  return text === '' || text.length > 253 || /[\0- /:@?#\\[\]]|^\d+$/.test(text) ? TypeError : null
}

function binaryType(value) {
  return value === undefined || ['string', 'arraybuffer'].includes(textOf(value)) ? undefined : TypeError
}

/** For each option what its value must lead to, when it is the only one. */
const OPTIONS = {
  binaryType,
  useSecureTransport: anything,
  useSSL: anything,
  localAddress: (value) => (value === undefined ? undefined : TypeError),
  localPort: integer(-1, 65_535),
  connectTimeout: integer(0, 0x7fffffff),
  timeout: integer(0, 0x7fffffff),
  keepAlive: boolean,
  keepAliveDelay: (value) =>
    integer(0, 32_767_000)(value) ?? (Number(value ?? 0) > 0 ? TypeError : undefined),
  noDelay: boolean,
  signal: optional((value) =>
    attempt(() => value instanceof AbortSignal).value === true ? null : TypeError,
  ),
  ca: (value) => (isNullish(value) || (Array.isArray(value) && value.length === 0) ? undefined : TypeError),
  caOnly: optional((value) => (value === false ? undefined : TypeError)),
  crl: nothing,
  servername: optional(host),
  cert: nothing,
  key: nothing,
  pfx: nothing,
  passphrase: nothing,
  alpnProtocols: (value) =>
    isNullish(value) || (Array.isArray(value) && value.length === 0) ? undefined : TypeError,
  minVersion: nothing,
  maxVersion: nothing,
  fingerprint256: nothing,
  rejectUnauthorized: boolean,
  sessionFrom: nothing,
  ipv6Only: optional((value) => (value === false ? undefined : TypeError)),
  reusePort: boolean,
  handshakeTimeout: integer(1, 600_000),
}

module.exports = { OPTIONS, anything, either, errorOfInteger, host, isNullish, optional }
