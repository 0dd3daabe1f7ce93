'use strict'

// What an app stores, in a file of a folder: read whole, and written whole, by way of a second file, so that a program that is killed leaves
// the old or the new and nothing in between.

const { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

class StoredFile {
  #file

  /** `folder` may be undefined: then nothing is kept. */
  constructor(folder, name) {
    this.#file = folder === undefined ? undefined : join(folder, name)
  }

  /** The bytes; undefined where there are none yet. */
  read() {
    if (this.#file === undefined) return undefined
    try {
      return readFileSync(this.#file)
    } catch (error) {
      if (error.code === 'ENOENT') return undefined
      throw error
    }
  }

  write(bytes) {
    if (this.#file === undefined) return
    mkdirSync(dirname(this.#file), { recursive: true })
    const next = `${this.#file}.${process.pid}.new`
    try {
      writeFileSync(next, bytes)
      renameSync(next, this.#file)
    } catch (error) {
      rmSync(next, { force: true })
      throw error
    }
  }
}

module.exports = { StoredFile }
