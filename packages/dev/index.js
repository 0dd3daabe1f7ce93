'use strict'

// The package's public entry: what the commands do, as functions. index.d.ts describes it. What each
// needs is loaded when it is called.

function examine(...args) {
  return require('./lib/doctor/examine.js').examine(...args)
}

function runApp(...args) {
  return require('./lib/run/run.js').runApp(...args)
}

function serveApp(...args) {
  return require('./lib/bridge/server.js').serveApp(...args)
}

// By names alone: Node.js finds them without running this, for `import { runApp } from 'moz-tcp-socket-dev'`.
module.exports = { examine, runApp, serveApp }
