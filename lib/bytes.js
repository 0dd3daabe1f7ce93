'use strict'

// Bytes in memory: made, copied and measured in a way that nobody's changes to built-ins reach (see builtins.js).

const {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ObjectDefineProperty,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8Array,
} = require('./builtins.js')
const {
  BufferAllocUnsafeSlow,
  BufferByteLength,
  BufferPrototypeHexWrite,
  BufferPrototypeLatin1Write,
  BufferPrototypeUtf8Write,
} = require('./platform/buffers.js')

/** A Buffer of its own memory, with anything in it. */
function allocate(length) {
  const bytes = BufferAllocUnsafeSlow(length)
  // Buffer's methods that write text ask for it, from Node.js 22 on.
  ObjectDefineProperty(bytes, 'byteLength', { __proto__: null, value: length })
  return bytes
}

/** How many bytes `text` has in UTF-8. */
function utf8Length(text) {
  return BufferByteLength(text)
}

/** A copy of a Uint8Array. */
function copyOf(bytes) {
  const copy = allocate(TypedArrayPrototypeGetLength(bytes))
  TypedArrayPrototypeSet(copy, bytes)
  return copy
}

function fromUtf8(text) {
  const length = BufferByteLength(text)
  const bytes = allocate(length)
  BufferPrototypeUtf8Write(bytes, text, 0, length)
  return bytes
}

function fromLatin1(text) {
  const bytes = allocate(text.length)
  BufferPrototypeLatin1Write(bytes, text, 0, text.length)
  return bytes
}

function fromHex(text) {
  const length = text.length / 2
  const bytes = allocate(length)
  BufferPrototypeHexWrite(bytes, text, 0, length)
  return bytes
}

/** A copy of the ArrayBuffer of another realm, as one of this realm. */
function inThisRealm(buffer) {
  return TypedArrayPrototypeGetBuffer(new Uint8Array(new Uint8Array(buffer)))
}

/** The ArrayBuffer of a view, or of itself. */
function bufferOf(data) {
  if (isTypedArray(data)) return TypedArrayPrototypeGetBuffer(data)
  return ArrayBufferIsView(data) ? DataViewPrototypeGetBuffer(data) : data
}

/** Where in its ArrayBuffer a view begins. */
function byteOffsetOf(data) {
  if (isTypedArray(data)) return TypedArrayPrototypeGetByteOffset(data)
  return ArrayBufferIsView(data) ? DataViewPrototypeGetByteOffset(data) : 0
}

/** The length of an ArrayBuffer or a view. */
function byteLengthOf(data) {
  if (isTypedArray(data)) return TypedArrayPrototypeGetByteLength(data)
  return ArrayBufferIsView(data)
    ? DataViewPrototypeGetByteLength(data)
    : ArrayBufferPrototypeGetByteLength(data)
}

function isTypedArray(data) {
  return TypedArrayPrototypeGetSymbolToStringTag(data) !== undefined
}

/** How many bytes there are in a byte string or a Uint8Array. */
function payloadLength(payload) {
  return typeof payload === 'string' ? payload.length : TypedArrayPrototypeGetLength(payload)
}

module.exports = {
  allocate,
  bufferOf,
  byteLengthOf,
  byteOffsetOf,
  copyOf,
  fromHex,
  fromLatin1,
  fromUtf8,
  inThisRealm,
  payloadLength,
  utf8Length,
}
