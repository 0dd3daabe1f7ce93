'use strict'

// As client.c, over TLS by node:tls: `tls-client.js PORT SOURCE CA`. It knows the commands that TLS is loaded with, and answers
// them in the same words.
//
// open COUNT ATONCE · busy COUNT RATE SECONDS SIZE · call SIZE · close fin|rst · ended SECONDS

const { createHistogram } = require('node:perf_hooks')
const readline = require('node:readline')
const timers = require('node:timers/promises')
const tls = require('node:tls')

const [port, localAddress, ca] = process.argv.slice(2)
const PATIENCE_MS = 60_000

const secureContext = tls.createSecureContext({ ca })
const connections = []
let sum
let latencies
let onSettled = () => {}

function begin() {
  sum = {
    opened: 0,
    failed: 0,
    lost: 0,
    wrong: 0,
    unheard: 0,
    messages: 0,
    late: 0,
    ended: 0,
    reset: 0,
    error: '',
  }
  latencies = createHistogram({ lowest: 1, highest: 3.6e12, figures: 3 })
}

const nanoseconds = (since) => Math.max(1, Math.round((performance.now() - since) * 1e6))

function answer(started) {
  const ms = (value) => (latencies.count === 0 ? 0 : value / 1e6)
  return {
    open: connections.filter(({ state }) => state === 'open').length,
    ...sum,
    ms: performance.now() - started,
    p50: ms(latencies.percentile(50)),
    p99: ms(latencies.percentile(99)),
    p999: ms(latencies.percentile(99.9)),
    max: ms(latencies.max),
  }
}

/** Milliseconds for what should take moments: a peer that does nothing must not make the client wait for ever. */
function within(promise, milliseconds = PATIENCE_MS) {
  const abort = new AbortController()
  const late = timers.setTimeout(milliseconds, undefined, { signal: abort.signal }).catch(() => {})
  return Promise.race([promise, late]).finally(() => abort.abort())
}

class Connection {
  state = 'connecting'
  sequence = 0
  /** What it waits for, and how much of that has come. */
  expected = null
  arrived = 0
  since = 0
  /** When its next message was due, which waits for the last one's echo. */
  due = null

  constructor(number) {
    this.number = number
    this.begun = performance.now()
    this.opening = new Promise((resolve) => {
      this.settle = resolve
    })
    this.socket = tls.connect({
      host: '127.0.0.1',
      port,
      localAddress,
      secureContext,
      servername: 'localhost',
    })
    this.socket.setNoDelay(true)
    this.socket
      .on('secureConnect', () => this.#opened())
      .on('data', (bytes) => this.#take(bytes))
      .on('end', () => {
        sum.ended++
        this.lose('')
      })
      .on('error', ({ code, message }) => {
        if (code === 'ECONNRESET') sum.reset++
        this.lose(code ?? message)
      })
  }

  #opened() {
    this.state = 'open'
    sum.opened++
    latencies.record(nanoseconds(this.begun))
    this.settle()
  }

  say(size, since = performance.now()) {
    const first = this.number * 31 + ++this.sequence * 7
    this.expected = Buffer.allocUnsafe(size)
    for (let at = 0; at < size; at++) this.expected[at] = first + at * 13
    this.arrived = 0
    this.since = since
    this.socket.write(this.expected)
  }

  #take(bytes) {
    for (let at = 0; at < bytes.length;) {
      if (this.expected === null) {
        sum.wrong += bytes.length - at
        return
      }
      const some = Math.min(bytes.length - at, this.expected.length - this.arrived)
      const [got, wanted] = [
        bytes.subarray(at, at + some),
        this.expected.subarray(this.arrived, this.arrived + some),
      ]
      if (!got.equals(wanted)) for (let i = 0; i < some; i++) if (got[i] !== wanted[i]) sum.wrong++
      at += some
      this.arrived += some
      if (this.arrived < this.expected.length) continue
      const { length } = this.expected
      this.expected = null
      sum.messages++
      latencies.record(nanoseconds(this.since))
      if (this.due !== null) {
        this.say(length, this.due)
        this.due = null
      } else onSettled()
    }
  }

  lose(error) {
    if (this.state === 'gone') return
    sum.error ||= error
    if (this.state === 'connecting') sum.failed++
    else sum.lost++
    this.drop()
    this.settle()
  }

  drop() {
    this.state = 'gone'
    this.expected = this.due = null
    this.socket.destroy()
    onSettled()
  }
}

const isOpen = ({ state }) => state === 'open'
const isWaiting = ({ expected }) => expected !== null

/** Until nobody waits for an echo any more. */
async function settle() {
  const settled = new Promise((resolve) => {
    onSettled = () => !connections.some(isWaiting) && resolve()
    onSettled()
  })
  await within(settled)
  onSettled = () => {}
  sum.unheard = connections.filter(isWaiting).length
}

const commands = {
  async open(count, atOnce) {
    let left = count
    const lane = async () => {
      while (left-- > 0) {
        const connection = new Connection(connections.length)
        connections.push(connection)
        await within(connection.opening)
        if (connection.state === 'connecting') connection.lose('ETIMEDOUT')
      }
    }
    await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lane))
  },

  async busy(count, rate, seconds, size) {
    const some = connections.slice(0, count)
    const started = performance.now()
    const between = 1000 / (rate * some.length)
    for (let number = 0; number * between < seconds * 1000; number++) {
      const at = started + number * between
      if (at > performance.now()) await timers.setTimeout(at - performance.now())
      else if (number % 16 === 0) await timers.setImmediate()
      const connection = some[number % some.length]
      if (!isOpen(connection)) continue
      if (connection.expected === null) connection.say(size)
      else if (connection.due === null) {
        connection.due = at
        sum.late++
      }
    }
    for (const connection of some) connection.due = null
    await settle()
  },

  async call(size) {
    for (const connection of connections.filter(isOpen)) connection.say(size)
    await settle()
  },

  async ended(seconds) {
    const until = performance.now() + seconds * 1000
    while (connections.some(isOpen) && performance.now() < until) await timers.setTimeout(20)
    sum.unheard = connections.filter(isOpen).length
    sum.lost -= sum.ended
  },

  async close(how) {
    for (const { socket, state } of connections) {
      if (state === 'gone') continue
      if (how === 'rst') socket.destroy()
      else socket.end()
    }
    for (const connection of connections) connection.state = 'gone'
    connections.length = 0
  },
}

async function main() {
  const lines = readline.createInterface(process.stdin)
  // Who started this one is gone, maybe in the middle of a command that takes minutes.
  lines.on('close', () => process.exit())
  for await (const line of lines) {
    const [name, ...args] = line.split(' ')
    begin()
    const started = performance.now()
    await commands[name](...args.map((arg) => (name === 'close' ? arg : Number(arg))))
    console.log(JSON.stringify(answer(started)))
  }
}

main()
