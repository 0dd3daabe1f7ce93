'use strict'

// What the API throws, and the Error object that an error event carries.

const { AsyncResource } = require('node:async_hooks')
const { constants } = require('node:os')
const { getSystemErrorName, getSystemErrorMap } = require('node:util')

const { TCPSocketErrorEvent } = require('./events.js')
const { reportException } = require('./native.js')

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
  const system = systemError(Number(errno))
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const error = new Error(`listen ${system.code} ${place}: ${text}`)
  define(error, { ...system, syscall: 'listen', address, port })
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

/** `{ code, errno }` as Node has them, of a number from the operating system. */
function systemError(number) {
  if (process.platform === 'win32') return windowsError(number)
  const name = getSystemErrorName(-number)
  // Node describes what it does not know, in words.
  return { code: /^E\w+$/.test(name) ? name : `E${number}`, errno: -number }
}

/** Windows names what sockets meet WSAE…; Node has the names of POSIX for that, and numbers of libuv's. */
function windowsError(number, numbers = constants.errno) {
  const winsock = Object.keys(numbers).find((name) => numbers[name] === number && name.startsWith('WSAE'))
  const code = winsock?.slice('WSA'.length) ?? `E${number}`
  for (const [errno, [name]] of getSystemErrorMap()) if (name === code) return { code, errno }
  return { code, errno: -number }
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

/** The event that tells of an engine's `Failure`. */
function errorEvent(failure) {
  const { name, class: message, code: errorCode } = failure
  return new TCPSocketErrorEvent('error', { name, message, errorCode, data: eventError(failure) })
}

/** A function for each exception that waits to be reported. */
const uncaught = []

/**
 * What a handler threw is an uncaught exception, but must not break its socket (decision Q-25), nor what else belongs to
 * the event: Node forgets the asynchronous context when it reports one. So it is kept until `reportThrown`, together with
 * the context, in which whoever listens for uncaught exceptions is called, as for those of Node's own sockets.
 */
function reportLater(thrown) {
  uncaught.push(AsyncResource.bind(() => reportException(thrown), 'TCPSOCKETEXCEPTION'))
}

/** Reports what was kept. Nothing that belongs to an event may follow. */
function reportThrown() {
  while (uncaught.length > 0) uncaught.shift()()
}

module.exports = { wrongState, bindFailure, eventError, errorEvent, reportLater, reportThrown, windowsError }
