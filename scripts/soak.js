'use strict'

// `npm run soak -- [--minutes N] [--seed N] [--break KIND]`: mixed traffic for N minutes, ten by default. Everything at once and at
// random: plain connections, TLS and STARTTLS, as client and server, with ourselves and with Node's sockets in another process;
// resets, failures, aborted connections, listeners and workers that come and go, readers that pause. Every byte is compared.
//
// The traffic rests some thirty times. Then nothing may be left: descriptors and native handles are counted, memory and threads are
// measured, and fail when they grow from rest to rest. So do lost bytes, an error that nobody expected, and whatever takes a minute.
// Prints a table and writes nothing.
//
// `--connections PLAIN,TLS`: so many short connections and nothing else, with failures among them; for instance 100000,10000.
// `--break` descriptors, memory, bytes or hang does that on purpose, which shows that it is noticed.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { parseArgs } = require('node:util')

const { makePki } = require('../__test__/helpers/pki.js')
const { SMALL_YOUNG, measure } = require('./soak/connections.js')
const { growth } = require('./soak/trend.js')

const BREAKS = ['descriptors', 'memory', 'bytes', 'hang']

/** Milliseconds. An order that takes longer than the longest rest has hung. */
const MOST_MS = 150_000

/** How often the traffic rests, if each time it has had a few seconds. */
const RESTS = 30
const LEAST_MS = 4000

/** With fewer nothing can be compared. */
const FEWEST_RESTS = 4

const MIB = 1 << 20

/**
 * By how much a figure may grow over all rests but those of the first quarter, in which caches and allocators take what they need.
 * What is leaked for each connection, or each kilobyte, is more than that within minutes; longer runs find less.
 */
const MOST_GROWTH = { descriptors: 0.5, handles: 0.5, threads: 2, heap: 4 * MIB, rss: 12 * MIB }

