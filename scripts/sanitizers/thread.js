'use strict'

// Builds the engine's tests with ThreadSanitizer and runs them, all or those whose name has a text in it. The standard library is
// built with it as well, or the locks in it would not be seen; that takes a nightly compiler with its source: `rustup toolchain
// install nightly --component rust-src`. OpenSSL is not, and neither is Node: ThreadSanitizer would have to be in all of it.

const { execFileSync, spawnSync } = require('node:child_process')
const { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { TEST_FEATURES, apart, root } = require('../engine.js')

/** They preload a library into a process of their own, before the sanitizer's. */
const LEFT_OUT = 'lookups::'

function checkToolchain() {
  const sysroot = execFileSync('rustc', ['+nightly', '--print', 'sysroot'], { encoding: 'utf8' }).trim()
  if (!existsSync(join(sysroot, 'lib', 'rustlib', 'src', 'rust', 'library')))
    throw new Error(
      'no source of the standard library: rustup toolchain install nightly --component rust-src',
    )
}

/** The reports in the text of a log. */
const reportsIn = (log) => log.split('WARNING: ThreadSanitizer: ').slice(1)

/**
 * Tokio gives the system a pointer to what it knows of a descriptor, and gets it back with the news: that the one comes before the other
 * ThreadSanitizer cannot know. What we do when we are woken by that is behind such frames, and counts.
 */
function isTokios(report) {
  const [access] = report.split('\n\n')
  const frames = access.split('\n').filter((line) => /^ +#\d+ /.test(line))
  const theirs = frames.findIndex((frame) => frame.includes('ScheduledIo>::'))
  return theirs >= 0 && !frames.slice(0, theirs).some((frame) => frame.includes('moz_tcp_socket::'))
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
          // The exit code is that of the tests. The runtime's threads are never joined.
          TSAN_OPTIONS: `log_path=${join(directory, 'report')}:exitcode=0:report_thread_leaks=0`,
        },
        stdio: 'inherit',
      },
    )
    if (error) throw error
    const logs = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
    const [left, races] = [[], []]
    for (const report of logs.flatMap(reportsIn)) (isTokios(report) ? left : races).push(report)
    for (const report of races) console.error(`\n${report}`)
    return {
      what,
      races: races.length,
      'of Tokio, which are none': left.length,
      isFine: status === 0 && races.length === 0,
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
