'use strict'

// A port of 127.0.0.1 that neither accepts a connection nor refuses one: who connects waits for as long as he likes. Linux.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')

const { attempts } = require('../fixtures/reliability/kernel.js')

/** Listens, says where, and then does nothing any more. */
const SCRIPT = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port) + '\\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`

/** Resolves with `{ port }` when the kernel takes no more connections for it. Ends with the test. */
async function fullListener(own) {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] })
  own.onEnd(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const port = Number(line)
  const fillers = []
  own.onEnd(() => fillers.forEach((filler) => filler.destroy()))
  while (attempts(port) === 0) {
    const filler = net.connect(port, '127.0.0.1').on('error', () => {})
    fillers.push(filler)
    await Promise.race([once(filler, 'connect'), new Promise((resolve) => setTimeout(resolve, 100))])
  }
  // Only the caller's attempts remain to be seen.
  const stuck = fillers.filter((filler) => filler.connecting)
  for (const filler of stuck) filler.destroy()
  while (attempts(port) > 0) await new Promise(setImmediate)
  return { port }
}

module.exports = { fullListener }
