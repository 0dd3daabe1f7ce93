'use strict'

// Makes a fresh clone ready, and does nothing where that was done before: installs the development packages when the
// lockfile asks for others than those that are there, and builds the addon when a source is newer than it. `--packages`: without the
// addon.

const { spawnSync } = require('node:child_process')
const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const { newest, root, sourcesAt } = require('./engine.js')

function run(what, command, args) {
  console.error(`\n> ${what}: ${command} ${args.join(' ')}`)
  const started = Date.now()
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error) console.error(`cannot run ${command}: ${error.message}`)
  if (status !== 0) process.exit(status || 1)
  console.error(`> ${what}: done in ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

function installedAt() {
  return newest(join(root, 'node_modules', '.package-lock.json'))
}

function builtAt() {
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'))
  return addons.length === 0 ? 0 : Math.min(...addons.map((name) => newest(join(root, name))))
}

if (installedAt() < newest(join(root, 'package-lock.json'))) {
  // Not `npm ci`: that refuses a lockfile which does not list the optional packages of all other platforms.
  run('install', 'npm', ['install', '--no-save', '--no-audit', '--no-fund'])
}

if (!process.argv.includes('--packages') && builtAt() < sourcesAt()) {
  console.error('\nBuilding the engine. The first time this compiles OpenSSL, which takes a few minutes.')
  run('build', 'npm', ['run', '--silent', 'build'])
}
