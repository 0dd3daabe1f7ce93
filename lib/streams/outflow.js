'use strict'

// Bytes of one connection on their way to the engine: straight into the kernel as far as it takes them, and not for ever without a break.

const { TypedArrayPrototypeGetLength, Uint8Array } = require('../builtins.js')
const { engineOutbound } = require('../channel.js')
const { NOT_WRITTEN } = require('../platform/native.js')

/** Bytes that are written without a break, a small write counting for LEAST. Then the event loop has its turn, though the kernel would take more. */
const MOST_AT_ONCE = 1024 * 1024
const LEAST = 512

const NO_BYTES = new Uint8Array(0)

class Outflow {
  #id
  #writtenAtOnce = 0

  /** @param id of the native socket */
  constructor(id) {
    this.#id = id
  }

  /** The event loop had its turn. */
  rested() {
    this.#writtenAtOnce = 0
  }

  /** Writes a copy of `bytes`. `false` where they have to wait: `Drained` tells when they are out, or a failure why they never will be. */
  write(bytes, isOpen) {
    const length = TypedArrayPrototypeGetLength(bytes)
    this.#writtenAtOnce += length < LEAST ? LEAST : length
    const mustWait = !isOpen || this.#writtenAtOnce > MOST_AT_ONCE
    const left = engineOutbound().write(this.#id, bytes, mustWait)
    if (left === 0 && !mustWait) return true
    if (left !== NOT_WRITTEN && !mustWait) this.tellWhenOut()
    return false
  }

  /** `Drained` follows when all that was written is out. */
  tellWhenOut() {
    engineOutbound().write(this.#id, NO_BYTES, true)
  }
}

module.exports = { Outflow }
