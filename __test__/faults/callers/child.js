'use strict'

// Runs a script of this directory in a process of its own: what it does to itself (exceptions that nobody catches, exits, built-ins
// that are replaced, memory) must not reach the test, and a crash or a hang is seen from outside only.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

const { makePki } = require('../../helpers/pki.js')

/** Milliseconds after which a child hangs, unless it is known to take longer. */
const MOST_MS = 60_000

/** Runs `script` with `args`, and with `limit` descriptors, if given. Resolves with `{ code, signal, hangs, stdout, stderr }`. */
async function run(script, args = [], { nodeArgs = [], mostMs = MOST_MS, limit = 0 } = {}) {
  const limited = limit > 0 ? ['sh', '-c', 'ulimit -n "$0" && exec "$@"', String(limit)] : []
  const command = [...limited, process.execPath, ...nodeArgs, join(__dirname, script), ...args.map(String)]
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, CALLERS_PKI: JSON.stringify(makePki()) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  let hangs = false
  const timer = setTimeout(() => {
    hangs = true
    child.kill('SIGKILL')
  }, mostMs)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  return { code, signal, hangs, ...output }
}

/** As `run`, for a script that prints one line of JSON and ends well. Resolves with the value. */
async function ask(script, args, options) {
  const { code, signal, hangs, stdout, stderr } = await run(script, args, options)
  if (code !== 0 || signal !== null) {
    const how = hangs ? 'hangs' : `code ${code}, signal ${signal}`
    throw new Error(`${script} ${args}: ${how}\n${stdout.slice(-2000)}${stderr.slice(-4000)}`)
  }
  return JSON.parse(stdout)
}

module.exports = { ask, run }
