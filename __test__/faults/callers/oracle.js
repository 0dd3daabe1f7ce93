'use strict'

// What a call must do, said a second time and independently of the code: what `send` makes of its arguments (contract section 3.2,
// decisions ), and which errors are clear ones.

const { types } = require('node:util')

const { OwnError } = require('./values.js')

/** What JavaScript itself says of a value that has no primitive, or is no more: the value's error, and not that of the call. */
const ABOUT_THE_VALUE =
  /^Cannot convert (?:object to primitive value|a Symbol value to a \w+)$|on a proxy that has been revoked$|%TypedArray%\.prototype\.join/

/** The most characters of a message that a person reads. */
const MOST_MESSAGE = 600

/** `{ value }` or `{ thrown }`. */
function attempt(call) {
  try {
    return { value: call() }
  } catch (thrown) {
    return { thrown }
  }
}

/** Whether the value itself is the reason, by its own code or by what JavaScript says of it. */
function isOfValue(thrown) {
  return thrown instanceof OwnError || (thrown instanceof TypeError && ABOUT_THE_VALUE.test(thrown.message))
}

/** What is wrong with an exception that must name `what`; `undefined` where nothing is. */
function unclear(thrown, what, classes = [TypeError, RangeError]) {
  if (isOfValue(thrown)) return undefined
  if (!classes.some((Class) => thrown instanceof Class)) return `is a ${thrown?.name ?? typeof thrown}`
  // Node's own are as long as the value.
  if (thrown.code === undefined && thrown.message.length > MOST_MESSAGE)
    return `its message has ${thrown.message.length} characters`
  if (!what.test(thrown.message)) return `does not say ${what}: ${thrown.message}`
  return undefined
}

/** As WebIDL makes an unsigned long of what is there. */
function toUint32(value) {
  const number = Number(value ?? 0)
  return Number.isFinite(number) ? Number(BigInt.asUintN(32, BigInt(Math.trunc(number)))) : 0
}

/** The bytes of a view or an ArrayBuffer, as they are now. */
function allBytes(value) {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}

/** Whether the memory behind `value` is there, and this thread's alone. */
function isUsable(value) {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  if (types.isSharedArrayBuffer(buffer)) return false
  const { thrown } = attempt(() => allBytes(value).slice())
  const isGone = buffer.byteLength === 0 && attempt(() => new Uint8Array(buffer)).thrown !== undefined
  return thrown === undefined && !isGone
}

/** `{ bytes }` that `send(value, ...rest)` sends on a socket with `binaryType`, or `{ throws: true }`. */
function expectedOfSend(binaryType, value, ...rest) {
  const isView = ArrayBuffer.isView(value)
  if (types.isAnyArrayBuffer(value) || (isView && binaryType === 'arraybuffer')) {
    const [offset, length] = rest
    const numbers = attempt(() => [toUint32(offset), length === undefined ? Infinity : toUint32(length)])
    if (numbers.thrown || !isUsable(value)) return { throws: true }
    const [from, count] = numbers.value
    return { bytes: Buffer.from(allBytes(value).slice(from, Math.min(from + count, 2 ** 40))) }
  }
  if (binaryType === 'arraybuffer' && typeof value !== 'string') return { throws: true }
  if (rest.some((argument) => argument !== undefined)) return { throws: true }
  const text = attempt(() => `${value}`)
  if (text.thrown || /[^\0-\u00ff]/.test(text.value)) return { throws: true }
  return { bytes: Buffer.from(text.value, 'latin1') }
}

module.exports = { attempt, expectedOfSend, isOfValue, unclear }
