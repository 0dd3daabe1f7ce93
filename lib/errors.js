'use strict'

// What the API throws, and the Error object that an error event carries.

const { getSystemErrorName } = require('node:util')

// Taken when the module is loaded: test runners replace it with a clock of their own.
const { nextTick } = process

/** Gecko's generic nsresult for a call in the wrong state. */
const NS_ERROR_FAILURE = 0x80004005

/**
 * The exception for a call that the socket's state does not allow: first-generation text, second-generation name and
 * result. Contract section 6.1.
 */
function wrongState(message) {
  const error = new Error(message)
  define(error, { name: 'NS_ERROR_FAILURE', result: NS_ERROR_FAILURE })
  return error
}

/** The exception of a listener that the system refuses, shaped as `node:net` shapes it. */
function bindFailure(nativeError, address, port) {
  const [, errno, text] = /^(\d+):(.*)$/s.exec(nativeError.message) ?? []
  if (errno === undefined) return nativeError
  const code = systemCode(Number(errno))
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const error = new Error(`listen ${code} ${place}: ${text}`)
  define(error, { code, errno: -errno, syscall: 'listen', address, port })
  return error
}

/**
 * The `data` of an error event: an Error whose `name` is Gecko's and whose `message` says what failed, so that code
 * of every generation finds what it reads (decision Q-03).
 */
function eventError({ name, errorCode, detail, errno }) {
  const error = new Error(detail)
  define(error, { name, errorCode })
  if (errno) define(error, { code: systemCode(errno), errno: -errno })
  return error
}

function systemCode(errno) {
  try {
    return getSystemErrorName(-errno)
  } catch {
    return `E${errno}`
  }
}

/** As Node does it: a name belongs to the error's heading, the rest is shown with it. */
function define(error, properties) {
  for (const [key, value] of Object.entries(properties)) {
    Object.defineProperty(error, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: key !== 'name',
    })
  }
}

/**
 * Reports an exception of a handler as uncaught, with the very value that was thrown, and lets the caller go on: a
 * handler that throws must not break its socket (decision Q-25).
 */
function reportException(thrown) {
  nextTick(() => {
    throw thrown
  })
}

module.exports = { wrongState, bindFailure, eventError, reportException }
