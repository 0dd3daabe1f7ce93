'use strict'

// Memory for bytes, and text written into it: what Node's Buffer does, with Uint8Array.

const encoder = new TextEncoder()

module.exports = {
  BufferAllocUnsafeSlow: (length) => new Uint8Array(length),
  BufferByteLength: (text) => encoder.encode(text).length,
  BufferPrototypeUtf8Write(bytes, text) {
    bytes.set(encoder.encode(text))
  },
  BufferPrototypeLatin1Write(bytes, text) {
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  },
  BufferPrototypeHexWrite(bytes, text) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16)
  },
}
