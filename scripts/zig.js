'use strict'

// Zig as C compiler and linker: it links for an older glibc than this machine has, and for other architectures, from any
// Linux. It comes from PyPI, with `cargo-zigbuild`, into target/zig, in the versions of zig-requirements.txt.

const { execFileSync } = require('node:child_process')
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { delimiter, join } = require('node:path')

const { root, target } = require('./engine.js')

const requirements = join(root, 'scripts', 'zig-requirements.txt')
const directory = join(target, 'zig')
const bin = join(directory, 'bin')
const stamp = join(directory, 'installed.txt')

function install() {
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  run('python3', '-m', 'venv', '--clear', directory)
  run(
    join(bin, 'python3'),
    '-m',
    'pip',
    'install',
    '--quiet',
    '--require-hashes',
    '--requirement',
    requirements,
  )
  writeFileSync(stamp, wanted)
}

/**
 * The environment in which `cargo zigbuild` builds for `triple`, a Linux target, linked against `glibc` where it is one of
 * those. OpenSSL writes the command of its compiler into the binary: this one has no path.
 */
function zigEnvironment(triple, glibc) {
  install()
  const [architecture, , , abi] = triple.split('-')
  const compiler = `zig-cc-${architecture}-${abi}`
  const forZig = `${architecture}-linux-${abi}${abi === 'gnu' ? `.${glibc}` : ''}`
  mkdirSync(bin, { recursive: true })
  const script = `#!/bin/sh\nexec cargo-zigbuild zig cc -- -fno-sanitize=all -target ${forZig} "$@"\n`
  writeFileSync(join(bin, compiler), script, { mode: 0o755 })
  return {
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    [`CC_${triple.replaceAll('-', '_')}`]: compiler,
  }
}

module.exports = { zigEnvironment }
