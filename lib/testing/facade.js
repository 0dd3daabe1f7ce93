'use strict'

// The facade over another engine: what a mock is made of.

const { makeLoader, pathOf } = require('./evaluation.js')

/** The file of these is the one that everybody has: its classes are asked for with `instanceof`. */
const SHARED = pathOf('lib/events.js')

/** Where the native engine is loaded. */
const ENGINE = pathOf('lib/platform/native.js')

/** Of this realm, which may be a test runner's own. */
// oxlint-disable-next-line no-eval
const evaluate = globalThis.eval

/**
 * What index.js exports, evaluated once more: with `makeEngine(engine)` in place of the native engine, and `replace`, by file
 * such as `'lib/event-target.js'`, a function that gets what a module exports and returns what others see.
 */
function evaluateFacade(makeEngine, replace = {}) {
  const replacements = new Map(Object.entries(replace).map(([file, make]) => [pathOf(file), make]))
  const load = makeLoader({
    evaluate,
    given(path) {
      if (path === ENGINE) return makeEngine(require(path))
      return path === SHARED ? require(path) : undefined
    },
    finish: (path, exports) => replacements.get(path)?.(exports) ?? exports,
  })
  return load('index.js')
}

module.exports = { evaluateFacade }
