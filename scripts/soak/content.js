'use strict'

// What a soak sends: bytes at random, cut at random, and the SHA-256 that says whether they arrived.

const { createHash, randomBytes } = require('node:crypto')

const POOL = randomBytes(1 << 20)

/** Bytes of a SHA-256. */
const DIGEST = 32

/** The most in one piece, which is more than what sockets queue before they ask to wait. */
const MOST_IN_PIECE = 100_000

/** How much a connection carries: mostly little, as mail and chat do, and sometimes a lot. */
const SIZES = [1, 100, 100, 5000, 5000, 64 * 1024, 300_000, 2_000_000]

/** A few bytes to a few megabytes, to be sent piece by piece. */
function content({ below, pick, sizes = SIZES }) {
  const size = pick(sizes)
  const hash = createHash('sha256')
  let left = size
  return {
    size,
    /** The next piece, or `undefined` where all of it was. */
    next() {
      if (left === 0) return
      const length = Math.min(left, 1 + below(MOST_IN_PIECE))
      const from = below(POOL.length - length)
      const piece = POOL.subarray(from, from + length)
      hash.update(piece)
      left -= length
      return piece
    },
    digest: () => hash.digest(),
  }
}

/** What arrives of `size` bytes. */
function arrival(size) {
  const hash = createHash('sha256')
  let left = size
  return {
    take(bytes) {
      hash.update(bytes)
      left -= bytes.length
    },
    /** How many are still to come; negative where there are too many. */
    left: () => left,
    /** How many bytes are not as they were sent. Of those that came, nobody knows which: all count where one is wrong. */
    lost: (digest) => (left !== 0 ? Math.abs(left) : hash.digest().equals(digest) ? 0 : size),
  }
}

/** What arrives where nobody says how much it is: bytes, then their SHA-256. */
function signedArrival() {
  const hash = createHash('sha256')
  let tail = Buffer.alloc(0)
  let bytes = 0
  return {
    take(chunk) {
      tail = Buffer.concat([tail, chunk])
      const whole = tail.length - DIGEST
      if (whole <= 0) return
      hash.update(tail.subarray(0, whole))
      bytes += whole
      tail = Buffer.from(tail.subarray(whole))
    },
    bytes: () => bytes,
    /** How many bytes are wrong: all of them, or one at least. */
    lost: () => (hash.digest().equals(tail) ? 0 : Math.max(1, bytes)),
  }
}

module.exports = { arrival, content, signedArrival }
