'use strict'

// Starts and asks the processes that carry the load: the server (server.js), and the clients that load it (client.c for TCP,
// tls-client.js for TLS). Everything is ended by `stop()`.

const { execFileSync, fork, spawn } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const readline = require('node:readline')

/** Where one process ends: it can have 20 000 descriptors at most where nothing else is set. */
const MOST_FOR_EACH = 18_000

let program
/** Compiles client.c once for each process. Throws where that cannot be done. */
function buildClient() {
  if (program) return program
  if (process.platform !== 'linux') throw new Error('the client of the load test needs Linux (epoll)')
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-load-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  program = join(directory, 'client')
  execFileSync('gcc', ['-O2', '-Wall', '-o', program, join(__dirname, 'client.c')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return program
}

/** A process that failed must be seen where its answer is waited for. */
function whenGone(child, waiting, what) {
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) {
      reject(new Error(`${what} ended: code ${code}, signal ${signal}`))
    }
    waiting.clear()
  })
}

function stop(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', resolve)
    child.kill('SIGKILL')
  })
}

/**
 * Starts server.js, with no more than `descriptors` of those, if given. Resolves with `{ port, pid, ask(command, more), stop() }` when
 * it listens.
 */
function startServer({ descriptors, ...options } = {}) {
  const limited = descriptors
    ? {
        execPath: 'prlimit',
        execArgv: [`--nofile=${descriptors}:${descriptors}`, process.execPath, '--expose-gc'],
      }
    : { execArgv: ['--expose-gc'] }
  const child = fork(join(__dirname, 'server.js'), [JSON.stringify(options)], {
    ...limited,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map()
  whenGone(child, waiting, 'the server')
  let ids = 0
  const answerTo = (id) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  child.on('message', ({ id = 0, ...answer }) => {
    waiting.get(id)?.resolve(answer)
    waiting.delete(id)
  })
  return answerTo(0).then(({ port }) => ({
    port,
    pid: child.pid,
    ask(command, more) {
      const id = ++ids
      child.send({ id, command, ...more })
      return answerTo(id)
    },
    stop: () => stop(child),
  }))
}

/**
 * Starts a client of the server at `port`: `{ ask(command), stop() }`. It answers commands one after another; see client.c for
 * what they are. `source` is the address that it connects from. With `ca` it speaks TLS.
 */
function startClient(port, { source = '127.0.0.1', ca } = {}) {
  const child = ca
    ? spawn(process.execPath, [join(__dirname, 'tls-client.js'), port, source, ca], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
    : spawn(buildClient(), ['127.0.0.1', port, source], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map()
  whenGone(child, waiting, 'a client')
  let [asked, answered] = [0, 0]
  child.stdin.on('error', () => {})
  readline.createInterface(child.stdout).on('line', (line) => {
    const id = ++answered
    waiting.get(id).resolve(JSON.parse(line))
    waiting.delete(id)
  })
  return {
    pid: child.pid,
    ask(command) {
      const id = ++asked
      child.stdin.write(`${command}\n`)
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    },
    stop: () => stop(child),
  }
}

/** What clients counted, together: counts are added, times are those of the slowest. */
function together(answers) {
  const total = { ...answers[0] }
  for (const answer of answers.slice(1)) {
    for (const [name, value] of Object.entries(answer)) {
      if (['ms', 'p50', 'p99', 'p999', 'max'].includes(name)) total[name] = Math.max(total[name], value)
      else if (name === 'error') total.error ||= value
      else total[name] += value
    }
  }
  return total
}

/**
 * As many clients as `connections` need, as one: `ask(command)` asks all of them, where COUNT and RATE in `command` may be given
 * as `(share) => …` of the connections that each has.
 */
function startClients(port, connections, { ca, most = MOST_FOR_EACH } = {}) {
  const number = Math.ceil(connections / most)
  const clients = Array.from({ length: number }, (_, index) => ({
    share: Math.floor(((index + 1) * connections) / number) - Math.floor((index * connections) / number),
    client: startClient(port, { source: `127.0.${index + 1}.1`, ca }),
  }))
  return {
    number,
    pids: clients.map(({ client }) => client.pid),
    async ask(command) {
      const answers = clients.map(({ client, share }) =>
        client.ask(typeof command === 'function' ? command(share) : command),
      )
      return together(await Promise.all(answers))
    },
    stop: () => Promise.all(clients.map(({ client }) => client.stop())),
  }
}

module.exports = { buildClient, startClient, startClients, startServer }
