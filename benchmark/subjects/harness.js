'use strict'

// What every subject shares: its orders from the command line, and the meter that decides which part of the run counts
// and what it cost. It knows no sockets, so that it costs every subject the same.

const { readFileSync, writeSync } = require('node:fs')
const { performance } = require('node:perf_hooks')
const process = require('node:process')

/** No measurement takes this long. */
const DEADLINE_MS = 100_000
/** The timer of the delay workload; short, so that a second or two give enough samples. */
const TIMER_MS = 2
/** The idle connections of the first measurement; `peer/src/idle.rs` has the same number. */
const FEW = 100
/** How many connections are under way while a subject opens many. */
const OPENING = 32
/** Small sends: bytes of one, and how many in a turn; `peer/src/limit.rs` has the same. */
const SMALL = 16
const PER_TURN = 100
/** Datagrams that are under way at a time, where that is the application's to choose. */
const DATAGRAMS = 64
/** `/proc` counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100

function say(report) {
  writeSync(1, `${JSON.stringify(report)}\n`)
}

/** CPU seconds of the main thread: exact where the runtime tells, else in hundredths. */
function mainCpu() {
  if (process.threadCpuUsage) {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1e6
  }
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return null // not Linux
  }
}

/** Resident memory in bytes: `VmRSS` now, `VmHWM` at its peak. */
function memory(field) {
  try {
    return (
      Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024
    )
  } catch {
    return field === 'VmRSS' ? process.memoryUsage().rss : process.resourceUsage().maxRSS * 1024
  }
}

function collectGarbage() {
  if (globalThis.Bun) globalThis.Bun.gc(true)
  else globalThis.gc?.()
}

function sample(work) {
  const { user, system } = process.cpuUsage()
  return {
    at: performance.now() / 1000,
    work,
    cpu: (user + system) / 1e6,
    mainCpu: mainCpu(),
    loop: performance.eventLoopUtilization?.(),
  }
}

class Meter {
  constructor(options) {
    this.options = options
    this.work = 0
    this.skip = options.skip || 0
    this.total = options.watch ? options.total : Infinity
    this.started = false
    this.first = null
    this.memory = []
    this.delays = []
  }

  /** Counts work, once the connections that the load needs are there. */
  add(work) {
    if (this.skip > 0) {
      this.skip -= work
      return
    }
    if (!this.started) this.start()
    this.work += work
    if (this.work >= this.total) this.end()
  }

  /** The first work was done. */
  start() {
    this.started = true
    if (this.options.watch) {
      this.begin()
      this.watchDelay()
    } else {
      const { warmup, duration } = this.options
      setTimeout(() => {
        this.begin()
        // From here, because a loop that is busy may fire this timer late.
        setTimeout(() => this.end(), duration)
      }, warmup)
    }
  }

  /** What counts begins. */
  begin() {
    this.first = sample(this.work)
  }

  /** What counts is over: reports, and ends the process. */
  end() {
    const last = sample(this.work)
    const { first } = this
    const elu = performance.eventLoopUtilization
    this.finish({
      work: last.work - first.work,
      wall: last.at - first.at,
      cpu: last.cpu - first.cpu,
      mainCpu: last.mainCpu === null ? null : last.mainCpu - first.mainCpu,
      // Bun and Deno have the function, without figures.
      utilization: globalThis.Bun || globalThis.Deno ? null : elu(last.loop, first.loop).utilization,
      delayP50: quantile(this.delays, 0.5),
      delayP99: quantile(this.delays, 0.99),
    })
  }

  /** Takes how much later than asked a timer fires, in seconds. */
  watchDelay() {
    let due = performance.now() + TIMER_MS
    const fire = () => {
      const now = performance.now()
      this.delays.push(Math.max(0, now - due) / 1000)
      due = now + TIMER_MS
      setTimeout(fire, TIMER_MS)
    }
    setTimeout(fire, TIMER_MS)
  }

  /** An idle connection got one of the orders that `peer/src/idle.rs` describes; echo it when this has returned. */
  order(byte, openOthers) {
    if (byte === 0x6d) {
      collectGarbage()
      this.memory.push(memory('VmRSS'))
    } else if (byte === 0x6f) {
      openOthers?.()
    } else if (byte === 0x71) {
      const [few, all] = this.memory
      setTimeout(() => this.finish({ perConnection: (all - few) / (this.options.connections - FEW) }), 50)
    }
  }

  finish(report) {
    say({ done: true, ...report, peakRss: memory('VmHWM') })
    process.exit(0)
  }
}

function quantile(values, q) {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * q)]
}

let connected = 0

/**
 * The address for the next of many connections: several, so that ports in TIME_WAIT do not run out. The certificate of
 * the neutral program is for one.
 */
function nextHost() {
  if (options.tls) return '127.0.0.1'
  connected += 1
  return `127.0.${process.pid % 200}.${1 + (connected % 16)}`
}

/** Opens connections, a few at a time: `open` takes a function to call when one is there. */
function openMany(count, open) {
  let left = count
  const next = () => {
    if (left === 0) return
    left -= 1
    open(next)
  }
  for (let i = 0; i < OPENING; i += 1) next()
}

/** What the command line asks for. */
const options = JSON.parse(process.argv[2])

/** Runs the role that it names. */
function run(roles) {
  const meter = new Meter(options)
  const deadline = setTimeout(() => process.exit(3), DEADLINE_MS)
  deadline.unref?.()
  roles[options.role](options, meter)
}

module.exports = { DATAGRAMS, FEW, PER_TURN, SMALL, nextHost, openMany, options, run, say }
