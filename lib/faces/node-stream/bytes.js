'use strict'

// Bytes of a socket as a Buffer, on the same memory where that is possible.

const {
  ArrayBufferIsView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
} = require('../../builtins.js')
const { BufferFrom } = require('../../platform/node-streams.js')
const { isAnyArrayBuffer } = require('../../platform/types.js')

/** `{ buffer, offset, length }` of a view. */
function windowOf(view) {
  if (TypedArrayPrototypeGetSymbolToStringTag(view) === undefined) {
    return {
      buffer: DataViewPrototypeGetBuffer(view),
      offset: DataViewPrototypeGetByteOffset(view),
      length: DataViewPrototypeGetByteLength(view),
    }
  }
  return {
    buffer: TypedArrayPrototypeGetBuffer(view),
    offset: TypedArrayPrototypeGetByteOffset(view),
    length: TypedArrayPrototypeGetByteLength(view),
  }
}

/** The Buffer of what a stream gave; `undefined` for what is no bytes. */
function toBuffer(chunk) {
  if (ArrayBufferIsView(chunk)) {
    const { buffer, offset, length } = windowOf(chunk)
    return BufferFrom(buffer, offset, length)
  }
  return isAnyArrayBuffer(chunk) ? BufferFrom(chunk) : undefined
}

module.exports = { toBuffer, windowOf }
