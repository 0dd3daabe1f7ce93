'use strict'

// The package's public entry: what the commands do, as functions. index.d.ts describes it. Each is loaded when it is called.

module.exports = {
  runApp: (...args) => require('./lib/run/run.js').runApp(...args),
  serveApp: (...args) => require('./lib/bridge/server.js').serveApp(...args),
}
