'use strict'

// The command line as a process of its own, which the end of the test ends.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

const bin = join(__dirname, '..', '..', 'bin', 'moz-tcp-socket.js')

/**
 * Runs `moz-tcp-socket ...args`. `input` is written to it, whose end follows unless `keepInput`. Returns the child with `out()` and
 * `err()` (what came so far), `ended` (resolves with `{ status, signal, stdout, stderr }`), and `stderrHas(pattern)`.
 */
function startCli(t, args, { input = '', keepInput = false, env } = {}) {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } })
  const output = { stdout: [], stderr: [] }
  for (const name of ['stdout', 'stderr']) child[name].on('data', (bytes) => output[name].push(bytes))
  // It may end before it has read everything.
  child.stdin.on('error', () => {})
  t.teardown(() => child.kill('SIGKILL'))
  const text = (name) => Buffer.concat(output[name]).toString('latin1')
  const ended = once(child, 'close').then(([status, signal]) => ({
    status,
    signal,
    stdout: Buffer.concat(output.stdout),
    stderr: Buffer.concat(output.stderr).toString(),
  }))
  const has = (name) => (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text(name))
        if (match) resolve(match)
      }
      child[name].on('data', look)
      child.once('close', () =>
        reject(new Error(`no ${pattern} in ${name}: ${text('stdout')}${text('stderr')}`)),
      )
      look()
    })
  if (keepInput) child.stdin.write(input)
  else child.stdin.end(input)
  return Object.assign(child, { ended, stderrHas: has('stderr'), stdoutHas: has('stdout') })
}

module.exports = { startCli }
