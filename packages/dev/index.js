'use strict'

// The package's public entry: what the commands do, as functions. index.d.ts describes it.

module.exports = {}
