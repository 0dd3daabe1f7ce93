'use strict'

// A script that runs in Node.js itself, with the globals that code of Firefox OS looks for: `window`, `navigator.mozTCPSocket`, the classes,
// localStorage. It is a module like any other, so it may `require` or `import` what it needs.

const { pathToFileURL } = require('node:url')

const { JSDOM } = require('jsdom')
const { installInWindow } = require('moz-tcp-socket/testing')

const { keepLocalStorage } = require('./local-storage.js')

/** Runs the script of `app`. Resolves with `{ window, close() }` when it has been evaluated; `window` is the global object. */
async function runScript(app, { data, onError }) {
  const { localStorage } = new JSDOM('', { url: 'http://localhost/' }).window
  const keep = keepLocalStorage(localStorage, data)
  const globals = { window: globalThis, self: globalThis, localStorage }
  if (typeof navigator === 'undefined') globals.navigator = { userAgent: 'Node.js' }
  const undo = Object.entries(globals).map(([name, value]) => define(name, value))
  const installed = installInWindow(globalThis, { onError })
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    installed.close()
    for (const takeBack of undo.toReversed()) takeBack()
    keep()
  }
  try {
    await import(pathToFileURL(app.file))
  } catch (error) {
    await close()
    throw error
  }
  return { window: globalThis, close }
}

/** Returns what takes it back. */
function define(name, value) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true })
  return () => {
    if (before === undefined) delete globalThis[name]
    else Object.defineProperty(globalThis, name, before)
  }
}

module.exports = { runScript }
