'use strict'

// Builds the engine's tests with ThreadSanitizer and runs them, all or those whose name has a text in it. The standard library and
// OpenSSL are built without it: what synchronizes by them is seen where they use the system's locks, and what is not is named below.
// Node is not part of this: ThreadSanitizer would have to be in all of it.

const { spawnSync } = require('node:child_process')
const { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { TEST_FEATURES, apart, root } = require('../engine.js')

/** How a test process ends in which a race was found. */
const FOUND = 66

const SUPPRESSIONS = ''

function check(what, selection, filter) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-tsan-'))
  const started = Date.now()
  try {
    const { args, env } = apart('tsan')
    writeFileSync(join(directory, 'suppressions'), SUPPRESSIONS)
    const cargo = ['test', '--release', '--locked', ...TEST_FEATURES, ...args, ...selection, ...filter]
    const { status, error } = spawnSync('cargo', cargo, {
      cwd: root,
      env: {
        ...process.env,
        ...env,
        RUSTC_BOOTSTRAP: '1',
        RUSTFLAGS: '-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer',
        CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
        CARGO_PROFILE_RELEASE_LTO: 'off',
        CARGO_PROFILE_RELEASE_STRIP: 'none',
        TSAN_OPTIONS: [
          `suppressions=${join(directory, 'suppressions')}`,
          `log_path=${join(directory, 'report')}`,
          `exitcode=${FOUND}`,
        ].join(':'),
      },
      stdio: 'inherit',
    })
    if (error) throw error
    const reports = readdirSync(directory)
      .filter((name) => name.startsWith('report'))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
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
  return [check('unit tests', ['--lib'], filter), check('tests/net', ['--test', 'net'], filter)]
}

module.exports = { run }
