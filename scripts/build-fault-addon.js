'use strict'

// Builds the addon with the Cargo feature `fault-hooks`, for the tests that make it panic (see src/fault.rs), into
// target/fault/moz-tcp-socket.node. Does nothing where that file is newer than the sources.

const { spawnSync } = require('node:child_process')
const { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } = require('node:fs')
const { join } = require('node:path')

const { TEST_FEATURES, hostTriple, newest, root, sourcesAt, target } = require('./engine.js')

const addon = join(target, 'fault', 'moz-tcp-socket.node')

const LIBRARIES = { darwin: 'libmoz_tcp_socket.dylib', win32: 'moz_tcp_socket.dll' }

/** Whether the addon is there, and newer than its sources. */
function isFresh() {
  return existsSync(addon) && newest(addon) > sourcesAt()
}

function build() {
  const triple = hostTriple()
  // As the Rust tests are: after those there is nothing to compile.
  const args = ['build', '--release', '--locked', '--lib', ...TEST_FEATURES, '--target', triple]
  const { status, error } = spawnSync('cargo', [...args, '--target-dir', target], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error) throw error
  if (status !== 0) throw new Error(`cargo exited with ${status}`)
  const library = join(target, triple, 'release', LIBRARIES[process.platform] ?? 'libmoz_tcp_socket.so')
  mkdirSync(join(target, 'fault'), { recursive: true })
  copyFileSync(library, `${addon}.new`)
  // So that nobody takes it for the real one; Cargo builds that again when asked to.
  rmSync(library)
  if (!readFileSync(`${addon}.new`).includes('fault hook: ')) {
    throw new Error('another build replaced the library; try again')
  }
  renameSync(`${addon}.new`, addon)
}

if (require.main === module && !isFresh()) build()

module.exports = { addon, isFresh }
