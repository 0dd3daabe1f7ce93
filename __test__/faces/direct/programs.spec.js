'use strict'

// Programs on Direct Sockets, each in a process of its own, against real peers.

const { execFile, spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')
const { WebSocket } = require('ws')

const { hasTools, testWhere } = require('../../helpers/needs.js')
const { temporaryDirectory } = require('../../helpers/peers.js')

const run = promisify(execFile)
const EXAMPLES = join(__dirname, '..', '..', '..', 'examples', 'direct')

/** Starts examples/direct/http-server.mjs. Returns where it serves. */
async function httpServer(t) {
  const args = ['--import', 'moz-tcp-socket/direct/register', join(EXAMPLES, 'http-server.mjs')]
  const child = spawn(process.execPath, args, { cwd: __dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  return line.trim()
}

const withCurl = testWhere(test, hasTools('curl'), 'curl')

withCurl('an HTTP server on TCPServerSocket: curl gets, and posts 5 MB, over one connection', async (t) => {
  const url = await httpServer(t)
  const { stdout } = await run('curl', ['-sS', '--max-time', '30', `${url}a`, `${url}b`])
  t.is(stdout, 'You asked for /a\nYou asked for /b\n')
  const directory = temporaryDirectory({ onEnd: (end) => t.teardown(end) })
  const [sent, got] = ['sent', 'got'].map((name) => join(directory, name))
  writeFileSync(sent, randomBytes(5_000_000))
  const options = ['-sS', '--max-time', '30', '-H', 'Expect:', '-w', '%{num_connects} %{http_code}']
  const { stdout: connects } = await run('curl', [...options, '--data-binary', `@${sent}`, '-o', got, url])
  t.is(connects, '1 200')
  t.true(readFileSync(sent).equals(readFileSync(got)))
  const refused = await run('curl', ['-sS', '--max-time', '30', '-X', 'DELETE', '-w', '%{http_code}', url])
  t.is(refused.stdout, '405')
})

withCurl('an HTTP server on TCPServerSocket: fifty curls at once', async (t) => {
  const url = await httpServer(t)
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => run('curl', ['-sS', '--max-time', '30', `${url}${i}`])),
  )
  t.deepEqual(
    answers.map(({ stdout }) => stdout),
    answers.map((_, i) => `You asked for /${i}\n`),
  )
})

test('a WebSocket server on TCPServerSocket echoes messages of ws, small and large', async (t) => {
  const url = await httpServer(t)
  const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false })
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  for (const message of ['text', 'x'.repeat(200), randomBytes(100_000), randomBytes(3_000_000)]) {
    socket.send(message)
    const [echo, isBinary] = await once(socket, 'message')
    t.is(isBinary, typeof message !== 'string')
    t.true(Buffer.from(message).equals(echo))
  }
  socket.ping('are you there')
  t.is(String((await once(socket, 'pong'))[0]), 'are you there')
  socket.close(1000, 'bye')
  t.deepEqual((await once(socket, 'close')).map(String), ['1000', 'bye'])
})
