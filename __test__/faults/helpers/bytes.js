'use strict'

// Bytes of which both ends know each: what is sent, and whether what comes is the same.

const { createCipheriv, createHash } = require('node:crypto')

/** A prime, so that no piece of a round length can be lost or come twice and leave the rest as it was. */
const PERIOD = 1_000_003

/** Lengths of what is sent at once: small and large ones, and those around which buffers end. */
const LENGTHS = [65_536, 1, 16_384, 200_000, 1448, 65_537, 16_385, 131_072]

const MOST = Math.max(...LENGTHS)

const zeros = Buffer.alloc(PERIOD)
const random = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(zeros)
/** Long enough to have any piece in one. */
const source = Buffer.concat([random, random.subarray(0, MOST)])

/** An endless stream. Those with other numbers are different ones. */
class Bytes {
  #start
  #hash = createHash('sha256')
  #pieces = 0
  /** How many have passed. */
  count = 0
  /** Where the first byte was that should have been another. */
  wrongAt = undefined

  constructor(number) {
    this.#start = (number * 7919) % PERIOD
  }

  #at(length) {
    const from = (this.#start + this.count) % PERIOD
    return source.subarray(from, from + length)
  }

  /** The next piece, of `most` bytes at most, and of `length`, where that is given. */
  next(most, length = LENGTHS[this.#pieces++ % LENGTHS.length]) {
    const piece = this.#at(Math.min(length, most, MOST))
    this.#pass(piece)
    return piece
  }

  /** Looks at bytes that came. */
  check(bytes) {
    for (let from = 0; from < bytes.length; from += MOST) {
      const piece = bytes.subarray(from, from + MOST)
      const expected = this.#at(piece.length)
      if (this.wrongAt === undefined && !piece.equals(expected))
        this.wrongAt = this.count + piece.findIndex((byte, i) => byte !== expected[i])
      this.#pass(piece)
    }
  }

  #pass(piece) {
    this.#hash.update(piece)
    this.count += piece.length
  }

  report() {
    return { count: this.count, sha256: this.#hash.copy().digest('hex'), wrongAt: this.wrongAt }
  }
}

module.exports = { Bytes }
