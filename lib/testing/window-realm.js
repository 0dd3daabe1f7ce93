'use strict'

// The facade in the realm of a window. A jsdom or happy-dom window has an ArrayBuffer, a TypeError and an Event of its own, which
// `instanceof` in its scripts means. So the facade is evaluated there once more, file by file, over the same engine: its files ask the
// global object for all that they use. Those of `lib/platform/` stay Node's.

const { readFileSync } = require('node:fs')
const { dirname, join, sep } = require('node:path')
const { pathToFileURL } = require('node:url')

const lib = join(__dirname, '..')
const platform = join(lib, 'platform') + sep

class WindowRealm {
  #evaluate
  /** By file. */
  #modules = new Map()
  /** What stands in the place of modules of the platform, by file. */
  #instead

  /**
   * `evaluate(source)` runs a script in the realm and returns what it evaluates to. `report(thrown)` gets what handlers of the window's
   * sockets throw, in place of the process.
   */
  constructor(evaluate, report) {
    this.#evaluate = evaluate
    const native = join(platform, 'native.js')
    this.#instead = new Map([[native, { ...require('../platform/native.js'), reportException: report }]])
  }

  /** What the module at `path` of the package exports in this realm. */
  require(path) {
    return this.#load(join(lib, '..', path))
  }

  #load(file) {
    if (file.startsWith(platform)) return this.#instead.get(file) ?? require(file)
    const known = this.#modules.get(file)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    this.#modules.set(file, module)
    // On one line with the first of the file, so that lines have their numbers.
    const source = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})\n//# sourceURL=${pathToFileURL(file)}`
    const run = this.#evaluate(source)
    run(module, module.exports, (name) => this.#load(join(dirname(file), name)))
    return module.exports
  }
}

module.exports = { WindowRealm }
