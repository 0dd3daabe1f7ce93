'use strict'

// What `npm run load` does, and the fault suite in small (__test__/faults/load): each scenario loads one server process, or several,
// and returns `{ figures, problems }`: what was measured, and what went wrong, in sentences. No problem means that every
// connection was opened, answered with the very bytes that it sent, and closed when it was asked to.

const timers = require('node:timers/promises')

const { makePki } = require('../../__test__/helpers/pki.js')
const { startClients, startServer } = require('./servers.js')

/** Bytes of a message. */
const SIZE = 64
/** Connections that each client begins at the same time, where that is not what is tested. */
const AT_ONCE = 100
/** Seconds without traffic for which the CPU is measured. */
const REST_S = 5

const round = (value, digits = 1) => Number(value.toFixed(digits))

/** Ties processes to one scenario: all of them are gone when `play` has ended, however it ended. */
async function withProcesses(play) {
  const started = []
  const keep = (process) => {
    started.push(process)
    return process
  }
  try {
    return await play({
      server: async (options) => keep(await startServer(options)),
      clients: (...args) => keep(startClients(...args)),
    })
  } finally {
    await Promise.all(started.map((process) => process.stop()))
  }
}

/** Gathers what went wrong. */
class Problems {
  list = []

  /** Of what clients answered. `opened` and `messages`, where given, are how many there have to be. */
  clients(what, answer, { opened, messages } = {}) {
    for (const name of ['failed', 'lost', 'wrong', 'unheard']) {
      if (answer[name] !== 0) this.list.push(`${what}: ${answer[name]} ${name} (${answer.error})`)
    }
    for (const [name, wanted] of Object.entries({ opened, messages })) {
      if (wanted !== undefined && answer[name] !== wanted) {
        this.list.push(`${what}: ${answer[name]} ${name}, not ${wanted}`)
      }
    }
  }

  /** Of what a server reported. */
  server(what, { errors, reasons }) {
    if (errors !== 0) this.list.push(`${what}: ${errors} errors at the server: ${JSON.stringify(reasons)}`)
  }

  most(what, value, limit) {
    if (value > limit) this.list.push(`${what}: ${round(value)}, more than ${limit}`)
  }
}

/** Until servers have accepted all of `count`, which is a little later than their clients have connected; or for a minute. */
async function accepted(servers, count) {
  const until = performance.now() + 60_000
  for (;;) {
    const reports = await Promise.all(servers.map((server) => server.ask('report')))
    const open = reports.reduce((sum, report) => sum + report.open, 0)
    if (open >= count || performance.now() > until) return { reports, open }
    await timers.setTimeout(50)
  }
}

/** What each of `count` connections takes of the servers' memory. */
function memory(before, after, count) {
  const grown = (name) =>
    after.reduce((sum, report) => sum + report[name], 0) -
    before.reduce((sum, report) => sum + report[name], 0)
  return {
    'resident memory per connection (KiB)': round(grown('residentKb') / count, 2),
    'of that JavaScript heap (KiB)': round(grown('heapKb') / count, 2),
  }
}

function latency({ p50, p99, p999, max }) {
  return {
    'round trip p50 (ms)': round(p50, 2),
    'round trip p99 (ms)': round(p99, 2),
    'round trip p99.9 (ms)': round(p999, 2),
    'round trip longest (ms)': round(max, 2),
  }
}

/** Closes servers, and checks that both sides have seen every end and nothing is left. */
async function end(servers, clients, before, problems) {
  const closing = Promise.all(servers.map((server) => server.ask('close')))
  const ended = await Promise.all(clients.map((each) => each.ask('ended 60')))
  for (const each of ended) problems.clients('end', each)
  const slowest = Math.max(...(await closing).map(({ ms }) => ms))
  // Processes share the cores.
  problems.most('ms until all close events have fired', slowest, 5000 * servers.length)
  await Promise.all(clients.map((each) => each.ask('close fin')))
  for (const [index, server] of servers.entries()) {
    const wanted = before[index].descriptors
    let report
    const until = performance.now() + 10_000
    do {
      report = await server.ask('report')
      if (report.descriptors > wanted) await timers.setTimeout(50)
    } while (report.descriptors > wanted && performance.now() < until)
    problems.server('end', report)
    problems.most('descriptors at the end, beside the first ones', report.descriptors - wanted, 0)
    problems.most('sockets that never closed', report.accepted - report.closed, 0)
  }
  return round(slowest)
}

/**
 * `idle` connections that do nothing, and `busy` ones that send `rate` messages a second each, for `seconds`, to `servers` processes
 * that share one port. At last every connection has to answer.
 */
