'use strict'

// Ends processes and workers in full traffic, many times, and prints how that went. The test suite does the same with
// small numbers (__test__/lifecycle); this is for changes of the life cycle, and for other versions of Node:
// `path/to/node scripts/stress-exit.js [EXITS [TERMINATIONS]]`. Exits with 1 when anything went wrong.

const { flood, startPeers, stream } = require('../__test__/fixtures/lifecycle/peers.js')
const { run } = require('../__test__/fixtures/lifecycle/run-child.js')

const [exits = 300, terminations = 150] = process.argv.slice(2).map(Number)
if (![exits, terminations].every((count) => Number.isInteger(count) && count > 0)) {
  console.error('usage: node scripts/stress-exit.js [EXITS [TERMINATIONS]]')
  process.exit(2)
}

/** Runs at the same time. */
const AT_ONCE = 4

/** Calls `f` with 0, 1, … `count - 1`, some at a time. */
async function repeat(count, f) {
  let next = 0
  const lane = async () => {
    while (next < count) await f(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** What became of `count` children, as a row: how each should have ended, and the slowest end. */
async function endings(what, count, servers, script, args, isFine) {
  const row = { what, runs: count, fine: 0, wrong: 0, signals: 0, hangs: 0, 'slowest end (ms)': 0 }
  await repeat(count, async (index) => {
    const result = await run(script, args(index), servers)
    const hangs = result.stderr.includes('run-child: it hangs')
    if (hangs) row.hangs++
    else if (result.signal) row.signals++
    else if (isFine(result)) row.fine++
    else row.wrong++
    if (hangs || result.signal || !isFine(result)) console.error(what, args(index), result)
    const [, exitAt] = result.stdout.match(/(?:exit|closed) (\d{13})/) ?? []
    if (exitAt) row['slowest end (ms)'] = Math.max(row['slowest end (ms)'], result.ended - exitAt)
  })
  return row
}

/** What became of workers that one process starts and ends. */
async function workers(what, args, code) {
  const [, , count, , rounds] = args
  const {
    code: status,
    signal,
    stdout,
    stderr,
  } = await run('workers.js', args, { ...streamers, mostMs: 600_000 })
  const row = { what, runs: count * rounds, fine: 0, wrong: 0, signals: signal ? 1 : 0, hangs: 0 }
  try {
    const { workers: ended, before, after, leaks } = JSON.parse(stdout)
    const wrong = ended.filter((worker) => worker.code !== code).length + leaks
    row.fine = row.runs - wrong
    row.wrong = wrong
    row.left = `sockets ${after.sockets - before.sockets}, tasks ${after.tasks}, threads ${after.threads - before.threads}`
  } catch {
    row.wrong = row.runs
    console.error(what, status, signal, stderr)
  }
  return row
}

let flooders
// For ends that wait for the peer: a Node TLS server that floods many clients was seen not to turn its loop for seconds.
let streamers

async function main() {
  flooders = await startPeers(flood)
  streamers = await startPeers(stream)
  const rows = []
  for (const kind of ['plain', 'tls']) {
    const atRandom = () => [kind, Math.floor(Math.random() * 61)]
    const exited = ({ code }) => code === 7
    rows.push(await endings(`process.exit, ${kind}`, exits, flooders, 'exit-at-random.js', atRandom, exited))
    const ended = ({ code, stdout }) => code === 9 && stdout.endsWith('exit 4 true\n')
    rows.push(
      await endings(
        `natural end, ${kind}`,
        Math.ceil(exits / 10),
        streamers,
        'natural-end.js',
        () => [kind],
        ended,
      ),
    )
    const rounds = Math.ceil(terminations / 3)
    rows.push(await workers(`worker.terminate at 0–20 ms, ${kind}`, [kind, 'early', 3, '', rounds], 1))
    rows.push(await workers(`worker.terminate in traffic, ${kind}`, [kind, 'terminate', 3, '', 5], 1))
    rows.push(await workers(`20 workers at once, ${kind}`, [kind, 'natural', 20, '', 1], 0))
  }
  flooders.stop()
  streamers.stop()
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}`)
  console.table(rows)
  if (rows.some(({ fine, runs }) => fine !== runs)) process.exitCode = 1
}

main()
