'use strict'

// The two sides of a socket, reading and writing, as one. Each becomes final once: ended, failed, or given up.

class Sides {
  reading
  writing

  /**
   * @param {import('./readable-half.js').ReadableHalf} reading
   * @param {import('./writable-half.js').WritableHalf} writing
   */
  constructor(reading, writing) {
    this.reading = reading
    this.writing = writing
  }

  get areFinal() {
    return this.reading.isFinal && this.writing.isFinal
  }

  /** Both may still be used. */
  get areWhole() {
    return !this.reading.isFinal && !this.writing.isFinal
  }

  /** What one of them failed with, that of reading first. */
  get error() {
    return this.reading.error ?? this.writing.error
  }

  /** Those fail that are not final yet. */
  fail(error) {
    this.reading.fail(error)
    this.writing.fail(error)
  }
}

module.exports = { Sides }
