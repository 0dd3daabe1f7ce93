'use strict'

// Builds the engine's tests with ThreadSanitizer and runs them, all or those whose name has a text in it. The standard library is
// built with it as well, or the locks in it would not be seen; that takes a nightly compiler with its source: `rustup toolchain
// install nightly --component rust-src`. OpenSSL is not, and neither is Node: ThreadSanitizer would have to be in all of it.

const { execFileSync, spawnSync } = require('node:child_process')
const { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { TEST_FEATURES, apart, root } = require('../engine.js')

/** How a test process ends in which a race was found. */
const FOUND = 66

/** They preload a library into a process of their own, before the sanitizer's. */
const LEFT_OUT = 'lookups::'

function checkToolchain() {
  const sysroot = execFileSync('rustc', ['+nightly', '--print', 'sysroot'], { encoding: 'utf8' }).trim()
  if (!existsSync(join(sysroot, 'lib', 'rustlib', 'src', 'rust', 'library')))
    throw new Error(
      'no source of the standard library: rustup toolchain install nightly --component rust-src',
    )
}

function check(what, selection, filter) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-tsan-'))
  const started = Date.now()
  try {
    const { args, env } = apart('tsan')
    const cargo = ['+nightly', 'test', '-Zbuild-std', '--release', '--locked', ...TEST_FEATURES, ...args]
    const { status, error } = spawnSync(
      'cargo',
      [...cargo, ...selection, '--', ...filter, '--skip', LEFT_OUT],
      {
        cwd: root,
        env: {
          ...process.env,
          ...env,
          RUSTFLAGS: '-Zsanitizer=thread',
          CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
          CARGO_PROFILE_RELEASE_LTO: 'off',
          CARGO_PROFILE_RELEASE_STRIP: 'none',
          TSAN_OPTIONS: [`log_path=${join(directory, 'report')}`, `exitcode=${FOUND}`].join(':'),
        },
        stdio: 'inherit',
      },
    )
    if (error) throw error
    const reports = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
    for (const report of reports) console.error(`\n${report}`)
    const races = reports.join('').split('WARNING: ThreadSanitizer').length - 1
    return {
      what,
      races,
      isFine: status === 0 && races === 0,
      seconds: Math.round((Date.now() - started) / 1000),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Resolves with a row for the unit tests and one for the integration tests. */
async function run(filter) {
  checkToolchain()
  return [check('unit tests', ['--lib'], filter), check('tests/net', ['--test', 'net'], filter)]
}

module.exports = { run }
