'use strict'

// Errors as node:net and node:tls have them: `code`, `errno` and `syscall` are what programs go by. What a socket failed with, which says
// more, is the `cause`.

const { Error, RangeError, RegExpPrototypeExec, TypeError, Number } = require('../../builtins.js')
const { CODES, syscallOf } = require('../../streams/causes.js')

/** What Node calls failures of TLS. Any other is EPROTO. */
const TLS_CODES = {
  __proto__: null,
  SecurityCertificateDomainMismatchError: 'ERR_TLS_CERT_ALTNAME_INVALID',
  SecurityExpiredCertificateError: 'CERT_HAS_EXPIRED',
  SecurityRevokedCertificateError: 'CERT_REVOKED',
  SecurityUntrustedCertificateIssuerError: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  SecurityInadequateKeyUsageError: 'INVALID_PURPOSE',
}

/** Where there is more than one, by the words of OpenSSL. */
const REASONS = {
  __proto__: null,
  'self-signed certificate': 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'self-signed certificate in certificate chain': 'SELF_SIGNED_CERT_IN_CHAIN',
  'unable to verify the first certificate': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'certificate is not yet valid': 'CERT_NOT_YET_VALID',
}

/** Its number in libuv, which is what Node tells on every system. */
const UV_EAI_NONAME = -3008

/** The most links of `cause` that are followed. */
const DEEPEST = 8

/** Of an error and what caused it, the one that the system or TLS told; or else the error. */
function source(error) {
  let candidate = error
  for (let depth = 0; depth < DEEPEST && typeof candidate === 'object' && candidate !== null; depth++) {
    const isTold = typeof candidate.code === 'string' || codeByName(candidate) !== undefined
    if (isTold) return candidate
    candidate = candidate.cause
  }
  return error
}

/** The code of what has none of its own. */
function codeByName({ name, reason }) {
  if (typeof name !== 'string') return undefined
  if (CODES[name] !== undefined) return CODES[name]
  if (name === 'NetworkInterruptError') return 'ECONNRESET'
  if (RegExpPrototypeExec(/^Security\w*Error$/, name) === null) return undefined
  // DOMExceptions of that name, which have no reason, are of the policy.
  if (name === 'SecurityError' && reason === undefined) return undefined
  return REASONS[reason] ?? TLS_CODES[name] ?? 'EPROTO'
}

/**
 * The error that a net.Socket would have failed with, of what the socket below failed with. `syscall` is what was being done, where the error does
 * not say, and `otherwise` the code of an error that the system knows nothing of.
 */
function toNodeError(thrown, syscall, otherwise) {
  const told = source(thrown)
  const detail = typeof told?.message === 'string' ? told.message : `${told}`
  const code = typeof told?.code === 'string' ? told.code : (codeByName(told ?? {}) ?? otherwise)
  const isTls = told?.reason !== undefined || code === 'EPROTO'
  const call = told?.syscall ?? syscallOf(detail) ?? (isTls ? undefined : syscall)
  if (call === undefined || code === undefined)
    return describe(new Error(detail, { cause: thrown }), { code })
  const more = { code, errno: told?.errno, syscall: call }
  if (call === 'connect') return connectError(thrown, detail, more)
  if (call === 'getaddrinfo') return lookupError(thrown, detail, more)
  return describe(new Error(`${call} ${code}`, { cause: thrown }), more)
}

function connectError(cause, detail, more) {
  const parts = RegExpPrototypeExec(/^connect to (\S+) port (\d+)(?: \(([^)]*)\))?/, detail)
  if (parts === null) return describe(new Error(`connect ${more.code}`, { cause }), more)
  const address = parts[3] ?? parts[1]
  const port = Number(parts[2])
  const error = new Error(`connect ${more.code} ${address}:${port}`, { cause })
  return describe(error, { ...more, address, port })
}

function lookupError(cause, detail, more) {
  const hostname = RegExpPrototypeExec(/^look up (\S+?):?(?: |$)/, detail)?.[1]
  const name = hostname === undefined ? '' : ` ${hostname}`
  return describe(new Error(`getaddrinfo ${more.code}${name}`, { cause }), {
    ...more,
    errno: more.code === 'ENOTFOUND' ? UV_EAI_NONAME : more.errno,
    hostname,
  })
}

/** Gives `error` those of `properties` that are there. */
function describe(error, properties) {
  for (const name in properties) if (properties[name] !== undefined) error[name] = properties[name]
  return error
}

/** An error that Node has a code for. */
function coded(message, code) {
  return describe(new Error(message), { code })
}

function invalidType(message) {
  return describe(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

function outOfRange(message) {
  return describe(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

module.exports = { coded, invalidType, outOfRange, toNodeError }
