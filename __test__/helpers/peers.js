'use strict'

// Programs that others wrote, as peers: started for one test on a free port, and ended with it.

const { execFile, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { testWhere } = require('./needs.js')
const { freePort } = require('./sockets.js')

/** Declares `test` for machines where `program` is installed. */
function testWith(test, program, title, implementation) {
  const installed = !spawnSync(program, ['--version'], { stdio: 'ignore' }).error
  testWhere(test, installed, program)(title, implementation)
}

/** A directory that is removed when the test ends. */
function temporaryDirectory(own) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-peer-'))
  own.onEnd(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/**
 * Runs a server that takes its port from us: `command(port)` gives the program and its arguments. Resolves when its
 * output matches `ready`; a group in `ready` is its port. Somebody else may take the port in between, so it tries
 * again. `options` are those of `spawn`. Returns `{ port, child }`.
 */
async function startServer(own, ready, command, options = {}) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const [program, ...args] = command(port)
    const child = spawn(program, args, { ...options, stdio: 'pipe' })
    own.onEnd(() => end(child))
    let output = ''
    const match = await new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (bytes) => {
          output += bytes
          const found = ready.exec(output)
          if (found) resolve(found)
        })
      }
      child.on('close', () => resolve(null))
    })
    if (match) return { port: Number(match[1] ?? port), child }
    if (attempt === 5) throw new Error(`${program} does not run: ${output}`)
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Runs `program` to its end: `{ code, stdout, stderr }`, with `stdout` a Buffer. */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const settings = { encoding: 'buffer', maxBuffer: 1 << 28, timeout: 30_000, ...options }
    execFile(program, args, settings, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr: String(stderr) })
    })
  })
}

module.exports = { run, startServer, temporaryDirectory, testWith }
