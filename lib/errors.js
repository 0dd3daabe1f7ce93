'use strict'

// What the API throws, and the Error object that an error event carries.

const { Error, Number, ObjectDefineProperty, ObjectKeys, RegExpPrototypeExec } = require('./builtins.js')
const { TCPSocketErrorEvent } = require('./events.js')
const { placeOf } = require('./places.js')
const { systemError } = require('./platform/system-errors.js')

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

/** The exception of a place that the system refuses to `syscall` at, shaped as `node:net` shapes it. */
function bindFailure(nativeError, address, port, syscall = 'listen') {
  const parts = RegExpPrototypeExec(/^(\d+):(.*)$/s, nativeError.message)
  if (parts === null) return nativeError
  const text = parts[2]
  const system = systemError(Number(parts[1]))
  const error = new Error(`${syscall} ${system.code} ${placeOf(address, port)}: ${text}`)
  define(error, { ...system, syscall, address, port })
  return error
}

/**
 * The `data` of an error event: an Error whose `name` is Gecko's and whose `message` says what failed, so that code
 * of every generation finds what it reads (decision Q-03).
 */
function eventError({ name, code, detail, errno, reason }) {
  const error = new Error(detail)
  define(error, { name, errorCode: code })
  if (errno) define(error, systemError(errno))
  if (reason) define(error, { reason })
  return error
}

/** As Node does it: a name belongs to the error's heading, the rest is shown with it. */
function define(error, properties) {
  const keys = ObjectKeys(properties)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    ObjectDefineProperty(error, key, {
      __proto__: null,
      value: properties[key],
      writable: true,
      configurable: true,
      enumerable: key !== 'name',
    })
  }
}

/** The event that tells of an engine's `Failure`. */
function errorEvent(failure) {
  // What there is not is absent, and must not be found on Object.prototype.
  const own = { __proto__: null, ...failure }
  const { name, class: message, code: errorCode } = own
  return new TCPSocketErrorEvent('error', { name, message, errorCode, data: eventError(own) })
}

module.exports = {
  wrongState,
  bindFailure,
  eventError,
  errorEvent,
}
