'use strict'

// The subjects: how each is started, and whether it can be.

const { spawnSync } = require('node:child_process')
const { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const home = join(__dirname, '..')
const modules = join(home, 'node_modules')
const peerBinary = join(home, 'peer', 'target', 'release', 'benchmark-peer')

/** The subject of every comparison. */
const SUBJECT = 'moz'

/** Another build of the subject, in the folder that `--baseline` names. */
const BASELINE = 'baseline'

const runtimes = {
  moz: { title: 'moz-tcp-socket', ...onNode('moz.js') },
  // The subject of a workload of streams, with events in their place.
  events: { title: 'moz-tcp-socket, events', ...onNode('moz.js'), withEvents: true },
  baseline: { title: 'moz-tcp-socket (baseline)', ...onNode('moz.js') },
  node: { title: 'Node `net`, `tls`', ...onNode('node.js') },
  emailjs: { title: 'emailjs-tcp-socket', ...onNode('emailjs.js'), caFile: true },
  bun: {
    title: 'Bun',
    binaries: () => [join(modules, 'bun', 'bin', 'bun.exe'), ...inScope('@oven', 'bin/bun')],
    args: ['run', join(home, 'subjects', 'bun.js')],
  },
  deno: {
    title: 'Deno',
    binaries: () => inScope('@deno', 'deno'),
    args: ['run', '--allow-all', '--no-lock', '--v8-flags=--expose-gc', join(home, 'subjects', 'deno.js')],
  },
  limit: { title: 'plain Rust, rustls (the limit)', binaries: () => [peerBinary], library: 'rustls' },
  openssl: { title: 'bare OpenSSL (the limit)', binaries: () => [peerBinary], library: 'openssl' },
}

function onNode(file) {
  return { binaries: () => [process.execPath], args: ['--expose-gc', join(home, 'subjects', file)] }
}

/** Packages of a scope: one for each platform, of which npm installs those that fit. */
function inScope(scope, file) {
  const folder = join(modules, scope)
  if (!existsSync(folder)) return []
  return readdirSync(folder).map((name) => join(folder, name, file))
}

/** The binary of a runtime, or null: not installed, or not for this system. */
function binaryOf(name) {
  if (name === 'emailjs' && !existsSync(join(modules, 'emailjs-tcp-socket'))) return null
  if (runtimes[name].library) return peerBinary
  const runs = (file) => existsSync(file) && spawnSync(file, ['--version'], { timeout: 20_000 }).status === 0
  return runtimes[name].binaries().find(runs) || null
}

/** The version of a runtime, for the report. */
function versionOf(name, binary) {
  if (runtimes[name].library) return ''
  if (name === SUBJECT || name === 'events') return require('../../package.json').version
  if (name === BASELINE) return ''
  if (name === 'emailjs') return require('emailjs-tcp-socket/package.json').version
  return /\d+\.\d+\.\d+\S*/.exec(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout)?.[0] || ''
}

/** What to start for a role: command, arguments, environment, and how to clean up. */
function commandFor(name, { binary, folder: build }, { role, ...rest }) {
  const { library } = runtimes[name]
  if (library) {
    const { listens: _, ...told } = rest // one that listens is given no port
    return { command: binary, args: [`limit-${role}`, ...peerArgs({ ...told, library })], clean() {} }
  }
  const options = { role, package: build, ...rest }
  if (runtimes[name].withEvents) options.streams = false
  const started = { command: binary, args: [...runtimes[name].args, JSON.stringify(options)], clean() {} }
  if (!runtimes[name].caFile || !options.ca) return started
  const folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-benchmark-'))
  const file = join(folder, 'ca.pem')
  writeFileSync(file, options.ca)
  return {
    ...started,
    env: { NODE_EXTRA_CA_CERTS: file },
    clean: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Arguments of the neutral program. */
function peerArgs(options) {
  return Object.entries(options).map(([key, value]) => `${key}=${value}`)
}

module.exports = { BASELINE, SUBJECT, binaryOf, commandFor, home, peerArgs, peerBinary, runtimes, versionOf }
