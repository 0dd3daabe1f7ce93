'use strict'

// Runs a small script in a process of its own, for what must not happen in the test's process: global objects that
// change, and exceptions that nobody catches.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

const fixtures = path.join(__dirname, '../../fixtures/gecko')

/** Resolves with `{ code, signal, stdout, stderr }` of a script of the fixtures. It is killed if the test ends first. */
async function runScript(t, name, ...args) {
  const child = spawn(process.execPath, [path.join(fixtures, name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8')
    child[stream].on('data', (text) => {
      output[stream] += text
    })
  }
  const [code, signal] = await once(child, 'close')
  return { code, signal, ...output }
}

/** As `runScript`, for a script that prints one JSON value and must end by itself. */
async function resultOf(t, name, ...args) {
  const { code, signal, stdout, stderr } = await runScript(t, name, ...args)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, `${name} ${args}: ${stderr}`)
  return JSON.parse(stdout)
}

module.exports = { runScript, resultOf }
