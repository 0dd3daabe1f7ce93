'use strict'

// Rust tests of the engine that are built with other flags or features than `npm test` builds it with, each in a target
// directory of its own: `node scripts/cargo-apart.js loom|native-tls`.

const { spawnSync } = require('node:child_process')

const { apart, root } = require('./engine.js')

const VARIANTS = {
  // What threads do under locks, in every order. See src/net/sync.rs.
  loom: { args: ['--lib'], tests: 'loom_model', flags: '--cfg loom_model' },
  // The TLS backend of Windows and Apple's systems.
  'native-tls': { args: ['--features', 'native-tls', '--lib', '--test', 'net'], tests: 'tls' },
}

const [name] = process.argv.slice(2)
if (!Object.hasOwn(VARIANTS, name ?? '')) {
  console.error(`usage: node scripts/cargo-apart.js ${Object.keys(VARIANTS).join('|')}`)
  process.exit(2)
}
const { args, tests, flags } = VARIANTS[name]
const { args: place, env } = apart(name)
const { status, error } = spawnSync('cargo', ['test', '--release', '--locked', ...args, ...place, tests], {
  cwd: root,
  env: {
    ...process.env,
    ...env,
    ...(flags && { RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${flags}`.trim() }),
  },
  stdio: 'inherit',
})
if (error) throw error
process.exitCode = status ?? 1
