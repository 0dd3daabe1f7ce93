'use strict'

// fake-indexeddb in the realm of a window: its files, evaluated there one by one, so that its classes, its exceptions and the values that come
// out of it are the window's. What it asks of its surroundings is given to it: the structured clone, when tasks run, and what becomes of
// what a handler throws, which would otherwise be lost or end the process.

const { readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { pathToFileURL } = require('node:url')

const { clonerInto } = require('./structured-clone.js')

const PARAMETERS = 'module, exports, require, structuredClone, AggregateError'

class IndexedDbRealm {
  #root = dirname(require.resolve('fake-indexeddb'))
  #window
  /** Copies a value of any realm into this one. */
  clone
  #report
  #ThrownByHandlers
  /** By file. */
  #modules = new Map()
  #isEnded = false
  /** Whether a task has run since `isChanged()` was asked. */
  #isChanged = false

  /** `report(thrown)` gets what handlers throw. */
  constructor(window, report) {
    this.#window = window
    this.#report = report
    this.clone = clonerInto(window)
    // What fake-indexeddb throws where handlers threw: it aborts the transaction of an event by that, as it must.
    this.#ThrownByHandlers = class extends Error {
      constructor(errors) {
        super('handlers threw')
        for (const error of errors) report(error)
      }
    }
    this.#modules.set(join(this.#root, 'lib', 'scheduling.js'), {
      exports: { queueTask: (task) => this.#queueTask(task) },
    })
  }

  /** What the module at `path` of fake-indexeddb exports in the window's realm. */
  require(path) {
    return this.#load(join(this.#root, path))
  }

  /** From now on no task runs. */
  end() {
    this.#isEnded = true
  }

  /** Whether anything may have changed since the last time. */
  isChanged() {
    const isChanged = this.#isChanged
    this.#isChanged = false
    return isChanged
  }

  #queueTask(task) {
    setImmediate(() => {
      if (this.#isEnded) return
      this.#isChanged = true
      try {
        task()
      } catch (error) {
        if (!(error instanceof this.#ThrownByHandlers)) this.#report(error)
      }
    })
  }

  #load(file) {
    const known = this.#modules.get(file)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    this.#modules.set(file, module)
    // On one line with the first of the file, so that lines have their numbers.
    const source = `(function (${PARAMETERS}) {${readFileSync(file, 'utf8')}\n})\n//# sourceURL=${pathToFileURL(file)}`
    const run = this.#window.eval(source)
    const requireHere = (name) => this.#load(join(dirname(file), name))
    run(module, module.exports, requireHere, this.clone, this.#ThrownByHandlers)
    return module.exports
  }
}

module.exports = { IndexedDbRealm }
