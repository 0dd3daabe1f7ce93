'use strict'

// `npm run load -- SCENARIO [--NAME NUMBER …]`: a server process with thousands of connections, for minutes, and what that takes:
// memory, latency, errors. Not part of the fault suite, which does the same in small. Linux only, with gcc; the clients are
// processes of their own on several addresses of the loopback. Exits with 1 when anything went wrong.

const { cpus, release } = require('node:os')

const { broadcast, churn, exhaust, hold, storm } = require('./load/scenarios.js')

/** Each scenario with its numbers, which the command line may change. A process can have 20 000 descriptors on many machines. */
const SCENARIOS = {
  hold: [hold, { idle: 17_000, busy: 1000, seconds: 600, rate: 10 }],
  'hold-tls': [
    (numbers) => hold({ ...numbers, tls: true }),
    { idle: 4000, busy: 1000, seconds: 600, rate: 2 },
  ],
  spread: [hold, { idle: 99_000, busy: 1000, seconds: 60, rate: 10, servers: 6 }],
  storm: [storm, { connections: 10_000, backlog: 511 }],
  churn: [churn, { rate: 200, seconds: 300 }],
  exhaust: [exhaust, { descriptors: 18_000 }],
  broadcast: [broadcast, { connections: 10_000, seconds: 60 }],
}

function usage(complaint) {
  console.error(complaint)
  console.error('usage: npm run load -- SCENARIO [--NAME NUMBER …], where SCENARIO is one of')
  for (const [name, [, numbers]] of Object.entries(SCENARIOS)) {
    console.error(
      `  ${name} ${Object.entries(numbers)
        .map(([key, value]) => `--${key} ${value}`)
        .join(' ')}`,
    )
  }
  process.exit(2)
}

function parse([name, ...rest]) {
  if (!Object.hasOwn(SCENARIOS, name ?? '')) usage(name ? `there is no scenario ${name}` : 'which scenario?')
  const [run, defaults] = SCENARIOS[name]
  const numbers = { ...defaults }
  for (let at = 0; at < rest.length; at += 2) {
    const key = rest[at].replace(/^--/, '')
    const value = Number(rest[at + 1])
    if (!Object.hasOwn(defaults, key)) usage(`${name} has no --${key}`)
    if (!Number.isSafeInteger(value) || value < 1)
      usage(`--${key} must be a number of 1 or more, not ${rest[at + 1]}`)
    numbers[key] = value
  }
  return { name, run, numbers }
}

async function main() {
  const { name, run, numbers } = parse(process.argv.slice(2))
  const given = Object.entries(numbers).map(([key, value]) => `--${key} ${value}`)
  console.log(`npm run load -- ${name} ${given.join(' ')}`)
  console.log(
    `Node.js ${process.version}, ${process.platform} ${release()}, ${cpus().length} × ${cpus()[0].model}\n`,
  )
  const { figures, problems } = await run(numbers)
  for (const [what, value] of Object.entries(figures)) console.log(`${what}: ${value}`)
  for (const problem of problems) console.error(`failed: ${problem}`)
  process.exitCode = problems.length > 0 ? 1 : 0
}

main()
