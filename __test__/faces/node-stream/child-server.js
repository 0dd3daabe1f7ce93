'use strict'

// An echo server in a process of its own, which a test can kill.

const { spawn } = require('node:child_process')
const { once } = require('node:events')

const SCRIPT = `
  const server = require('node:net').createServer((socket) => socket.pipe(socket))
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

/** `{ port, kill() }` of one that ends with the test. */
async function serverIn(t) {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => child.kill('SIGKILL')
  t.teardown(kill)
  const [line] = await once(child.stdout, 'data')
  return { port: Number(line), kill }
}

module.exports = { serverIn }
