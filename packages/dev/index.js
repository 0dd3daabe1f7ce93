'use strict'

// The package's public entry: what the commands do, as functions. index.d.ts describes it. What each
// needs is loaded when it is called.

function examine(...args) {
  return require('./lib/doctor/examine.js').examine(...args)
}

async function runApp(...args) {
  // What jsdom itself needs is missing in the jsdom environment of Jest.
  if (typeof TextEncoder === 'undefined') {
    throw new Error(
      'runApp: cannot run where a test runner has replaced the globals of Node.js by those of jsdom; begin the test file with /** @jest-environment node */',
    )
  }
  return require('./lib/run/run.js').runApp(...args)
}

function serveApp(...args) {
  return require('./lib/bridge/server.js').serveApp(...args)
}

// By names alone: Node.js finds them without running this, for `import { runApp } from 'moz-tcp-socket-dev'`.
module.exports = { examine, runApp, serveApp }
