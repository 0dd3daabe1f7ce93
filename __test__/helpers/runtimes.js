'use strict'

// Other versions of Node.js, Bun and Deno: those that `npm run test:package` installs, where it did.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const modules = join(__dirname, '..', '..', 'scripts', 'package-test', 'node_modules')
const there = (...path) => {
  const file = join(modules, ...path)
  return existsSync(file) ? file : undefined
}

/** Where they come from, for tests that are skipped without. */
const FROM = 'what "node scripts/test-package.js --install" installs'

/** Every major version of Node.js that the package is for and npm has (the package `node`). */
const MAJORS = [20, 21, 22, 23, 24, 25, 26]

/** The program of a major version. */
const nodeOf = (major) => there(`node-${major}`, 'bin', 'node')

module.exports = {
  FROM,
  MAJORS,
  nodeOf,
  newestNode: nodeOf(MAJORS.at(-1)),
  bun: there('@oven', 'bun-linux-x64', 'bin', 'bun'),
  deno: there('@deno', 'linux-x64-glibc', 'deno'),
}
