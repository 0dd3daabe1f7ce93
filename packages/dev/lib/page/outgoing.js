'use strict'

// What a socket still has to tell Node.js: bytes to send and the orders between them, in their order. Node.js takes no more than WINDOW bytes that
// the system has not; the rest waits here, in the memory of who sent it.

const { LONGEST_SEND, ORDER, WINDOW } = require('../bridge/protocol.js')
const { order } = require('./connection.js')

class Outgoing {
  #id
  /** Uint8Arrays, and functions that give an order. */
  #queue = []
  /** Bytes of the socket's so far: accepted, passed on, and handed to the operating system. */
  #accepted = 0
  #passed = 0
  #written = 0

  constructor(id) {
    this.#id = id
  }

  /** Bytes that the operating system does not have. */
  get unwritten() {
    return this.#accepted - this.#written
  }

  /** Accepts bytes, whose memory is ours. */
  add(bytes) {
    this.#accepted += bytes.length
    this.#queue.push(bytes)
  }

  /** Gives an order behind everything that was accepted before. */
  thenOrder(give) {
    this.#queue.push(give)
    this.flush()
  }

  /** Node.js handed so many bytes to the operating system. */
  wrote(total) {
    this.#written = total
    this.flush()
  }

  /** Passes on what may be. */
  flush() {
    while (this.#queue.length > 0) {
      const first = this.#queue[0]
      if (typeof first === 'function') {
        this.#queue.shift()
        first()
        continue
      }
      const room = Math.min(WINDOW - (this.#passed - this.#written), LONGEST_SEND)
      if (room <= 0) return
      const piece = this.#take(room)
      this.#passed += piece.length
      order(ORDER.Send, this.#id, piece)
    }
  }

  /** `most` bytes from the front of the queue, or fewer: small pieces that lie behind each other are one message. */
  #take(most) {
    const [first] = this.#queue
    if (first.length >= most) {
      if (first.length === most) this.#queue.shift()
      else this.#queue[0] = first.subarray(most)
      return first.subarray(0, most)
    }
    let length = 0
    let count = 0
    for (const piece of this.#queue) {
      if (typeof piece === 'function' || length + piece.length > most) break
      length += piece.length
      count++
    }
    const pieces = this.#queue.splice(0, count)
    if (count === 1) return first
    const whole = new Uint8Array(length)
    let at = 0
    for (const piece of pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }

  /** Forgets what Node.js does not have. */
  discard() {
    this.#queue = []
    this.#accepted = this.#passed
  }
}

module.exports = { Outgoing }
