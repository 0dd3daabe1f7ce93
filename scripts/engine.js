'use strict'

// What the scripts that build the engine have in common. Run by itself it prints the triple of this machine.

const { execFileSync } = require('node:child_process')
const { existsSync, readdirSync, statSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')

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

if (require.main === module) console.log(hostTriple())

module.exports = { root, newest, sourcesAt, hostTriple }
