'use strict'

// Evaluates this package's JavaScript once more, file by file: over another engine, for a mock, or in the realm of a window. So what comes of
// it is the facade, with its own conversions, states and order of events, and nothing of it can fall behind.

const { readFileSync } = require('node:fs')
const { dirname, join, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')

const root = join(__dirname, '..', '..')

/** The path of a file of the package, such as `'lib/events.js'`. */
const pathOf = (file) => join(root, ...file.split('/'))

/**
 * Returns what loads a file of the package, by its name, as `require` would: each is evaluated once, by `evaluate`, which runs a script and
 * returns what it evaluates to. `given(path)` is asked first, and what it returns is the module, unless that is undefined;
 * `finish(path, exports)` returns what others see of one that was evaluated.
 */
function makeLoader({ evaluate, given, finish = (_path, exports) => exports }) {
  const modules = new Map()
  const load = (path) => {
    if (modules.has(path)) return modules.get(path).exports
    const module = { exports: given(path) }
    modules.set(path, module)
    if (module.exports !== undefined) return module.exports
    module.exports = {}
    // On one line with the first of the file, so that lines have their numbers.
    const source = `(function (module, exports, require) {${readFileSync(path, 'utf8')}\n})\n//# sourceURL=${pathToFileURL(path)}`
    const from = (request) =>
      request.startsWith('.') ? load(resolve(dirname(path), request)) : require(request)
    evaluate(source)(module, module.exports, from)
    module.exports = finish(path, module.exports)
    return module.exports
  }
  return (file) => load(pathOf(file))
}

module.exports = { makeLoader, pathOf }
