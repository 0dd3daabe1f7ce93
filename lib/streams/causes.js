'use strict'

// The Error that is the `cause` of what a stream fails with: the names that specifications have for network errors say little.

const { Error, StringPrototypeStartsWith } = require('../builtins.js')
const { domException } = require('../dom-exceptions.js')
const { defineHidden } = require('../interface.js')
const { systemError } = require('../platform/system-errors.js')

/** How the engine's words for what failed begin, and what Node calls the call. */
const SYSCALLS = [
  ['connect to', 'connect'],
  ['look up', 'getaddrinfo'],
  ['read from', 'read'],
  ['write to', 'write'],
  ['listen', 'listen'],
  ['accept', 'accept'],
  ['bind', 'bind'],
  ['send', 'send'],
  ['receive', 'recv'],
]

/** Failures of which the system gives no number, and what Node calls them. */
const CODES = { __proto__: null, DomainNotFoundError: 'ENOTFOUND', NetworkTimeoutError: 'ETIMEDOUT' }

/** The system's Error, of an engine's `Failure`. `name` is Gecko's name for it, `reason` what the TLS library said. */
function causeOf(failure) {
  const { name, detail, errno, reason } = { __proto__: null, ...failure }
  const error = new Error(detail)
  defineHidden(error, 'name', name)
  if (errno) {
    const { code, errno: number } = systemError(errno)
    error.code = code
    error.errno = number
  } else if (CODES[name] !== undefined) {
    error.code = CODES[name]
  }
  const syscall = syscallOf(detail)
  if (syscall !== undefined) error.syscall = syscall
  if (reason) error.reason = reason
  return error
}

/** What Node calls the call that failed, by the engine's words for that. */
function syscallOf(detail) {
  for (let i = 0; i < SYSCALLS.length; i++) {
    if (StringPrototypeStartsWith(detail, SYSCALLS[i][0])) return SYSCALLS[i][1]
  }
  return undefined
}

/** Whether nobody listens where a datagram was sent to: no failure of a socket that sends to many. */
function isRefusal({ errno }) {
  return !!errno && systemError(errno).code === 'ECONNREFUSED'
}

/** The NetworkError of an engine's `Failure`, whose cause is the system's Error. */
function networkError(failure) {
  const cause = causeOf(failure)
  return domException('NetworkError', cause.message, cause)
}

module.exports = { CODES, causeOf, isRefusal, networkError, syscallOf }
