'use strict'

// The command line.

const { parseArgs } = require('node:util')

const { SUBJECT, runtimes } = require('./runtimes.js')

const USAGE = `node benchmark/run.js [workload …] [options]

  workload         W1 to W10, or a part of one, such as W4-1000; everything where none is named
  --peers a,b      only these: node, emailjs, bun, deno, limit
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
      pairs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const peers = values.peers?.split(',') || Object.keys(runtimes).filter((name) => name !== SUBJECT)
  const unknown = peers.find((name) => !(name in runtimes) || name === SUBJECT)
  if (unknown !== undefined) throw new Error(`no peer ${unknown}`)
  const pairs = Number(values.pairs || (values.quick ? 1 : 5))
  if (!Number.isInteger(pairs) || pairs < 1) throw new Error('--pairs takes a positive number')
  const full = positionals.length === 0 && values.peers === undefined && !values.quick
  return { ...values, peers, pairs, wanted: positionals, write: values.write || full }
}

/** Whether the command line asks for this workload: by its key or by the beginning of that. */
function isWanted(key, wanted) {
  const upper = key.toUpperCase()
  const fits = (name) => upper === name.toUpperCase() || upper.startsWith(`${name.toUpperCase()}-`)
  return wanted.length === 0 || wanted.some(fits)
}

module.exports = { USAGE, isWanted, readOptions }
