'use strict'

// Other versions of Node.js, and Deno: those that `npm run test:package` installs, where it did.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const modules = join(__dirname, '..', '..', 'scripts', 'package-test', 'node_modules')
const there = (...path) => {
  const file = join(modules, ...path)
  return existsSync(file) ? file : undefined
}

/** Where they come from, for tests that are skipped without. */
const FROM = 'what "node scripts/test-package.js --install" installs'

module.exports = {
  FROM,
  newestNode: there('node-26', 'bin', 'node'),
  deno: there('@deno', 'linux-x64-glibc', 'deno'),
}
