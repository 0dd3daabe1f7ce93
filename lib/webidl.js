'use strict'

// Conversions of WebIDL for the members of dictionaries: what an option of a Web API may be, and the TypeError for what it may not.

const {
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  JSONStringify,
  MathTrunc,
  Number,
  NumberIsFinite,
  TypeError,
} = require('./builtins.js')
const { describe, isPlainAddress, toText } = require('./convert.js')
const { ipVersion } = require('./platform/native.js')

/** `[EnforceRange] unsigned long`. */
const MAX_UNSIGNED_LONG = 0xffff_ffff

/** The largest port. */
const MAX_PORT = 65_535

/** `[EnforceRange]`: an integer of `least` to `most`, or `undefined`. Fractions are cut off. */
function inRange(value, least, most) {
  const number = typeof value === 'bigint' || typeof value === 'symbol' ? NaN : Number(value)
  const integer = NumberIsFinite(number) ? MathTrunc(number) : NaN
  // Not -0.
  return integer >= least && integer <= most ? integer + 0 : undefined
}

/** The same, or a TypeError. */
function toRange(value, name, least, most) {
  const integer = inRange(value, least, most)
  if (integer === undefined) {
    throw new TypeError(`${name} ${describe(value)}: must be an integer from ${least} to ${most}`)
  }
  return integer
}

/** One of the `values` of an enumeration. */
function toEnum(value, name, values) {
  const text = toText(value, name)
  if (!ArrayPrototypeIncludes(values, text)) {
    const quoted = []
    for (let i = 0; i < values.length; i++) quoted[i] = JSONStringify(values[i])
    throw new TypeError(`${name} ${describe(text)}: must be ${ArrayPrototypeJoin(quoted, ' or ')}`)
  }
  return text
}

/** An IP address, in text; where `mayHaveZone` also one of a link, as in "fe80::1%eth0". */
function toIp(value, name, mayHaveZone = false) {
  const text = toText(value, name)
  const isFine = mayHaveZone ? ipVersion(text) !== 0 : isPlainAddress(text)
  if (!isFine) throw new TypeError(`${name} ${describe(text)}: must be an IP address`)
  return text
}

module.exports = { MAX_PORT, MAX_UNSIGNED_LONG, inRange, toEnum, toIp, toRange }
