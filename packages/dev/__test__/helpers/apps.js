'use strict'

// Apps that a test makes, and what runs them: runApp, and the command.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const { runApp } = require('../../index.js')
const { echo } = require('./peers.js')

const bin = join(__dirname, '..', '..', 'bin', 'moz-tcp-socket.js')

const MANIFEST = {
  name: 'Echo',
  launch_path: '/index.html',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'to echo' }, systemXHR: { description: 'to ask others' } },
}

/** A folder that is gone when the test is over. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-run-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An app with these files. */
function makeApp(t, files, manifest = MANIFEST) {
  const root = join(folder(t), 'app')
  const all = { 'manifest.webapp': JSON.stringify(manifest), ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

const page = (script) => `<!DOCTYPE html><title>waiting</title><script>${script}</script>`

/** Runs the app until the test is over. What goes wrong in it is in `errors`, what it prints in `printed`. */
async function start(t, path, options = {}) {
  const [errors, printed] = [[], []]
  const app = await runApp(path, {
    onError: (error) => errors.push(error),
    onConsole: (method, args) => printed.push(args.join(' ')),
    ...options,
  })
  t.teardown(() => app.close())
  return { ...app, errors, printed }
}

/** Resolves when `window.result` is there, with a copy of it. */
async function resultOf({ window, errors }) {
  for (const until = Date.now() + 20_000; Date.now() < until;) {
    if (window.result !== undefined) return JSON.parse(JSON.stringify(window.result))
    if (errors?.length > 0) throw errors[0]
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('no result')
}

/** Runs the command. Resolves with what it printed when `until` is part of that, or it has ended. */
function command(t, args, until) {
  const child = spawn(process.execPath, [bin, 'run', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  const ended = once(child, 'close')
  const seen = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        if (output.includes(until)) resolve()
      })
    }
  })
  return { child, ended, seen, output: () => output }
}

/** Whether the port is free again. Rejects where it is not. */
async function listenAgain(port) {
  const server = net.createServer()
  await once(server.listen(Number(port), '127.0.0.1'), 'listening')
  await new Promise((resolve) => server.close(resolve))
}

module.exports = { MANIFEST, command, echo, folder, listenAgain, makeApp, page, resultOf, start }
