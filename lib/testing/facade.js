'use strict'

// Evaluates this package's JavaScript once more, over another engine. So a mock of a class is that class, with its own
// conversions, states and order of events, and nothing of it can fall behind.

const { readFileSync } = require('node:fs')
const { dirname, join, resolve } = require('node:path')

const root = join(__dirname, '..', '..')

/** The files of these are the ones that everybody has: their classes are asked for with `instanceof`. */
const SHARED = ['lib/events.js']

/** Where the native engine is loaded. */
const ENGINE = 'lib/platform/native.js'

const pathOf = (file) => join(root, ...file.split('/'))

/**
 * What index.js exports, evaluated once more: with `makeEngine(engine)` in place of the native engine, and `replace`, by file
 * such as `'lib/event-target.js'`, a function that gets what a module exports and returns what others see.
 */
function evaluateFacade(makeEngine, replace = {}) {
  const modules = new Map()
  const shared = new Set(SHARED.map(pathOf))
  const enginePath = pathOf(ENGINE)
  const replacements = new Map(Object.entries(replace).map(([file, make]) => [pathOf(file), make]))

  const load = (path) => {
    if (modules.has(path)) return modules.get(path).exports
    if (shared.has(path) || path.endsWith('.json')) return require(path)
    const module = { exports: {} }
    modules.set(path, module)
    if (path === enginePath) {
      module.exports = makeEngine(require(path))
      return module.exports
    }
    const from = (request) =>
      request.startsWith('.') ? load(resolve(dirname(path), request)) : require(request)
    compile(path)(module.exports, from, module, path, dirname(path))
    const make = replacements.get(path)
    if (make !== undefined) module.exports = make(module.exports)
    return module.exports
  }
  return load(join(root, 'index.js'))
}

/** The function that Node.js makes of a CommonJS module: of this realm, which may be a test runner's own. */
function compile(path) {
  const source = `${readFileSync(path, 'utf8')}\n//# sourceURL=${path}`
  // oxlint-disable-next-line no-new-func
  return new Function('exports', 'require', 'module', '__filename', '__dirname', source)
}

module.exports = { evaluateFacade }
