'use strict'

// Measures moz-tcp-socket beside its peers: `node benchmark/run.js --help`. README.md tells what the figures mean.

const { writeFileSync } = require('node:fs')
const os = require('node:os')

const { killAll } = require('./lib/child.js')
const { datagrams } = require('./lib/datagrams.js')
const { USAGE, isWanted, readOptions } = require('./lib/options.js')
const { prepare } = require('./lib/prepare.js')
const { Progress } = require('./lib/progress.js')
const { writeReport } = require('./lib/report.js')
const { runRounds, takePart } = require('./lib/rounds.js')
const { BASELINE } = require('./lib/runtimes.js')
const { secure } = require('./lib/secure.js')
const { startup } = require('./lib/startup.js')
const { goalTable, workloadTable } = require('./lib/tables.js')
const { workloads } = require('./lib/workloads.js')

async function main() {
  const options = readOptions(process.argv.slice(2))
  const everything = [...workloads, ...startup, ...secure, ...datagrams]
  if (options.help) return console.log(USAGE)
  if (options.list)
    return console.log(everything.map(({ key, title }) => `${key.padEnd(20)} ${title}`).join('\n'))

  const chosen = everything.filter(({ key }) => isWanted(key, options.wanted))
  if (chosen.length === 0) throw new Error(`no workload ${options.wanted.join(' ')}; --list names them`)
  const found = prepare(options.peers, options.baseline)
  const steps = ({ peers, ...rest }) =>
    peers ? takePart({ peers, ...rest }, found).length * options.pairs : 1
  const load = os.loadavg()[0].toFixed(1)
  const progress = new Progress(chosen.reduce((sum, workload) => sum + steps(workload), 0))
  const results = []
  for (const workload of chosen) {
    const result = workload.peers
      ? await runRounds(workload, found, options, progress)
      : measureOnce(workload, found, options, progress)
    results.push(result)
    progress.finished(workload.key)
    progress.end()
    console.log(`\n${workload.key}: ${workload.title}\n\n${workloadTable(workload, result)}`)
  }
  console.log(`\n${goalTable(chosen, results)}\n`)

  const versions = Object.fromEntries(Object.entries(found).map(([name, { version }]) => [name, version]))
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ versions, results }, null, 1)}\n`)
  if (options.write) writeReport(everything, ...published(results, versions), load)
  // Peers may fail; the subject must not.
  if (results.some(({ failures }) => failures.moz)) process.exitCode = 1
}

function measureOnce({ key, title, measure }, found, options, progress) {
  progress.show(key)
  const values = measure(options, found)
  progress.step()
  return { key, title, values, failures: {} }
}

/** Results and versions for others, whom a baseline tells nothing. */
function published(results, versions) {
  const without = (named) => Object.fromEntries(Object.entries(named).filter(([name]) => name !== BASELINE))
  const kept = results.map(({ values, failures, ...rest }) => ({
    ...rest,
    values: without(values),
    failures: without(failures),
  }))
  return [kept, without(versions)]
}

process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130))

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
