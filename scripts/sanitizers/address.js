'use strict'

// Builds the engine with AddressSanitizer, and runs with it what is hardest on memory: processes and workers that end
// in full traffic, and the specs of the life cycle, of reliability and of TLS. Node and OpenSSL are ordinary ones, but
// the sanitizer's library, which is loaded first, sees what they allocate and free. Needs GCC's libasan, and what `npm run build`
// leaves; takes about ten minutes.

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { isAbsolute, join } = require('node:path')

const { startPeers, stream } = require('../../__test__/fixtures/lifecycle/peers.js')
const { run: runChild } = require('../../__test__/fixtures/lifecycle/run-child.js')
const { apart, newest, root, sourcesAt, target } = require('../engine.js')

/** In a directory of its own: none of what is built here may get into a release. */
const addon = join(target, 'asan', 'moz-tcp-socket.node')

const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs')

/** How a process ends in which something was found. No script here uses it for anything else. */
const FOUND = 97

/**
 * What is not ours, and comes once for each environment, however many sockets it has: napi never deletes the references to
 * the constructors of exported classes, 120 bytes, nor that of a Buffer which is dropped when its environment ends, 40 bytes.
 */
const KNOWN_LEAKS = 'leak:register_classes\nleak:flusher_c_callback\n'

/** Of the specs that are left out one measures memory, of which the sanitizer keeps some back, and one reads all that there is of it. */
const SPECS = [
  '__test__/lifecycle/*.spec.js',
  '__test__/reliability/*.spec.js',
  '__test__/tls/*.spec.js',
  '!__test__/reliability/slow-consumer.spec.js',
  '!__test__/tls/keys-in-memory.spec.js',
]

function build() {
  const { args, env: shared, output } = apart('asan')
  const env = {
    ...process.env,
    ...shared,
    // Sanitizers are not stable in rustc, which this makes it overlook. The runtime library is GCC's.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '-Zsanitizer=address -Zexternal-clangrt',
    CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_STRIP: 'none',
  }
  const { status, error } = spawnSync('cargo', ['build', '--release', '--locked', '--lib', ...args], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  if (error) throw error
  if (status !== 0) throw new Error(`cargo exited with ${status}`)
  copyFileSync(join(output, 'libmoz_tcp_socket.so'), `${addon}.new`)
  renameSync(`${addon}.new`, addon)
}

/** The environment of a process that runs with the sanitizer, and writes what it finds to files in `directory`. */
function sanitized(directory, { leaks }) {
  const library = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  // GCC answers with the bare name where it has none.
  if (!isAbsolute(library)) throw new Error('no libasan.so: install libasan8, or what comes with your GCC')
  const suppressions = join(directory, 'known-leaks')
  writeFileSync(suppressions, KNOWN_LEAKS)
  return {
    LD_PRELOAD: library,
    NAPI_RS_NATIVE_LIBRARY_PATH: addon,
    ASAN_OPTIONS: [
      `detect_leaks=${Number(leaks)}`,
      `exitcode=${FOUND}`,
      `log_path=${join(directory, 'report')}`,
      // Some specs preload a library of their own before it.
      'verify_asan_link_order=0',
      'detect_stack_use_after_return=1',
    ].join(':'),
    LSAN_OPTIONS: `suppressions=${suppressions}:print_suppressions=0`,
  }
}

/** Runs a program of this repository. Resolves with what was wrong about its end, if anything. */
async function program(args, env) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  const [code, signal] = await once(child, 'close')
  return code === 0 ? [] : [`${args[0]}: ${signal ?? `exit code ${code}`}`]
}

/** Runs scripts of the life cycle, each `[script, args, exit code]`. Resolves with what was wrong about their ends. */
async function children(scripts, env) {
  const peers = await startPeers(stream)
  const problems = []
  for (const [script, args, expected] of scripts) {
    const { code, signal, stdout, stderr } = await runChild(script, args, { ...peers, env, mostMs: 300_000 })
    const { leaks = 0 } = stdout.startsWith('{') ? JSON.parse(stdout) : {}
    if (code === expected && leaks === 0) continue
    problems.push(`${script} ${args.join(' ')}: ${signal ?? `exit code ${code}`}\n${stdout}${stderr}`)
  }
  peers.stop()
  return problems
}

const kinds = (f) => ['plain', 'tls'].flatMap(f)

const cases = [
  {
    name: 'traffic',
    what: 'a small program of everything, with leaks',
    leaks: true,
    run: (env) => program([join('scripts', 'sanitizers', 'traffic.js')], env),
  },
  {
    name: 'exits',
    what: 'process.exit, natural ends and workers in traffic',
    run: (env) => program([join('scripts', 'stress-exit.js'), '40', '30'], env),
  },
  {
    name: 'queued',
    what: 'workers terminated with events in the queue, with leaks',
    leaks: true,
    run: (env) =>
      children(
        kinds((kind) => [
          // Its handler does not end, so that the events of its other sockets wait in the queue.
          ['workers.js', [kind, 'spin', 3, '', 5], 0],
          ['workers.js', [kind, 'terminate', 3, '', 5], 0],
          ['workers.js', [kind, 'early', 3, '', 10], 0],
        ]),
        env,
      ),
  },
  {
    name: 'sessions',
    what: 'sessions and workers that end by themselves, with leaks',
    leaks: true,
    run: (env) =>
      children(
        kinds((kind) => [
          ...Array.from({ length: 3 }, () => ['natural-end.js', [kind], 9]),
          ['workers.js', [kind, 'natural', 3, '', 5], 0],
        ]),
        env,
      ),
  },
  {
    name: 'specs',
    what: 'lifecycle, reliability and TLS specs',
    run: (env) => program([ava, ...SPECS], env),
  },
]

/** Runs a case and returns its row of the table. */
async function check({ what, run: runCase, leaks = false }) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-asan-'))
  const started = Date.now()
  const problems = await runCase(sanitized(directory, { leaks }))
  const reports = readdirSync(directory)
    .filter((name) => name.startsWith('report'))
    .map((name) => readFileSync(join(directory, name), 'utf8'))
  rmSync(directory, { recursive: true })
  for (const text of [...problems, ...reports]) console.error(`\n${what}: ${text}`)
  const having = (text) => reports.filter((report) => report.includes(text)).length
  return {
    what,
    'wrong ends': problems.length,
    'bad accesses': having('ERROR: AddressSanitizer'),
    'reports of leaks': leaks ? having('ERROR: LeakSanitizer') : 'not looked for',
    reports: reports.length,
    isFine: problems.length === 0 && reports.length === 0,
    seconds: Math.round((Date.now() - started) / 1000),
  }
}

/** Runs the cases called `names`, or all; what is the path of specs runs those. Resolves with a row for each. */
async function run(names) {
  if (!existsSync(addon) || newest(addon) < sourcesAt()) build()
  const specs = names.filter((name) => name.endsWith('.spec.js'))
  const chosen = cases.filter(({ name }) => names.length === 0 || names.includes(name))
  if (specs.length > 0) chosen.push({ what: specs.join(' '), run: (env) => program([ava, ...specs], env) })
  if (chosen.length === 0)
    throw new Error(
      `no case ${names.join(', ')}; there are ${cases.map(({ name }) => name).join(', ')}, or name specs`,
    )
  const rows = []
  for (const one of chosen) rows.push(await check(one))
  return rows
}

module.exports = { run }
