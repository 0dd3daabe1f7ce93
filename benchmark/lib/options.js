'use strict'

// The command line.

const { existsSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { parseArgs } = require('node:util')

const { BASELINE, SUBJECT, runtimes } = require('./runtimes.js')

const USAGE = `node benchmark/run.js [workload …] [options]

  workload         W1 to W15, or a part of one, such as W4-1000; everything where none is named
  --peers a,b      only these: node, emailjs, bun, deno, limit, openssl; or none
  --baseline dir   measure the build of moz-tcp-socket in that folder, too, in the same rounds
  --pairs n        measurements of each, interleaved (default 5)
  --quick          one pair, and short: to see that everything works; its figures mean nothing
  --json file      write the figures of this run there
  --write          write docs/performance.md, docs/performance.svg and benchmark/results.json,
                   which a full run does by itself; a part replaces its workloads in them
  --list           the workloads
`

function readOptions(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      peers: { type: 'string' },
      baseline: { type: 'string' },
      pairs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const known = Object.keys(runtimes).filter((name) => name !== SUBJECT && name !== BASELINE)
  const peers = values.peers === 'none' ? [] : values.peers?.split(',') || known
  const unknown = peers.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`no peer ${unknown}; there are ${known.join(', ')}, or none`)
  const baseline = values.baseline === undefined ? undefined : resolve(values.baseline)
  if (baseline !== undefined && !existsSync(join(baseline, 'package.json'))) {
    throw new Error(`--baseline takes the folder of a build of the package, which ${baseline} is not`)
  }
  const pairs = Number(values.pairs || (values.quick ? 1 : 5))
  if (!Number.isInteger(pairs) || pairs < 1) throw new Error('--pairs takes a positive number')
  const full =
    positionals.length === 0 && values.peers === undefined && baseline === undefined && !values.quick
  return { ...values, peers, baseline, pairs, wanted: positionals, write: values.write || full }
}

/** Whether the command line asks for this workload: by its key or by the beginning of that. */
function isWanted(key, wanted) {
  const upper = key.toUpperCase()
  const fits = (name) => upper === name.toUpperCase() || upper.startsWith(`${name.toUpperCase()}-`)
  return wanted.length === 0 || wanted.some(fits)
}

module.exports = { USAGE, isWanted, readOptions }
