'use strict'

// Memory for bytes, and text written into it. These are Node's methods for one encoding each: `Buffer.from(text)`, `write` and `toString` look
// those up when they are called, where somebody may have replaced them.

const { Buffer } = require('node:buffer')

const { uncurryThis } = require('../builtins.js')

module.exports = {
  BufferAllocUnsafeSlow: Buffer.allocUnsafeSlow,
  BufferByteLength: Buffer.byteLength,
  BufferPrototypeBase64Slice: uncurryThis(Buffer.prototype.base64Slice),
  BufferPrototypeHexWrite: uncurryThis(Buffer.prototype.hexWrite),
  BufferPrototypeLatin1Write: uncurryThis(Buffer.prototype.latin1Write),
  BufferPrototypeUtf8Write: uncurryThis(Buffer.prototype.utf8Write),
}
