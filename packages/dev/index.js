'use strict'

// The package's public entry: what the commands do, as functions. index.d.ts describes it. Each is loaded when it is called.

module.exports = {
  examine: (...args) => require('./lib/doctor/examine.js').examine(...args),
  serveApp: (...args) => require('./lib/bridge/server.js').serveApp(...args),
}
