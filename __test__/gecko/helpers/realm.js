'use strict'

// Loads the package into another realm, as a test runner with a sandbox for each file does: the language's own classes
// (ArrayBuffer, Error, …) are the realm's, what Node adds to the global object is passed in.

const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const root = path.join(__dirname, '../../..')

/** What a Node program finds on its global object beyond the language. */
const provided = {
  AbortController,
  AbortSignal,
  Buffer,
  Event,
  EventTarget,
  clearImmediate,
  clearTimeout,
  console,
  process,
  queueMicrotask,
  setImmediate,
  setTimeout,
}

/** `{ api, realm }`: the package as loaded there, and the realm's global. */
function loadInNewRealm() {
  const context = vm.createContext({ ...provided })
  const realm = vm.runInContext('globalThis', context)
  const loaded = new Map()

  function load(file) {
    if (loaded.has(file)) return loaded.get(file).exports
    const module = { exports: vm.runInContext('({})', context) }
    loaded.set(file, module)
    const requireHere = createRequire(file)
    const requireThere = (name) => {
      const target = name.startsWith('.') ? requireHere.resolve(name) : name
      // The native part exists once for each thread, whatever the realms in it.
      const isOurs = path.isAbsolute(target) && path.basename(target) !== 'native.js'
      return isOurs ? load(target) : requireHere(target)
    }
    const parameters = ['exports', 'require', 'module', '__filename', '__dirname']
    const options = { filename: file, parsingContext: context }
    const run = vm.compileFunction(fs.readFileSync(file, 'utf8'), parameters, options)
    run(module.exports, requireThere, module, file, path.dirname(file))
    return module.exports
  }

  return { api: load(path.join(root, 'index.js')), realm }
}

module.exports = { loadInNewRealm }
