'use strict'

// Programs on Direct Sockets, each in a process of its own, against real peers.

const { execFile, execFileSync, spawn, spawnSync } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const dgram = require('node:dgram')
const { once } = require('node:events')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')
const { WebSocket } = require('ws')

const { hasTools, testWhere } = require('../../helpers/needs.js')
const { temporaryDirectory } = require('../../helpers/peers.js')

const run = promisify(execFile)
const EXAMPLES = join(__dirname, '..', '..', '..', 'examples', 'direct')

// Not by its name, which a package for tracing files has in node_modules/.bin.
const NFT = '/usr/sbin/nft'

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

const example = (name) => ['--import', 'moz-tcp-socket/direct/register', join(EXAMPLES, name)]

/** Starts a program of examples/direct, with `wrapper` before it. Returns the process and its first line. */
async function started(t, [name, ...args], { wrapper = [], env } = {}) {
  const [command, ...rest] = [...wrapper, process.execPath, ...example(name), ...args]
  const child = spawn(command, rest, {
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  t.teardown(() => child.kill())
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  return { child, line }
}

/** Runs one to its end. */
function ran([name, ...args], { wrapper = [], env } = {}) {
  const [command, ...rest] = [...wrapper, process.execPath, ...example(name), ...args]
  return run(command, rest, { cwd: __dirname, timeout: 60_000, env: { ...process.env, ...env } })
}

/** A port of loopback that nobody has, for a server that cannot choose one itself. */
async function freePort() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** What it needs of the system, a port or an inotify instance, others may have for a moment. */
const MOST_TRIES = 40

/** Starts dnsmasq, with a zone of its own. Returns its port, which may be taken for TCP when it is free for UDP: then it is another. */
async function dnsmasq(t) {
  for (let tries = 0; ; tries++) {
    const port = await freePort()
    const place = ['--listen-address=127.0.0.1', `--port=${port}`, '--bind-interfaces']
    const silent = ['--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--user=', '--log-facility=-']
    const zone = ['--address=/mail.test/192.0.2.7', '--address=/mail.test/2001:db8::7', '--local=/test/']
    const child = spawn('dnsmasq', ['--no-daemon', ...place, ...silent, ...zone], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => child.kill())
    let log = ''
    const hasStarted = await new Promise((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text) => {
        log += text
        if (log.includes('started')) resolve(true)
      })
      child.on('close', () => resolve(false))
    })
    if (hasStarted) return port
    if (tries === MOST_TRIES) throw new Error(`dnsmasq does not start: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

testWhere(
  test,
  hasTools('dnsmasq'),
  'dnsmasq (dnsmasq-base)',
)('a resolver on UDPSocket asks dnsmasq for addresses of both families', async (t) => {
  const port = await dnsmasq(t)
  const resolve = (...args) => ran(['resolve.mjs', '127.0.0.1', String(port), ...args])
  t.is((await resolve('mail.test')).stdout, '192.0.2.7\n')
  t.is((await resolve('mail.test', 'AAAA')).stdout, '2001:db8:0:0:0:0:0:7\n')
  const { code, stderr } = await resolve('none.test').catch((error) => error)
  t.is(code, 1)
  t.is(stderr, 'error 3\n')
})

test('a resolver on UDPSocket says so when nobody is there', async (t) => {
  const { code, stderr } = await ran([
    'resolve.mjs',
    '127.0.0.1',
    String(await freePort()),
    'mail.test',
  ]).catch((error) => error)
  t.is(code, 1)
  t.regex(stderr, /ECONNREFUSED|Connection refused|no answer/)
})

test('multicast DNS between two processes over 224.0.0.251: one offers a service, and the other finds it', async (t) => {
  const env = { MDNS_PORT: String(await freePort()) }
  const offers = await started(t, ['mdns.mjs', 'offer', '_http._tcp.local', 'mine'], { env })
  t.is(offers.line, 'offered\n')
  const { stdout } = await ran(['mdns.mjs', 'find', '_http._tcp.local'], { env })
  t.is(stdout, 'mine._http._tcp.local\n')
})

testWhere(
  test,
  process.platform === 'linux' && process.getuid() === 0 && hasTools('ip') && existsSync(NFT),
  'Linux, root, iproute2 and nftables',
)(
  'a file goes to two members of a group in other network namespaces, though one datagram in ten is lost',
  async (t) => {
    const own = { onEnd: (end) => t.teardown(end) }
    const [sender, ...receivers] = network(own, 3)
    const directory = temporaryDirectory(own)
    const file = join(directory, 'file')
    writeFileSync(file, randomBytes(1_000_003))
    const place = ['239.7.7.7', '7777']
    const copies = []
    for (const [i, wrapper] of receivers.entries()) {
      const copy = join(directory, `copy-${i}`)
      const { child, line } = await started(t, ['multicast-file.mjs', 'receive', ...place, copy], { wrapper })
      t.is(line, 'joined\n')
      copies.push({ copy, ended: once(child, 'exit') })
    }
    await ran(['multicast-file.mjs', 'send', ...place, file], { wrapper: sender })
    for (const { copy, ended } of copies) {
      t.deepEqual(await ended, [0, null])
      t.true(readFileSync(copy).equals(readFileSync(file)))
    }
  },
)

/** Drops one datagram in ten that arrives. */
const LOSS = `
  table inet loss {
    chain in {
      type filter hook input priority 0;
      meta l4proto udp numgen random mod 10 == 0 drop
    }
  }`

/** `count` network namespaces on one bridge, each of which loses a tenth of the datagrams that arrive. Returns what runs a command in each. */
function network(own, count) {
  const ip = (...args) => execFileSync('ip', args)
  const prefix = `moz-ds-${process.pid}`
  const hub = `${prefix}-hub`
  const names = [hub]
  own.onEnd(() => names.forEach((name) => spawnSync('ip', ['netns', 'del', name])))
  ip('netns', 'add', hub)
  ip('-n', hub, 'link', 'add', 'name', 'bridge0', 'type', 'bridge', 'mcast_snooping', '0')
  ip('-n', hub, 'link', 'set', 'bridge0', 'up')
  return Array.from({ length: count }, (_, i) => {
    const name = `${prefix}-${i}`
    names.push(name)
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'add', 'name', 'eth', 'type', 'veth', 'peer', 'name', `p${i}`, 'netns', hub)
    ip('-n', hub, 'link', 'set', `p${i}`, 'master', 'bridge0', 'up')
    ip('-n', name, 'addr', 'add', `10.77.0.${i + 1}/24`, 'dev', 'eth')
    ip('-n', name, 'link', 'set', 'eth', 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'route', 'add', '224.0.0.0/4', 'dev', 'eth')
    execFileSync('ip', ['netns', 'exec', name, NFT, '-f', '-'], { input: LOSS })
    return ['ip', 'netns', 'exec', name]
  })
}
