'use strict'

// What tests pass: checked, so that a slip of the pen is a clear error where it was made.

const { inspect } = require('node:util')

const { LONGEST } = require('./time.js')

/** The bytes of a byte string, as `send` of a socket takes it, or of an ArrayBuffer or view. A copy. */
function toBytes(name, value) {
  if (typeof value === 'string') {
    if (/[^\0-\u{ff}]/u.test(value)) {
      throw new TypeError(
        `${name} ${inspect(value)}: characters of a byte string are U+0000 to U+00FF; pass Buffer.from(text) for UTF-8`,
      )
    }
    return Buffer.from(value, 'latin1')
  }
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  }
  // Of any realm.
  if (Object.prototype.toString.call(value) === '[object ArrayBuffer]')
    return Buffer.from(new Uint8Array(value))
  throw new TypeError(`${name} ${inspect(value)}: must be a string, an ArrayBuffer or a view of one`)
}

/** A whole number from `least` to `most`. */
function toInteger(name, value, least, most = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number') throw new TypeError(`${name} ${inspect(value)}: must be a number`)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} ${inspect(value)}: must be a whole number from ${least} to ${most}`)
}

/** Milliseconds for a timer. */
function toMilliseconds(name, value) {
  return toInteger(name, value, 0, LONGEST)
}

function toPort(name, value, least = 0) {
  return toInteger(name, value, least, 65535)
}

/** `{ bytesPerSecond, chunk }`, or `null` for as fast as it goes. */
function toPace(name, value) {
  if (value === null) return null
  const { bytesPerSecond, chunk } = toOptions(name, value, ['bytesPerSecond', 'chunk', 'direction'])
  toInteger(`${name}: bytesPerSecond`, bytesPerSecond, 1)
  if (chunk !== undefined) toInteger(`${name}: chunk`, chunk, 1)
  return { bytesPerSecond, chunk }
}

/** One of `allowed`. */
function toOneOf(name, value, allowed) {
  if (allowed.includes(value)) return value
  throw new TypeError(
    `${name} ${inspect(value)}: must be ${allowed.map((each) => inspect(each)).join(' or ')}`,
  )
}

/** An object with no other than the `known` properties. */
function toOptions(name, value, known) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} ${inspect(value)}: must be an object with ${known.join(', ')}`)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw new TypeError(`${name}: unknown option ${key}; there are ${known.join(', ')}`)
  }
  return value
}

module.exports = { toBytes, toInteger, toMilliseconds, toOneOf, toOptions, toPace, toPort }