/** A process of scripts/soak/. `ask(order, data)` resolves with its answer. */
function start(script, execArgv = []) {
  const child = fork(join(__dirname, 'soak', script), {
    execArgv,
    // glibc would begin a heap for each worker, and keep it.
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const answers = new Map()
  const refuse = (error) => {
    for (const { reject } of answers.values()) reject(error)
  }
  child.on('message', ({ order, data }) => {
    answers.get(order).resolve(data)
    answers.delete(order)
  })
  child.on('exit', (code, signal) => refuse(new Error(`${script} ended: ${signal ?? `exit code ${code}`}`)))
  const ask = async (order, data) => {
    const answer = new Promise((resolve, reject) => answers.set(order, { resolve, reject }))
    const timer = setTimeout(() => refuse(new Error(`${script} hangs: no answer to "${order}"`)), MOST_MS)
    child.send({ order, data }, (error) => error && refuse(error))
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { ask, stop }
}

/** What grew, and what is left that was not there after the first round. */
function judge(rests) {
  const [{ figures: before }] = rests
  const settled = rests.slice(Math.ceil(rests.length / 4))
  const problems = []
  for (const name of ['descriptors', 'handles']) {
    const left = Math.max(...rests.map(({ figures }) => figures[name] - before[name]))
    if (left > 0) problems.push(`up to ${left} ${name} are left when everything is closed`)
  }
  for (const connection of new Set(rests.flatMap(({ figures }) => figures.connections ?? [])))
    problems.push(`left: a connection ${connection}`)
  for (const [name, most] of Object.entries(MOST_GROWTH)) {
    const values = settled.map(({ figures }) => figures[name])
    // A system that does not count them.
    if (values.includes(null)) continue
    const by = growth(values)
    if (by > most)
      problems.push(
        `${name} grew by ${Math.round(by)} over ${values.length} rests, of which ${most} may be chance`,
      )
  }
  return problems
}

const mib = (bytes) => Number((bytes / MIB).toFixed(1))

function row({ minute, connections, bytes, lostBytes, problems, figures }) {
  const { descriptors, handles, threads, rss, heap } = figures
  return {
    minute: Number(minute.toFixed(1)),
    connections,
    MiB: Math.round(bytes / MIB),
    'lost bytes': lostBytes,
    problems: problems.length,
    descriptors,
    handles,
    threads,
    'RSS (MiB)': mib(rss),
    'heap (MiB)': mib(heap),
  }
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

async function rounds({ minutes, seed, broken }, subject, peers) {
  const pki = makePki()
  const setting = { pki, seed, broken }
  const theirs = await peers.ask('prepare', setting)
  const ports = await subject.ask('start', { ...setting, peers: theirs })
  console.log('ports:', ports, 'of node:', theirs)
  await peers.ask('start', { ports })
  const began = Date.now()
  const length = Math.max(LEAST_MS, (minutes * 60_000) / RESTS)
  const rests = []
  do {
    const until = Date.now() + length
    await Promise.all([subject.ask('go'), peers.ask('go')])
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, until - Date.now())))
    // Both are servers of the other until both rest.
    const tallies = await Promise.all([subject.ask('rest'), peers.ask('rest')])
    const figures = await subject.ask('sample', rests[0]?.figures)
    const total = (name) => sum(tallies.map((tally) => tally[name]))
    rests.push({
      minute: (Date.now() - began) / 60_000,
      connections: sum(tallies.flatMap(({ done }) => Object.values(done))),
      bytes: total('bytes'),
      lostBytes: total('lostBytes'),
      problems: tallies.flatMap((tally) => tally.problems),
      done: tallies.map(({ done }) => done),
      figures,
    })
  } while (rests.length < FEWEST_RESTS || Date.now() - began < minutes * 60_000)
  return rests
}

/** How often each thing was done, in all rounds. */
function doneIn(rests) {
  const counts = {}
  for (const [name, count] of rests.flatMap(({ done }) => done.flatMap(Object.entries))) {
    counts[name] = (counts[name] ?? 0) + count
  }
  return counts
}

async function soak(options) {
  const [subject, peers] = [start('subject.js', ['--expose-gc', SMALL_YOUNG]), start('peers.js')]
  try {
    const rests = await rounds(options, subject, peers)
    console.table(rests.map(row))
    console.log('what was done:', doneIn(rests))
    const lost = sum(rests.map(({ lostBytes }) => lostBytes))
    return [
      ...rests.flatMap(({ problems }) => problems),
      ...(lost > 0 ? [`${lost} bytes were lost or changed`] : []),
      ...judge(rests),
    ]
  } finally {
    await Promise.all([subject.stop(), peers.stop()])
  }
}

const churnRow = ({ kind, connections, descriptors, handles, threads, rss, heap }) => ({
  kind,
  connections,
  descriptors,
  handles,
  threads,
  'RSS (MiB)': mib(rss),
  'heap (MiB)': mib(heap),
})

/** Short connections: what is there after each quarter of them. */
async function churn(counts) {
  const { samples, problems } = await measure(counts)
  console.table(samples.map(churnRow))
  return problems
}

function read() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      connections: { type: 'string' },
      break: { type: 'string' },
    },
  })
  const number = (name, text) => {
    const value = Number(text)
    if (!(value > 0)) throw new Error(`--${name} wants a number above 0, not ${text}`)
    return value
  }
  if (values.break !== undefined && !BREAKS.includes(values.break))
    throw new Error(`--break wants one of ${BREAKS.join(', ')}, not ${values.break}`)
  return {
    minutes: number('minutes', values.minutes),
    seed: Number(values.seed),
    broken: values.break,
    connections: values.connections?.split(',').map((text) => number('connections', text)),
  }
}

async function main() {
  const options = read()
  const began = Date.now()
  const { minutes, seed, broken, connections } = options
  console.log(
    connections
      ? `${connections[0]} plain connections and ${connections[1]} of TLS`
      : `${minutes} minutes, --seed ${seed}${broken ? `, broken on purpose: ${broken}` : ''}`,
  )
  const problems = connections ? await churn(connections) : await soak(options)
  const kinds = [...new Set(problems)]
  for (const kind of kinds.slice(0, 20)) console.log(`problem: ${kind}`)
  const seconds = Math.round((Date.now() - began) / 1000)
  console.log(
    problems.length === 0 ? `fine, in ${seconds} s` : `${problems.length} problems, in ${seconds} s`,
  )
  process.exitCode = problems.length === 0 ? 0 : 1
}

main().catch((error) => {
  console.error(`problem: ${error.message}`)
  process.exitCode = 1
})
