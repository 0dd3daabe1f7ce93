'use strict'

// `connect` and `listen` as processes, against servers of node:net and node:tls and against each other.

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const tls = require('node:tls')

const test = require('ava')

const { startServer, testWith } = require('../../../../__test__/helpers/peers.js')
const { makePki } = require('../../../../__test__/helpers/pki.js')
const { startCli } = require('../helpers/cli.js')

const HOST = '127.0.0.1'
const pki = makePki()
const files = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-netcat-'))
for (const name of ['ca', 'cert', 'key']) writeFileSync(join(files, name), pki[name])
test.after.always(() => rmSync(files, { recursive: true, force: true }))
const file = (name) => join(files, name)

/** A server of `create` on a free port, which ends with the test: its port. */
async function serve(t, onConnection, create = net.createServer, options = {}) {
  const sockets = new Set()
  const server = create(options, onConnection)
  server.on(create === tls.createServer ? 'secureConnection' : 'connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  server.listen(0, HOST)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await once(server, 'listening')
  return server.address().port
}

/** Says `text`, or the name it was asked for, and ends. Node sends no close_notify when it ends before it has read something. */
const answer = (text) => (socket) => socket.once('data', () => socket.end(text ?? socket.servername))

/** A process that listens: `[child, port]`. */
async function listen(t, args, options) {
  const child = startCli(t, ['listen', '0', ...args], options)
  const [, port] = await child.stderrHas(/listening at .*:(\d+)\n/)
  return [child, port]
}

test.serial('connect sends its input, and prints what the server says until that ends', async (t) => {
  const port = await serve(t, (socket) => {
    socket.once('data', (bytes) => socket.end(`got ${bytes}`))
  })
  const { status, stdout, stderr } = await startCli(t, ['connect', HOST, port], { input: 'hello' }).ended
  t.is(stderr, '')
  t.is(String(stdout), 'got hello')
  t.is(status, 0)
})

test.serial('the end of the input alone closes nothing', async (t) => {
  const port = await serve(t, async (socket) => {
    let hasEnded = false
    socket.once('end', () => (hasEnded = true))
    await once(socket, 'data')
    // An end that followed the data would be here before the answer to this.
    const probe = await startCli(t, ['listen', '--help']).ended
    t.is(probe.status, 0)
    t.false(hasEnded)
    socket.end('two')
  })
  const { stdout, status } = await startCli(t, ['connect', HOST, port], { input: 'x' }).ended
  t.is(String(stdout), 'two')
  t.is(status, 0)
})

test.serial('--quit 0 closes with the end of the input, and what was sent arrives', async (t) => {
  const bytes = randomBytes(3_000_000)
  const received = []
  let ended
  const all = new Promise((resolve) => (ended = resolve))
  const port = await serve(t, (socket) => socket.on('data', (part) => received.push(part)).on('end', ended))
  const { status } = await startCli(t, ['connect', HOST, port, '--quit', '0'], { input: bytes }).ended
  await all
  t.is(status, 0)
  t.true(Buffer.concat(received).equals(bytes))
})

test.serial('bytes of every value go both ways between connect and listen', async (t) => {
  const up = randomBytes(2_000_000)
  const down = randomBytes(2_000_000)
  // The end of this one's input closes nothing; of the other's it does, when all has come.
  const [listener, port] = await listen(t, [], { input: down, keepInput: true })
  const connector = startCli(t, ['connect', HOST, port], { input: up, keepInput: true })
  const gone = (child, wanted) =>
    new Promise((resolve) => {
      let count = 0
      child.stdout.on('data', (part) => (count += part.length) >= wanted && resolve())
    })
  await Promise.all([gone(listener, up.length), gone(connector, down.length)])
  connector.kill('SIGINT')
  const [first, second] = await Promise.all([connector.ended, listener.ended])
  t.is(first.status, 130)
  t.is(second.status, 0)
  t.true(first.stdout.equals(down))
  t.true(second.stdout.equals(up))
})

test.serial('a server that does not read stops the input, and memory stays where it is', async (t) => {
  let server
  const accepted = new Promise((resolve) => (server = resolve))
  const port = await serve(t, (socket) => {
    socket.pause()
    server(socket)
  })
  const child = startCli(t, ['connect', HOST, port], { keepInput: true })
  const socket = await accepted
  const block = Buffer.alloc(1 << 20)
  // What does not fit into pipes and sockets is not taken.
  let written = 0
  const limit = 100
  while (written < limit) {
    const isFull = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), 1500)
      child.stdin.write(block, () => {
        clearTimeout(timer)
        resolve(false)
      })
    })
    if (isFull) break
    written++
  }
  t.true(written < limit, `${written} MiB were taken`)
  socket.resume()
  // It goes on when the server reads: every block is taken, the one under way too.
  await new Promise((resolve) => child.stdin.end(resolve))
  child.kill('SIGTERM')
  t.is((await child.ended).status, 143)
})

