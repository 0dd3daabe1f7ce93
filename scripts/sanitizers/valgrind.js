'use strict'

// Runs traffic.js, or specs that are named, under valgrind. It watches every access of the process, those of Node and of OpenSSL
// included, and needs no special build; programs take thirty times as long. Node's own reports are not ours: what counts is a report
// in which the engine is named, as who reads or writes, or who allocated or freed. Whether values were set before they are used is not
// looked at, because V8 knows better than valgrind.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { hasTools } = require('../../__test__/helpers/needs.js')
const { root } = require('../engine.js')

/** Milliseconds. A program that has not ended by then is killed. */
const MOST_MS = 20 * 60_000

const ADDON = /moz-tcp-socket[^/]*\.node/

const traffic = join(root, 'scripts', 'sanitizers', 'traffic.js')
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')

/** What napi never deletes: references to the constructors of exported classes, once for each environment. See address.js. */
const KNOWN_LEAK = /: napi_create_reference .*\n.*: napi_register_module_v1 /

/** The reports in the text of a log: paragraphs of lines that begin with the process. */
function reportsIn(log) {
  return log
    .split(/^==\d+== *\n/m)
    .map((paragraph) => paragraph.trim())
    .filter(Boolean)
}

/** Which of `reports` are about memory of the engine's: `{ accesses, leaks }`. */
function ours(reports) {
  const named = reports.filter((report) => ADDON.test(report))
  const isLeak = (report) => /are definitely lost in loss record/.test(report)
  return {
    accesses: named.filter((report) => !isLeak(report)),
    leaks: named.filter((report) => isLeak(report) && !KNOWN_LEAK.test(report)),
  }
}

/**
 * Runs Node with `args` under valgrind. Resolves with `{ end, accesses, leaks }`: how it ended (`0`, or a signal), and the reports that
 * are ours.
 */
async function underValgrind(args, { env = {}, stdio = 'inherit' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-valgrind-'))
  try {
    const options = [
      '--undef-value-errors=no',
      // Code that V8 writes and overwrites.
      '--smc-check=all-non-file',
      // Else a thread that waits for another may keep it from running.
      '--fair-sched=try',
      '--leak-check=full',
      '--show-leak-kinds=definite',
      '--num-callers=30',
      '--trace-children=yes',
      // Makes certificates.
      '--trace-children-skip=*/openssl',
      `--log-file=${join(directory, '%p')}`,
    ]
    const child = spawn('valgrind', [...options, process.execPath, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio,
      timeout: MOST_MS,
      killSignal: 'SIGKILL',
    })
    const [code, signal] = await once(child, 'close')
    const logs = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
    return { end: signal ?? code, ...ours(logs.flatMap(reportsIn)) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs the program, or those specs. Resolves with its row. */
async function run(specs) {
  if (!hasTools('valgrind')) throw new Error('no valgrind: install it')
  const started = Date.now()
  const args =
    specs.length > 0 ? [ava, '--timeout=10m', '--concurrency=1', ...specs] : ['--single-threaded', traffic]
  const { end, accesses, leaks } = await underValgrind(args)
  for (const report of [...accesses, ...leaks]) console.error(`\n${report}`)
  return [
    {
      what: specs.length > 0 ? specs.join(' ') : 'a small program of everything',
      'wrong ends': end === 0 ? 0 : 1,
      'bad accesses': accesses.length,
      leaks: leaks.length,
      isFine: end === 0 && accesses.length + leaks.length === 0,
      seconds: Math.round((Date.now() - started) / 1000),
    },
  ]
}

module.exports = { run, traffic, underValgrind }
