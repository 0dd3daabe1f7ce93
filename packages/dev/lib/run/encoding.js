'use strict'

// TextEncoder and TextDecoder, which jsdom has not: those of Node.js, with bytes of the window's realm, so that they are what `instanceof` of
// the app and the sockets of its window take for bytes. Firefox OS had both from its first release on.

/** Puts them on `window`. */
function addEncoding(window) {
  class WindowTextEncoder {
    #encoder = new TextEncoder()

    get encoding() {
      return 'utf-8'
    }

    encode(text = '') {
      return new window.Uint8Array(this.#encoder.encode(text))
    }

    encodeInto(text, bytes) {
      return this.#encoder.encodeInto(text, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    }
  }

  class WindowTextDecoder extends TextDecoder {}

  for (const [name, value] of [
    ['TextEncoder', WindowTextEncoder],
    ['TextDecoder', WindowTextDecoder],
  ]) {
    Object.defineProperty(value, 'name', { value: name, configurable: true })
    Object.defineProperty(window, name, { value, writable: true, enumerable: false, configurable: true })
  }
}

module.exports = { addEncoding }