test.serial('an output that nobody reads suspends the socket', async (t) => {
  let sent = 0
  let stalled
  const full = new Promise((resolve) => (stalled = resolve))
  const block = Buffer.alloc(1 << 20)
  const limit = 100
  const port = await serve(t, async (socket) => {
    while (sent < limit && !socket.destroyed) {
      const isFull = await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(true), 1500)
        socket.write(block, () => {
          clearTimeout(timer)
          resolve(false)
        })
      })
      if (isFull) break
      sent++
    }
    stalled()
    // The block under way counts.
    socket.end(() => {})
  })
  const child = startCli(t, ['connect', HOST, port])
  child.stdout.pause()
  await full
  t.true(sent < limit, `${sent} MiB were taken`)
  child.stdout.resume()
  const { status, stdout } = await child.ended
  t.is(status, 0)
  t.is(stdout.length, (sent + 1) << 20)
})

test.serial('--crlf ends lines with CR LF, and leaves those alone that have it', async (t) => {
  const port = await serve(t, (socket) => {
    let got = ''
    socket.on('data', (bytes) => {
      got += bytes
      if (got.endsWith('end\r\n')) socket.end(got)
    })
  })
  const child = startCli(t, ['connect', HOST, port, '--crlf'], { input: 'a\nb\r', keepInput: true })
  child.stdin.end('\n\nend\n')
  t.is(String((await child.ended).stdout), 'a\r\nb\r\n\r\nend\r\n')
})

