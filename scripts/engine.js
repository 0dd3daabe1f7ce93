'use strict'

// What the scripts that build the engine have in common. Run by itself it prints the triple of this machine.
//
// Cargo keeps one library for each target directory, whatever its features and flags are: to build it with others makes
// what was there stale. So what `npm test` builds has the same features all through, TEST_FEATURES, and what needs others
// is built in a directory of its own, with the OpenSSL of the ordinary one (`apart`).

const { execFileSync } = require('node:child_process')
const { existsSync, readdirSync, statSync } = require('node:fs')
const { join, resolve } = require('node:path')

const root = join(__dirname, '..')

/** Cargo's ordinary target directory. */
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target')

/** How the Rust tests and the addon that panics on demand are built, so that one compilation serves both. */
const TEST_FEATURES = ['--features', 'fault-hooks']

/** Milliseconds since the epoch of the newest file at or below `path`; 0 where there is none. */
function newest(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** When the newest source of the engine was changed. */
function sourcesAt() {
  return Math.max(...['src', 'build.rs', 'Cargo.toml', 'Cargo.lock'].map((name) => newest(join(root, name))))
}

/**
 * The target triple of this machine. napi names it to Cargo when it builds, which gives it a directory of its own below
 * target/; every other call of Cargo has to name it as well, or OpenSSL is compiled twice.
 */
function hostTriple() {
  const triple = /^host: (\S+)$/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))
  if (triple === null) throw new Error('rustc -vV does not name its host')
  return triple[1]
}

/** The OpenSSL of an ordinary build, if there was one: it takes minutes to compile. */
function openssl(triple) {
  const builds = join(target, triple, 'release', 'build')
  if (process.env.OPENSSL_DIR || !existsSync(builds)) return {}
  const [latest] = readdirSync(builds)
    .map((name) => join(builds, name, 'out', 'openssl-build', 'install'))
    .filter((path) => existsSync(join(path, 'lib', 'libssl.a')))
    .toSorted((a, b) => newest(b) - newest(a))
  return latest ? { OPENSSL_NO_VENDOR: '1', OPENSSL_STATIC: '1', OPENSSL_DIR: latest } : {}
}

/** Arguments and environment for a Cargo whose target directory is `name` below the ordinary one. */
function apart(name) {
  const triple = hostTriple()
  const directory = join(target, name)
  return {
    args: ['--target', triple, '--target-dir', directory],
    env: openssl(triple),
    output: join(directory, triple, 'release'),
  }
}

if (require.main === module) console.log(hostTriple())

module.exports = { TEST_FEATURES, apart, hostTriple, newest, root, sourcesAt, target }
