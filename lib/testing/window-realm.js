'use strict'

// The facade in the realm of a window. A jsdom or happy-dom window has an ArrayBuffer, a TypeError and an Event of its own, which
// `instanceof` in its scripts means. So the facade is evaluated there once more, over the same engine: its files ask the global object for all
// that they use. Those of `lib/platform/` stay Node's.

const { dirname, sep } = require('node:path')

const { makeLoader, pathOf } = require('./evaluation.js')

const ENGINE = pathOf('lib/platform/native.js')
const PLATFORM = dirname(ENGINE) + sep

/**
 * Returns what loads a file of the package in a realm, in which `evaluate(source)` runs a script. `report(thrown)` gets what handlers of
 * the window's sockets throw, in place of the process.
 */
function loaderFor(evaluate, report) {
  return makeLoader({
    evaluate,
    given(path) {
      if (path === ENGINE) return { ...require(path), reportException: report }
      return path.startsWith(PLATFORM) ? require(path) : undefined
    },
  })
}

module.exports = { loaderFor }
