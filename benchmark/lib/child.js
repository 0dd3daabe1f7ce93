'use strict'

// A process that talks in JSON lines and is bounded in time: it is killed, by its id, when it takes too long.

const { spawn } = require('node:child_process')
const { createInterface } = require('node:readline')

const live = new Set()

class Child {
  /** Starts a command, on the given core where the system can do that. */
  constructor(command, args, { core, env, deadline }) {
    const pinned = core !== undefined && process.platform === 'linux'
    const [file, ...rest] = pinned ? ['taskset', '-c', String(core), command, ...args] : [command, ...args]
    this.name = [command.split('/').pop(), ...args].join(' ').slice(0, 120)
    this.lines = []
    this.waiting = []
    this.errors = ''
    this.process = spawn(file, rest, {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    live.add(this.process)
    this.timer = setTimeout(() => {
      this.errors += `no result after ${deadline / 1000} s`
      this.process.kill('SIGKILL')
    }, deadline)
    this.process.stdin.on('error', () => {})
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.errors = (this.errors + text).slice(-2000)
    })
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line))
      this.wake()
    })
    this.ended = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.errors += error.message
        this.over(resolve)
      })
      this.process.once('close', () => this.over(resolve))
    })
  }

  over(resolve) {
    clearTimeout(this.timer)
    live.delete(this.process)
    this.closed = true
    this.wake()
    resolve()
  }

  wake() {
    for (const check of this.waiting) check()
  }

  /** The first line that has this key. */
  line(key) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.lines.find((line) => key in line)
        if (found) resolve(found)
        else if (this.closed) reject(new Error(`${this.name}: ${this.errors.trim() || 'no result'}`))
      }
      this.waiting.push(check)
      check()
    })
  }

  /** Ends it, kindly at first: the peer reports when its stdin ends. */
  async end() {
    this.process.stdin.end()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 1000)
    await this.ended
    clearTimeout(timer)
  }

  async kill() {
    this.process.kill('SIGKILL')
    await this.ended
  }
}

/** No process outlives the runner. */
function killAll() {
  for (const child of live) child.kill('SIGKILL')
}

module.exports = { Child, killAll }
