'use strict'

// The device's storage, as the app sees it: slow, and with callbacks. What it keeps of a message is its length and its
// SHA-256.

const { createHash } = require('node:crypto')

class Device {
  #open = new Map()
  /** By number: `{ octets, sha256 }`. */
  stored = new Map()

  begin(number) {
    this.#open.set(number, { octets: 0, hash: createHash('sha256') })
  }

  append(number, data, callback) {
    setImmediate(() => {
      const message = this.#open.get(number)
      message.hash.update(data, 'latin1')
      message.octets += data.length
      callback(null)
    })
  }

  commit(number, callback) {
    setImmediate(() => {
      const { octets, hash } = this.#open.get(number)
      this.#open.delete(number)
      this.stored.set(number, { octets, sha256: hash.digest('hex') })
      callback(null)
    })
  }
}

module.exports = { Device }
