'use strict'

// Chunks of bytes that are written: ArrayBuffers, views on one, and where a face says so strings.

const { isAnyArrayBuffer, isSharedArrayBuffer } = require('../platform/types.js')
const { ArrayBufferIsView, TypeError } = require('../builtins.js')
const { bufferOf, byteLengthOf, copyOf, fromUtf8 } = require('../bytes.js')
const { describe, toView } = require('../convert.js')
const { BufferByteLength } = require('../platform/buffers.js')

/** What WritableHalf is made with, see `Profile`. */
function byteChunks({ strings, highWaterMark, countBytes }) {
  return {
    highWaterMark,
    copy: copyOf,
    sizeOf: countBytes ? sizeOf : one,
    convert: strings
      ? (chunk) => (typeof chunk === 'string' ? ofText(chunk) : ofBytes(chunk, true))
      : ofBytes,
  }
}

const one = () => 1

function sizeOf(chunk) {
  if (typeof chunk === 'string') return BufferByteLength(chunk)
  try {
    return byteLengthOf(chunk)
  } catch {
    // It is refused when it is written.
    return 0
  }
}

function ofText(text) {
  return text === '' ? undefined : fromUtf8(text)
}

function ofBytes(chunk, orText = false) {
  if (!isBytes(chunk)) {
    const kinds = `an ArrayBuffer${orText ? ', a view on one, or a string' : ' or a view on one'}`
    throw new TypeError(`write: ${describe(chunk)} must be ${kinds}`)
  }
  return isEmpty(chunk) ? undefined : toView('write', chunk)
}

/** Whether `value` is a BufferSource, or shared memory, which is refused when it is read. */
function isBytes(value) {
  return ArrayBufferIsView(value) || isAnyArrayBuffer(value)
}

function isEmpty(chunk) {
  // What is shared is refused, empty or not.
  if (isSharedArrayBuffer(bufferOf(chunk))) return false
  try {
    return byteLengthOf(chunk) === 0
  } catch {
    // Of a view whose memory is gone: zero bytes, as in WebIDL.
    return true
  }
}

module.exports = { byteChunks, isBytes, isEmpty }
