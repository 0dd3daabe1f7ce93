'use strict'

// Whether a binary is fit to be published: `node scripts/check-binary.js FILE…`. It must load where Node.js runs, and
// tell nothing of the machine it was built on.

const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const { homedir } = require('node:os')
const { basename, join } = require('node:path')

const { root } = require('./engine.js')

/** The oldest glibc that Node.js 20 runs on. */
const GLIBC = '2.28'

/** What the system has; OpenSSL, and what unwinds panics, are linked into the binary. */
const LIBRARIES = {
  gnu: /^(?:lib(?:c|m|dl|rt|pthread)\.so\.\d+|ld-linux-[\w-]+\.so\.\d+)$/,
  musl: /^libc(?:\.musl-\w+)?\.so(?:\.\d+)?$/,
}

/** Directories of this machine, and where people and build services have theirs. */
const PRIVATE = [
  root,
  homedir(),
  process.env.CARGO_HOME ?? join(homedir(), '.cargo'),
  '/home/',
  '/root/',
  '/Users/',
  '\\Users\\',
  '/runner/',
  '/github/',
]

/** -1, 0 or 1, as for sorting. */
function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0))
  return at === -1 ? 0 : Math.sign(left[at] - (right[at] ?? 0))
}

const readelf = (file, ...options) =>
  execFileSync('readelf', ['--wide', ...options, file], { encoding: 'utf8', maxBuffer: 1 << 28 })

function libcProblems(file, abi) {
  const needed = [...readelf(file, '--dynamic').matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name)
  const problems = needed
    .filter((name) => !LIBRARIES[abi].test(name))
    .map((name) => `it needs ${name}, which is not everywhere`)
  if (needed.length === 0) problems.push('it needs no C library, so readelf did not understand it')
  const versions = new Set(
    [...readelf(file, '--version-info').matchAll(/\bGLIBC_(\d[\d.]*)/g)].map(([, v]) => v),
  )
  if (abi === 'musl' && versions.size > 0) problems.push('it is linked with glibc')
  if (abi === 'gnu' && versions.size === 0) problems.push('it is not linked with glibc')
  for (const version of versions) {
    if (compareVersions(version, GLIBC) > 0) problems.push(`it needs GLIBC_${version}, newer than ${GLIBC}`)
  }
  return problems
}

function pathProblems(file) {
  const content = readFileSync(file, 'latin1')
  return [...new Set(PRIVATE)]
    .filter((path) => content.includes(path))
    .map((path) => {
      const at = content.indexOf(path)
      const [around] = content.slice(at).match(/^[\u0020-\u007E]{1,120}/)
      return `it contains a path of the machine it was built on: ${around}`
    })
}

/** Those make the engine panic on demand, and are for tests. See src/fault.rs. */
const hookProblems = (file) =>
  readFileSync(file).includes('fault hook: ') ? ['it is built with the feature fault-hooks'] : []

/** Sentences; none where all is well. */
function problemsOf(file) {
  const [, abi] = /\.linux-\w+-(gnu|musl)\.node$/.exec(basename(file)) ?? []
  return [...(abi ? libcProblems(file, abi) : []), ...pathProblems(file), ...hookProblems(file)]
}

if (require.main === module) {
  const files = process.argv.slice(2)
  if (files.length === 0) throw new Error('usage: node scripts/check-binary.js FILE…')
  for (const file of files) {
    const problems = problemsOf(file)
    console.log(`${file}: ${problems.length === 0 ? 'fit to be published' : ''}`)
    for (const problem of problems) {
      console.log(`- ${problem}`)
      process.exitCode = 1
    }
  }
}

module.exports = { GLIBC, problemsOf }
