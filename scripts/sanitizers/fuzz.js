'use strict'

// Runs the fuzz targets of fuzz/, each for as long, from the seeds in fuzz/seeds and what earlier runs found. What is new goes to
// fuzz/corpus, which is not in the repository; an input that fails goes to fuzz/artifacts. `--keep` puts the smallest set of inputs that
// reaches the same code back into the seeds. Needs `cargo install cargo-fuzz`.

const { spawnSync } = require('node:child_process')
const { existsSync, mkdirSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { parseArgs } = require('node:util')

const { apart, root } = require('../engine.js')

const fuzz = join(root, 'fuzz')
const SECONDS = 600

/** Larger inputs reach nothing that smaller ones do not. */
const MOST_BYTES = 4096

const names = () =>
  readdirSync(join(fuzz, 'fuzz_targets'))
    .filter((name) => name.endsWith('.rs'))
    .map((name) => name.slice(0, -'.rs'.length))

/** Runs cargo-fuzz. Returns its exit code and what it said. */
function cargoFuzz(args, stdio = ['ignore', 'inherit', 'pipe']) {
  const { args: place, env } = apart('fuzz')
  const { status, stderr, error } = spawnSync('cargo', ['fuzz', 'run', ...place, ...args], {
    cwd: root,
    // Sanitizers are not stable in rustc, which this makes it overlook.
    env: { ...process.env, ...env, RUSTC_BOOTSTRAP: '1' },
    stdio,
    maxBuffer: 1 << 30,
  })
  if (error) throw error
  return { status, said: String(stderr) }
}

const folder = (...parts) => {
  const path = join(fuzz, ...parts)
  mkdirSync(path, { recursive: true })
  return path
}

function check(target, seconds) {
  const [corpus, seeds] = [folder('corpus', target), folder('seeds', target)]
  // Where the input is a list of steps, more than one of them from the beginning.
  const options = [
    `-max_total_time=${seconds}`,
    '-len_control=0',
    `-max_len=${MOST_BYTES}`,
    '-print_final_stats=1',
  ]
  const { status, said } = cargoFuzz([target, corpus, seeds, '--', ...options])
  if (status !== 0) console.error(said.split('\n').slice(-60).join('\n'))
  const figure = (pattern) => Number(said.match(pattern)?.at(-1)?.replace(/\D/g, '') ?? 0)
  return {
    target,
    runs: figure(/number_of_executed_units: +\d+/g),
    seconds,
    'places reached': Number([...said.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? 0),
    corpus: readdirSync(corpus).length,
    isFine: status === 0,
  }
}

/** The fewest inputs that reach what the corpus does, into the seeds. */
function keep(target) {
  const [corpus, seeds] = [folder('corpus', target), folder('seeds', target)]
  const { status, said } = cargoFuzz([target, seeds, corpus, '--', '-merge=1', `-max_len=${MOST_BYTES}`])
  if (status !== 0) throw new Error(said.split('\n').slice(-20).join('\n'))
}

/** Resolves with a row for each target. */
async function run(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: String(SECONDS) },
      keep: { type: 'boolean', default: false },
    },
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds wants a number above 0, not ${values.seconds}`)
  const unknown = positionals.filter((name) => !existsSync(join(fuzz, 'fuzz_targets', `${name}.rs`)))
  if (unknown.length > 0) throw new Error(`no target ${unknown.join(', ')}; there are ${names().join(', ')}`)
  const targets = positionals.length > 0 ? positionals : names()
  const rows = targets.map((target) => check(target, seconds))
  if (values.keep) for (const target of targets) keep(target)
  return rows
}

module.exports = { run }
