'use strict'

// Makes everything ready: the addon, the peers from npm, the neutral program. Does nothing where that was done before.

const { spawnSync } = require('node:child_process')
const { existsSync, statSync } = require('node:fs')
const { join } = require('node:path')

const { BASELINE, SUBJECT, binaryOf, home, versionOf } = require('./runtimes.js')

function run(what, command, args, cwd) {
  console.error(`> ${what}`)
  // Their output goes to stderr: stdout is for the figures.
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
  if (error) console.error(`cannot run ${command}: ${error.message}`)
  return status === 0
}

function changedAt(...path) {
  const file = join(home, ...path)
  return existsSync(file) ? statSync(file).mtimeMs : 0
}

/** Returns the binaries of the peers that can be measured, and their versions. Those that cannot are named, loudly. */
function prepare(peers, baseline) {
  const root = join(home, '..')
  if (!run('the addon', process.execPath, [join('scripts', 'setup.js')], root)) process.exit(1)
  if (changedAt('node_modules', '.package-lock.json') < changedAt('package-lock.json')) {
    // Not `npm ci`: that refuses a lockfile which does not list the optional packages of all other platforms.
    const args = ['install', '--no-save', '--no-audit', '--no-fund']
    if (!run('the peers from npm', 'npm', args, home)) console.error('!! npm could not install the peers')
  }
  if (
    !run('the neutral program', 'cargo', ['build', '--release', '--locked', '--quiet'], join(home, 'peer'))
  ) {
    process.exit(1)
  }
  const found = {}
  for (const name of [SUBJECT, ...peers]) {
    const binary = binaryOf(name)
    if (binary) found[name] = { binary, version: versionOf(name, binary) }
    else console.error(`!! SKIPPED: ${name} is not installed or does not run here`)
  }
  if (baseline) found[BASELINE] = { binary: process.execPath, version: '', folder: baseline }
  return found
}

module.exports = { prepare }