function hold({ idle, busy, seconds, rate = 10, tls = false, servers: number = 1, restSeconds = REST_S }) {
  return withProcesses(async (start) => {
    const problems = new Problems()
    const { ca, cert, key } = tls ? makePki() : {}
    const options = { backlog: 1024, reusePort: number > 1, cert, key }
    const first = await start.server(options)
    const servers = [first]
    while (servers.length < number) servers.push(await start.server({ ...options, port: first.port }))
    const before = await Promise.all(servers.map((server) => server.ask('report')))

    const count = idle + busy
    const [idlers, workers] = [idle, busy].map((share) => start.clients(first.port, share, { ca }))
    const clients = [idlers, workers]
    const opened = await Promise.all(clients.map((each) => each.ask((share) => `open ${share} ${AT_ONCE}`)))
    problems.clients('open', opened[0], { opened: idle })
    problems.clients('open', opened[1], { opened: busy })
    const { reports: full, open } = await accepted(servers, count)
    if (open !== count) problems.list.push(`${open} of ${count} accepted`)

    await Promise.all(servers.map((server) => server.ask('reset', { watch: false })))
    await timers.setTimeout(restSeconds * 1000)
    const rest = await Promise.all(servers.map((server) => server.ask('report')))
    await Promise.all(servers.map((server) => server.ask('reset')))

    const work = await workers.ask((share) => `busy ${share} ${rate} ${seconds} ${SIZE}`)
    problems.clients('busy', work)
    const worked = await Promise.all(servers.map((server) => server.ask('report')))
    for (const report of worked) problems.server('busy', report)

    const calls = await Promise.all(clients.map((each) => each.ask(`call ${SIZE}`)))
    problems.clients('call of every idle connection', calls[0], { messages: idle })
    problems.clients('call of every busy connection', calls[1], { messages: busy })
    const closed = await end(servers, clients, before, problems)

    const most = (name, reports) => Math.max(...reports.map((report) => report[name]))
    return {
      problems: problems.list,
      figures: {
        connections: count,
        'server processes': number,
        ...(number > 1 && { 'connections of each': full.map((report) => report.open).join(', ') }),
        'client processes': idlers.number + workers.number,
        'seconds to open all': round(Math.max(...opened.map(({ ms }) => ms)) / 1000),
        ...memory(before, full, count),
        'CPU while all are idle (%)': round(most('cpuPercent', rest), 2),
        'seconds of traffic': seconds,
        'messages and echoes': work.messages,
        ...latency(work),
        'CPU during traffic (%)': round(most('cpuPercent', worked)),
        'longest turn of the loop (ms)': round(most('gapMs', worked)),
        'growth during traffic (KiB per connection)': memory(full, worked, count)[
          'resident memory per connection (KiB)'
        ],
        'every connection answers, after (ms)': round(Math.max(...calls.map(({ ms }) => ms))),
        'all closed after (ms)': closed,
        errors: problems.list.length,
      },
    }
  })
}

/**
 * `connections` that come at the same instant, where the system holds `backlog` of them until they are accepted. Each sends something, and
 * has to be answered. Before that, not all are accepted: where the backlog overflows Linux uses SYN cookies, and so forgets connections
 * that their clients take for open, until they send something.
 */
function storm({ connections, backlog }) {
  return withProcesses(async (start) => {
    const problems = new Problems()
    const server = await start.server({ backlog })
    const before = [await server.ask('report')]
    const clients = start.clients(server.port, connections)
    await server.ask('reset', {})
    const opened = await clients.ask((share) => `open ${share} ${share}`)
    problems.clients('storm', opened, { opened: connections })
    const { accepted: early, gapMs } = await server.ask('counts')
    const called = await clients.ask(`call ${SIZE}`)
    problems.clients('call of every connection', called, { messages: connections })
    const { open } = await accepted([server], connections)
    if (open !== connections) problems.list.push(`${open} of ${connections} accepted`)
    const closed = await end([server], [clients], before, problems)
    return {
      problems: problems.list,
      figures: {
        connections,
        backlog,
        'all open for their clients after (ms)': round(opened.ms),
        'opening p50 (ms)': round(opened.p50),
        'opening p99 (ms)': round(opened.p99),
        'accepted before they sent anything': early,
        'all answered after (ms)': round(called.ms),
        'longest turn of the loop (ms)': round(gapMs),
        'all closed after (ms)': closed,
        errors: problems.list.length,
      },
    }
  })
}

