'use strict'

// Programs as the drafts have them, each in a process of its own, with one another and with programs that are not ours.

const { execFile, spawn } = require('node:child_process')
const dgram = require('node:dgram')
const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { hasTools, testWhere } = require('../../helpers/needs.js')

const run = promisify(execFile)
const REGISTER = ['--import', 'moz-tcp-socket/w3c/register']
const program = (name) => join(__dirname, 'programs', `${name}.js`)

/** A port that nobody uses. */
async function freePort() {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** The echo server, listening: its port, and a function that has it close, and returns what it printed. */
async function startServer(t) {
  const port = await freePort()
  const server = spawn(process.execPath, [...REGISTER, program('echo-server'), String(port)], {
    cwd: __dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => server.kill())
  let output = ''
  server.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  while (!output.includes('listening')) await once(server.stdout, 'data')
  const stop = async () => {
    server.stdin.end()
    await once(server, 'close')
    return output
  }
  return { port, stop }
}

const CLIENT = 'connected\nsent\nreceived: Hello World\nclosed\n'

test('an echo client and an echo server of the draft', async (t) => {
  const { port, stop } = await startServer(t)
  const args = [...REGISTER, program('echo-client'), String(port)]
  const { stdout, stderr } = await run(process.execPath, args, { cwd: __dirname, timeout: 30_000 })
  t.is(stdout, CLIENT)
  t.is(stderr, '')
  t.is(
    await stop(),
    'listening\n11 bytes from 127.0.0.1\nconnection closed\nno more connections: AbortError\n',
  )
})

testWhere(
  test,
  hasTools('curl'),
  'curl',
)('an echo server of the draft, and curl', async (t) => {
  const { port, stop } = await startServer(t)
  // curl sends a request, and takes what comes back for the answer of a server of HTTP 0.9.
  const url = `http://127.0.0.1:${port}/path`
  const { stdout } = await run('curl', [
    '--http0.9',
    '--silent',
    '--max-time',
    '2',
    '--data',
    'body',
    url,
  ]).catch((error) => error)
  t.regex(stdout, /^POST \/path HTTP\/1\.1\r\n/)
  t.true(stdout.endsWith('\r\n\r\nbody'))
  t.regex(await stop(), /connection closed/)
})

test('a search by SSDP of the draft of 2013, with a device that is not ours', async (t) => {
  const device = dgram.createSocket({ type: 'udp4', reuseAddr: true })
  t.teardown(() => device.close())
  device.bind(0)
  await once(device, 'listening')
  device.addMembership('239.255.255.250')
  device.on('message', (data, { port, address }) => {
    if (String(data).startsWith('M-SEARCH * HTTP/1.1\r\nST: upnp:rootdevice\r\n')) {
      device.send('HTTP/1.1 200 OK', port, address)
    }
  })
  const { port } = device.address()
  const { stdout } = await run(process.execPath, [program('search'), String(port)], { timeout: 30_000 })
  t.is(stdout, `sent\nHTTP/1.1 200 OK from port ${port}\n`)
})
