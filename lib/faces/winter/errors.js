'use strict'

// SocketError of the draft: a TypeError whose message says what it is.

const { TypeError } = require('../../builtins.js')

class SocketError extends TypeError {
  constructor(message, options) {
    super(`SocketError: ${message}`, options)
  }
}

Object.defineProperty(SocketError.prototype, 'name', {
  value: 'SocketError',
  writable: true,
  configurable: true,
})

module.exports = { SocketError }
