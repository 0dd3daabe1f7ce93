'use strict'

// Starts the app as a phone would: its scripts, one after the other, in a global scope of their own that has the
// language, `window`, timers and `navigator`, and nothing of Node.js: no require, no process, no Buffer.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const vm = require('node:vm')

const SCRIPTS = ['reader.js', 'pop3.js', 'app.js']

/** A freshly started app: its `window`. */
function startApp() {
  const window = { navigator, setTimeout, clearTimeout }
  window.window = window
  vm.createContext(window)
  for (const name of SCRIPTS) {
    const filename = join(__dirname, '..', 'mail-check', name)
    vm.runInContext(readFileSync(filename, 'utf8'), window, { filename })
  }
  return window
}

module.exports = { startApp }