/** `rate` new connections a second, which the client ends in turn by FIN and by RST, for `seconds`; memory at each quarter. */
function churn({ rate, seconds }) {
  return withProcesses(async (start) => {
    const problems = new Problems()
    const server = await start.server()
    const clients = start.clients(server.port, 1)
    const memories = []
    const answers = []
    let before
    for (let quarter = 0; quarter < 4; quarter++) {
      const churned = await clients.ask(`churn ${rate} ${seconds / 4} ${SIZE}`)
      problems.clients('churn', churned, { messages: churned.opened })
      if (churned.late > 0) problems.list.push(`${churned.late} connections had no place`)
      answers.push(churned)
      const { open, descriptors, residentKb } = await server.ask('report')
      before ??= { open, descriptors }
      memories.push(round(residentKb / 1024))
    }
    const opened = answers.reduce((sum, answer) => sum + answer.opened, 0)
    const until = performance.now() + 10_000
    let report
    do report = await server.ask('report')
    while (report.open > 0 && performance.now() < until)
    problems.most('sockets left', report.open, 0)
    problems.most('descriptors left', report.descriptors - before.descriptors, 0)
    // RST is an error to whoever had the connection; nothing else may be one.
    for (const reason of Object.keys(report.reasons)) {
      if (!/reset/i.test(reason)) problems.list.push(`error at the server: ${reason}`)
    }
    problems.most('growth after the first quarter (MiB)', memories[3] - memories[0], 8)
    return {
      problems: problems.list,
      figures: {
        connections: opened,
        'ended by RST, and told so': report.errors,
        'resident memory at each quarter (MiB)': memories.join(', '),
        'opening and round trip p50 (ms)': round(Math.max(...answers.map(({ p50 }) => p50)), 2),
        'opening and round trip p99 (ms)': round(Math.max(...answers.map(({ p99 }) => p99)), 2),
        errors: problems.list.length,
      },
    }
  })
}

/** A message of `size` bytes to each of `connections`, each second, `seconds` times; nearly all of them within `most` milliseconds. */
function broadcast({ connections, seconds, size = 1024, most = 1000 }) {
  return withProcesses(async (start) => {
    const problems = new Problems()
    const server = await start.server({ backlog: 1024 })
    const before = [await server.ask('report')]
    const clients = start.clients(server.port, connections)
    problems.clients('open', await clients.ask((share) => `open ${share} ${AT_ONCE}`), {
      opened: connections,
    })
    const {
      reports: [open],
    } = await accepted([server], connections)
    const hearing = clients.ask(`hear ${seconds} ${size}`)
    const { full } = await server.ask('broadcast', { count: seconds, size, every: 1000 })
    const heard = await hearing
    problems.clients('hear', heard, { messages: connections * seconds })
    problems.most('p99 (ms)', heard.p99, most)
    const after = await server.ask('report')
    problems.server('broadcast', after)
    const growth = (after.residentKb - open.residentKb) / 1024
    problems.most('growth (MiB)', growth, 16)
    const closed = await end([server], [clients], before, problems)
    return {
      problems: problems.list,
      figures: {
        connections,
        messages: heard.messages,
        'from send to the client p50 (ms)': round(heard.p50),
        'from send to the client p99 (ms)': round(heard.p99),
        'longest (ms)': round(heard.max),
        'growth of memory (MiB)': round(growth),
        'sends that were answered with false': full,
        'all closed after (ms)': closed,
        errors: problems.list.length,
      },
    }
  })
}

/**
 * More connections than the server may have descriptors: those wait in the backlog, for seconds in which the server does nearly nothing,
 * and are served when others have gone.
 */
function exhaust({ descriptors }) {
  return withProcesses(async (start) => {
    const problems = new Problems()
    const [leaving, staying] = [300, descriptors - 200]
    const server = await start.server({ descriptors, backlog: 1024 })
    const before = [await server.ask('report')]
    const [leavers, stayers] = [leaving, staying].map((count) => start.clients(server.port, count))
    for (const [clients, count] of [
      [leavers, leaving],
      [stayers, staying],
    ]) {
      problems.clients('open', await clients.ask((share) => `open ${share} ${AT_ONCE}`), { opened: count })
    }
    await timers.setTimeout(1000)
    await server.ask('reset', { watch: false })
    await timers.setTimeout(REST_S * 1000)
    // A report needs a descriptor or two, of which there are none.
    const { cpuPercent, accepted: served } = await server.ask('counts')
    problems.most('CPU while there are no descriptors (%)', cpuPercent, 5)
    if (served >= leaving + staying) problems.list.push(`${served} served with ${descriptors} descriptors`)
    await leavers.ask('close fin')
    const called = await stayers.ask(`call ${SIZE}`)
    problems.clients('call of those that waited', called, { messages: staying })
    const closed = await end([server], [stayers], before, problems)
    return {
      problems: problems.list,
      figures: {
        descriptors,
        connections: leaving + staying,
        'served before any had gone': served,
        'CPU while the others wait (%)': round(cpuPercent, 2),
        'all answer after (ms)': round(called.ms),
        'all closed after (ms)': closed,
        errors: problems.list.length,
      },
    }
  })
}

module.exports = { broadcast, churn, exhaust, hold, storm }
