'use strict'

// Starts agents (agent.js) on hosts, or on this machine, and talks to them. What the kernel knows of one, its descriptors and its
// memory, is looked at from outside.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync, readdirSync, readlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { deferred } = require('../../helpers/sockets.js')

/** Milliseconds in which an agent has to do what takes no time, on a busy machine. */
const SOON_MS = 20_000

class Agent {
  #child
  #asked = new Map()
  #next = 0
  /** `{ code, signal }` once it is gone. */
  exit = undefined

  constructor(child) {
    this.#child = child
    this.pid = child.pid
    this.stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text))
    child.on('message', ({ id, result, failure }) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (failure) asked?.reject(new Error(failure))
      else asked?.resolve(result)
    })
    // Not 'close', which does not come when it was we who disconnected.
    const gone = Promise.all([once(child, 'exit'), once(child.stderr, 'close')])
    this.gone = gone.then(([[code, signal]]) => {
      this.exit = { code, signal }
      const crash = new Error(`the agent is gone: ${code ?? signal}\n${this.stderr}`)
      for (const { reject } of this.#asked.values()) reject(crash)
    })
    this.ready = this.#expect('ready')
  }

  #expect(id) {
    const answer = deferred()
    this.#asked.set(id, answer)
    // Nobody may be waiting for it any more when the agent goes.
    answer.promise.catch(() => {})
    return answer.promise
  }

  /** Gives one of the orders of agent.js. */
  ask(order, ...args) {
    const id = this.#next++
    const answer = this.#expect(id)
    this.#child.send({ id, order, args }, (error) => error && this.#asked.get(id)?.reject(error))
    return answer
  }

  /** What its descriptors lead to. */
  descriptors() {
    const folder = `/proc/${this.pid}/fd`
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`).replace(/\[\d+\]/, '')]
      } catch {
        return [] // Closed meanwhile.
      }
    })
  }

  /** How many of them are sockets. Besides those of TCP there are some for talking to us. */
  sockets() {
    return this.descriptors().filter((what) => what.startsWith('socket')).length
  }

  /** Resolves with how many descriptors, or only sockets, it has above `most`, once there are none, or after a while. */
  async above(most, what = 'descriptors') {
    const until = performance.now() + SOON_MS
    for (;;) {
      const now = what === 'sockets' ? this.sockets() : this.descriptors().length
      if (now <= most || performance.now() > until) return Math.max(0, now - most)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** KiB of memory that it has at most had since `forgetPeak()`, and has now. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1')
    const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1])
    return { peak: kilobytes('VmHWM'), now: kilobytes('VmRSS') }
  }

  forgetPeak() {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5')
  }

  signal(name) {
    this.#child.kill(name)
  }

  async kill() {
    this.signal('SIGKILL')
    await this.gone
  }

  /** Leaves it alone, upon which it has to end by itself. Resolves with how it ended, or `undefined` if it did not. */
  async leave(most = SOON_MS) {
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.signal('SIGKILL'), most)
    await this.gone
    clearTimeout(timer)
    return this.exit.signal === 'SIGKILL' ? undefined : this.exit
  }
}

/** Starts an agent on `host`, or on this machine. `own` ends it. */
async function startAgent(own, host, { env = {}, wrapper = [], nodeArgs = [] } = {}) {
  const [program, ...args] = [
    ...(host?.wrapper ?? []),
    ...wrapper,
    process.execPath,
    '--expose-gc',
    ...nodeArgs,
    join(__dirname, 'agent.js'),
  ]
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const agent = new Agent(child)
  own.onEnd(async () => {
    if (!agent.exit) await agent.kill()
  })
  await agent.ready
  return agent
}

module.exports = { startAgent }
