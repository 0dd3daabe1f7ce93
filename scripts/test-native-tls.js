'use strict'

// Tests of the TLS backend of macOS and Windows, on Linux as well: those of the Rust engine, then those specs that TLS has
// most to do with, against an addon that is built with the feature `native-tls`, target/native-tls/moz-tcp-socket.node.
// `node scripts/test-native-tls.js [FILE…]` runs these specs instead.

const { spawnSync } = require('node:child_process')
const { copyFileSync, renameSync } = require('node:fs')
const { join } = require('node:path')

const { apart, root, target } = require('./engine.js')

const FEATURES = ['--features', 'native-tls']

const addon = join(target, 'native-tls', 'moz-tcp-socket.node')

const LIBRARIES = { darwin: 'libmoz_tcp_socket.dylib', win32: 'moz_tcp_socket.dll' }

const SPECS = [
  'gecko/x-{ends,states,tls,upgrade}.spec.js',
  'peers/{dovecot,node-tls,openssl,tls-server}.spec.js',
  'reliability/{closing,reset-and-fin,slow-consumer,write-failures}.spec.js',
  'tls/**/*.spec.js',
  'users/**/*.spec.js',
].map((path) => `__test__/${path}`)

function run(what, command, args, env) {
  console.error(`\n> ${what}`)
  const started = Date.now()
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  if (error) throw error
  const seconds = ((Date.now() - started) / 1000).toFixed(0)
  console.error(`> ${what}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`)
  return status === 0
}

function build() {
  const { args, env, output } = apart('native-tls')
  // As the Rust tests are: after those there is nothing to compile.
  const built = run(
    'build the addon',
    'cargo',
    ['build', '--release', '--locked', '--lib', ...FEATURES, ...args],
    env,
  )
  if (!built) return false
  // Another process may have the old file open.
  copyFileSync(join(output, LIBRARIES[process.platform] ?? 'libmoz_tcp_socket.so'), `${addon}.new`)
  renameSync(`${addon}.new`, addon)
  return true
}

const rust = join(__dirname, 'cargo-apart.js')
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const files = process.argv.slice(2)

const passed = [
  files.length > 0 || run('Rust engine, native-tls', process.execPath, [rust, 'native-tls']),
  build() &&
    run('JavaScript, native-tls', process.execPath, [ava, ...(files.length > 0 ? files : SPECS)], {
      NAPI_RS_NATIVE_LIBRARY_PATH: addon,
    }),
]
process.exitCode = passed.every(Boolean) ? 0 : 1
