'use strict'

// Writes docs/performance.md, docs/performance.svg and benchmark/results.json. A part of the workloads takes the place
// of its former figures there, and leaves the others.

const { spawnSync } = require('node:child_process')
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { chart } = require('./chart.js')
const { describeMachine } = require('./machine.js')
const { home, runtimes } = require('./runtimes.js')
const { goalTable, workloadTable } = require('./tables.js')

const dataFile = join(home, 'results.json')
const root = join(home, '..')
const docs = join(root, 'docs')

function writeReport(workloads, results, versions, load) {
  const before = existsSync(dataFile)
    ? JSON.parse(readFileSync(dataFile, 'utf8'))
    : { versions: {}, results: [] }
  const date = new Date().toISOString().slice(0, 10)
  const fresh = results.map((result) => ({ ...result, date }))
  const kept = before.results.filter(({ key }) => !fresh.some((one) => one.key === key))
  const position = (key) => workloads.findIndex((workload) => workload.key === key)
  const data = {
    machine: { ...describeMachine(), load },
    versions: { ...before.versions, ...versions, node: process.versions.node },
    // Results of workloads that are no more have no place.
    results: [...fresh, ...kept]
      .filter(({ key }) => position(key) >= 0)
      .sort((a, b) => position(a.key) - position(b.key)),
  }
  mkdirSync(docs, { recursive: true })
  writeFileSync(dataFile, `${JSON.stringify(data)}\n`)
  writeFileSync(join(docs, 'performance.md'), page(workloads, data))
  // As everything else in the repository, which `npm run lint` checks.
  spawnSync(join(root, 'node_modules', '.bin', 'oxfmt'), [dataFile, join(docs, 'performance.md')], {
    cwd: root,
  })
  writeFileSync(join(docs, 'performance.svg'), chart(workloads, data.results))
}

function page(workloads, { machine, versions, results }) {
  const dates = [...new Set(results.map(({ date }) => date))].sort()
  const measured = dates.length > 1 ? `between ${dates[0]} and ${dates.at(-1)}` : `on ${dates[0]}`
  const subjects = Object.keys(runtimes).filter((name) => name in versions)
  const named = subjects.map((name) => `- ${runtimes[name].title} ${versions[name]}`.trim())
  const sections = workloads
    .map((workload) => [workload, results.find(({ key }) => key === workload.key)])
    .filter(([, result]) => result)
    .map(([workload, result]) => {
      const command = `npm run bench -- ${workload.key}`
      return `### ${workload.key}: ${workload.title}\n\n\`${command}\`\n\n${workloadTable(workload, result)}\n`
    })
  return `# Performance

Made by \`npm run bench\`; [benchmark/README.md](../benchmark/README.md) tells how it measures.

Measured ${measured} on ${machine.cores} cores of ${machine.cpu}, ${machine.memory}, ${machine.system}, with a load of
${machine.load} at the beginning. Rust is ${machine.rust}; the subjects are:

${named.join('\n')}

Figures are medians. Machines are noisy, so look at the ratios: moz-tcp-socket divided by the peer, pair by pair, as
"median (lowest–highest, number of pairs)". CPU time, user and system, of the whole process hardly moves with noise.

![moz-tcp-socket and its peers, with Node as 1](performance.svg)

## Goals

${goalTable(workloads, results)}

The first event among idle connections is flat where it takes at most twice as long as among 100.

## Figures

The first columns are the workload's own. Bun, Deno and the limits do not tell how busy their loop is.

${sections.join('\n')}`
}

module.exports = { writeReport }
