'use strict'

// Lints the engine and its tests for the targets in package.json that need no C compiler to be checked: those of macOS and
// Windows, where nobody who develops on Linux sees that something does not compile. Compiles nothing to the end, so it
// links nothing and runs nothing; the workflow does that on those systems.

const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const { root, target: targetDirectory } = require('./engine.js')
const { targets } = require('../package.json').napi

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error) console.error(`cannot run ${command}: ${error.message}`)
  return status === 0
}

/** There, rustup is at hand. Elsewhere Rust may be a distribution's, which has no library for other systems. */
const MUST_RUN = Boolean(process.env.GITHUB_ACTIONS)

/** Whether Rust's standard library for `target` is here, if need be after rustup was asked for it. */
function hasStd(target) {
  const ask = () => spawnSync('rustc', ['--print', 'target-libdir', '--target', target], { encoding: 'utf8' })
  const isThere = () => existsSync(ask().stdout?.trim() || join(root, 'no such directory'))
  return isThere() || (run('rustup', 'target', 'add', target) && isThere())
}

function check(target) {
  if (!hasStd(target)) return MUST_RUN ? 'FAIL, no standard library' : 'SKIPPED, no standard library'
  const args = ['clippy', '--locked', '--all-targets', '--target', target]
  const passed = run('cargo', ...args, '--target-dir', join(targetDirectory, 'check'), '--', '-D', 'warnings')
  return passed ? 'pass' : 'FAIL'
}

const results = targets
  .filter((target) => !target.includes('linux'))
  .map((target) => ({ target, lints: check(target) }))
console.table(results)
process.exitCode = results.some(({ lints }) => lints.startsWith('FAIL')) ? 1 : 0