test.serial('--trace shows what happens and what TLS agreed, on stderr alone', async (t) => {
  const options = { cert: pki.cert, key: pki.key, ALPNProtocols: ['echo'] }
  const port = await serve(t, answer('sesame'), tls.createServer, options)
  const args = ['connect', 'localhost', port, '--tls', '--ca', file('ca'), '--alpn', 'echo', '--trace']
  const { status, stdout, stderr } = await startCli(t, args, { input: 'x' }).ended
  t.is(stderr.match(/error/), null)
  t.is(status, 0)
  t.is(String(stdout), 'sesame')
  t.regex(stderr, /^\d\d:\d\d:\d\d\.\d{3} #1 connects to localhost:\d+ with TLS$/m)
  t.regex(stderr, /TLS: TLSv1\.3, TLS_\w+, ALPN echo, for localhost$/m)
  t.regex(
    stderr,
    /subject CN=localhost\n.*issuer {2}CN=Throwaway-CA\n.*valid .* to .*\n.*sha256 {2}[\dA-F:]{95}\n/,
  )
  t.regex(stderr, /data: 6 bytes$/m)
  t.notRegex(stderr, /sesame/)
})

test.serial('--hex shows the bytes as well', async (t) => {
  const port = await serve(t, (socket) => socket.end('\0\xff', 'latin1'))
  const { stdout, stderr } = await startCli(t, ['connect', HOST, port, '--hex']).ended
  t.deepEqual([...stdout], [0, 255])
  t.regex(stderr, /00000000 {2}00 ff +\|\.\.\|$/m)
})

test.serial(
  'a certificate of a stranger is a failure with its name and meaning; --insecure takes it',
  async (t) => {
    const options = { cert: pki.cert, key: pki.key }
    const port = await serve(t, answer('hello'), tls.createServer, options)
    const refused = await startCli(t, ['connect', 'localhost', port, '--tls']).ended
    t.is(refused.status, 1)
    t.is(String(refused.stdout), '')
    t.regex(
      refused.stderr,
      /^moz-tcp-socket: SecurityUntrustedCertificateIssuerError 0x805A1FF3 \(the certificate is signed by nobody we trust\): .+\n$/,
    )
    const taken = await startCli(t, ['connect', 'localhost', port, '--tls', '--insecure'], { input: 'x' })
      .ended
    t.is(taken.status, 0)
    t.is(String(taken.stdout), 'hello')
  },
)

test.serial('--servername is what is asked for and verified', async (t) => {
  const options = { cert: pki.cert, key: pki.key }
  const port = await serve(t, answer(), tls.createServer, options)
  const args = ['connect', HOST, port, '--tls', '--ca', file('ca')]
  t.is(
    String((await startCli(t, [...args, '--servername', 'localhost'], { input: 'x' }).ended).stdout),
    'localhost',
  )
  const other = await startCli(t, [...args, '--servername', 'other.example']).ended
  t.is(other.status, 1)
  t.regex(other.stderr, /SecurityCertificateDomainMismatchError/)
})

testWith(
  test.serial,
  'openssl',
  'connect --tls speaks with openssl s_server, and shows its cipher',
  async (t) => {
    const { port } = await startServer({ onEnd: (end) => t.teardown(end) }, /^ACCEPT .*:(\d+)$/m, () => {
      const options = `-accept ${HOST}:0 -rev -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305`
      return ['openssl', 's_server', ...options.split(' '), '-cert', file('cert'), '-key', file('key')]
    })
    const args = ['connect', 'localhost', port, '--tls', '--ca', file('ca'), '--trace']
    const child = startCli(t, args, { input: 'hello\n', keepInput: true })
    await child.stdoutHas(/^olleh\n$/)
    // s_server takes this for the end of the session.
    child.stdin.end('CLOSE\n')
    const { status, stderr } = await child.ended
    t.regex(stderr, /TLS: TLSv1\.2, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, for localhost$/m)
    t.is(status, 0, stderr)
  },
)

test.serial('listen --tls speaks with node:tls', async (t) => {
  const [child, port] = await listen(
    t,
    ['--tls', '--cert', file('cert'), '--key', file('key'), '--quit', '0'],
    {
      input: 'hello',
    },
  )
  const client = tls.connect({ host: HOST, port, servername: 'localhost', ca: pki.ca })
  t.teardown(() => client.destroy())
  const parts = []
  client.on('data', (part) => parts.push(part))
  await once(client, 'end')
  t.is(String(Buffer.concat(parts)), 'hello')
  t.is((await child.ended).status, 0)
})

test.serial('listen takes one connection, and the port is free then', async (t) => {
  const [child, port] = await listen(t, [], { keepInput: true })
  const first = net.connect({ host: HOST, port })
  t.teardown(() => first.destroy())
  first.write('one')
  await child.stdoutHas(/one/)
  const second = net.connect({ host: HOST, port })
  const [error] = await once(second, 'error')
  t.is(error.code, 'ECONNREFUSED')
  first.end()
  t.is((await child.ended).status, 0)
})

test.serial('Ctrl-C ends each of them at any time, with status 130', async (t) => {
  const [listener, port] = await listen(t, [], { keepInput: true })
  const connector = startCli(t, ['connect', HOST, port, '--trace'], { keepInput: true })
  await connector.stderrHas(/open/)
  connector.kill('SIGINT')
  t.is((await connector.ended).status, 130)
  t.is((await listener.ended).status, 0)
  const [waiting] = await listen(t, [], { keepInput: true })
  waiting.kill('SIGINT')
  t.is((await waiting.ended).status, 130)
})

test.serial('a reader of the output that goes away ends it', async (t) => {
  const port = await serve(t, (socket) => {
    const timer = setInterval(() => socket.write('x'.repeat(1000)), 5)
    socket.on('close', () => clearInterval(timer))
  })
  const child = startCli(t, ['connect', HOST, port], { keepInput: true })
  await child.stdoutHas(/x/)
  child.stdout.destroy()
  const { status, stderr } = await child.ended
  t.is(status, 1)
  t.regex(stderr, /cannot write: .*EPIPE/)
})

for (const [title, args, pattern, status] of [
  ['a refused connection', ['connect', HOST, '1'], /ConnectionRefusedError .*nobody listens/, 1],
  ['no port', ['connect', HOST], /connect takes HOST and PORT/, 2],
  ['a port that is none', ['connect', HOST, '65536'], /PORT "65536": must be a port, from 1 to 65535/, 2],
  ['a port to listen at that is none', ['listen', '-1'], /./, 2],
  ['a host that is an URL', ['connect', 'http://x', '1'], /host "http:\/\/x"/, 2],
  [
    'an unknown protocol',
    ['connect', HOST, '1', '--starttls', 'ftp'],
    /--starttls "ftp": must be one of smtp/,
    2,
  ],
  ['both kinds of TLS', ['connect', HOST, '1', '--tls', '--starttls', 'smtp'], /only one of them/, 2],
  ['--ca without TLS', ['connect', HOST, '1', '--ca', 'x'], /--ca: goes with --tls or --starttls/, 2],
  [
    'a file that is not there',
    ['connect', HOST, '1', '--tls', '--ca', '/nowhere'],
    /--ca "\/nowhere": cannot be read/,
    1,
  ],
  ['a time that is none', ['connect', HOST, '1', '--quit', 'soon'], /--quit "soon": must be seconds/, 2],
  ['an option that is none', ['connect', HOST, '1', '--fast'], /--fast/, 2],
  ['listen --tls without a certificate', ['listen', '0', '--tls'], /--tls: takes --cert and --key/, 2],
  ['an address that is none', ['listen', '0', '--address', 'here'], /localAddress "here"/, 2],
]) {
  test.serial(`${title} is an error of one line that says so, and status ${status}`, async (t) => {
    const ended = await startCli(t, args).ended
    t.is(ended.status, status)
    t.regex(ended.stderr, /^moz-tcp-socket: /)
    t.regex(ended.stderr, pattern)
    t.is(String(ended.stdout), '')
  })
}
