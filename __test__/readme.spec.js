'use strict'

// The examples of README.md and docs/porting.md, run as a reader would run them: copied into a directory of their own, where
// the package is in node_modules.

const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const tls = require('node:tls')
const { promisify } = require('node:util')

const test = require('ava')

const { makePki } = require('./helpers/pki.js')
const { receive, scope } = require('./helpers/sockets.js')
const { toldName } = require('./helpers/tls-peers.js')

const root = join(__dirname, '..')
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')

/** The one JavaScript example of `file` that contains `mark`, with `replacements` made, each of which must be there. */
function example(file, mark, replacements = {}) {
  const text = readFileSync(join(root, file), 'utf8')
  const found = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code)
  const matching = found.filter((code) => code.includes(mark))
  if (matching.length !== 1) throw new Error(`${matching.length} examples of ${file} contain ${mark}`)
  let [code] = matching
  for (const [from, to] of Object.entries(replacements)) {
    if (!code.includes(from)) throw new Error(`${from} is not in the example: ${code}`)
    code = code.replace(from, to)
  }
  return code
}

/** A new directory with `files`, where `require('moz-tcp-socket')` works. Removed when the test ends. */
function directory(t, files) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'moz-tcp-socket-readme-')))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  symlinkSync(root, join(path, 'node_modules', 'moz-tcp-socket'), 'junction')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

/** Runs a program to its end and resolves with `{ stdout, stderr }`; rejects unless it exits with 0. */
function run(cwd, args, env = {}) {
  return promisify(execFile)(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout: 100_000,
  })
}

/** A mail server that knows just enough, with TLS after STARTTLS. */
function mailServer(socket, { cert, key }) {
  const talk = (stream) => {
    stream.setEncoding('latin1')
    stream.on('error', () => {})
    stream.on('data', (line) => {
      if (line.startsWith('EHLO')) {
        stream.write(`250-mail.example.org\r\n`)
        stream.write(stream.encrypted ? '250 AUTH PLAIN\r\n' : '250 STARTTLS\r\n')
      } else if (line === 'STARTTLS\r\n') {
        stream.removeAllListeners('data')
        stream.write('220 go ahead\r\n', () => {
          talk(new tls.TLSSocket(stream, { isServer: true, cert, key }))
        })
      } else stream.end(line === 'QUIT\r\n' ? '221 bye\r\n' : `500 ${line}`)
    })
  }
  socket.write('220 mail.example.org\r\n')
  talk(socket)
}

test('README: the mail client talks STARTTLS', async (t) => {
  const pki = makePki()
  const { port } = await scope(t).netServer({}, (socket) => mailServer(socket, pki))
  const client = example('README.md', 'EHLO', { "'mail.example.org', 587": `'localhost', ${port}` })
  const path = directory(t, { 'client.js': client, 'ca.pem': pki.ca })
  const { stdout, stderr } = await run(path, ['client.js'], { NODE_EXTRA_CA_CERTS: join(path, 'ca.pem') })
  t.is(stderr, '')
  t.deepEqual(stdout.replaceAll('\r', '').trimEnd().split('\n'), [
    '220 mail.example.org',
    '250-mail.example.org',
    '250 STARTTLS',
    '220 go ahead',
    '250-mail.example.org',
    '250 AUTH PLAIN',
    '221 bye',
    'closed',
  ])
})

test('README: the mail client does not talk to a peer that it cannot verify', async (t) => {
  const { port } = await scope(t).netServer({}, (socket) => mailServer(socket, makePki()))
  const client = example('README.md', 'EHLO', { "'mail.example.org', 587": `'localhost', ${port}` })
  const { stdout, stderr } = await run(directory(t, { 'client.js': client }), ['client.js'])
  const name = toldName('SecurityUntrustedCertificateIssuerError')
  t.true(stderr.startsWith(`${name} TLS handshake with localhost`), stderr)
  t.true(stdout.endsWith('220 go ahead\nclosed\n'), stdout)
})

test('README: the server echoes, with back-pressure', async (t) => {
  const server = example('README.md', 'new TCPServerSocket(7000', { 7000: '0' })
  const child = spawn(process.execPath, ['server.js'], { cwd: directory(t, { 'server.js': server }) })
  t.teardown(() => child.kill())
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  const says = async (pattern) => {
    while (!pattern.test(output)) await once(child.stdout, 'data')
    return pattern.exec(output)
  }
  const [, port] = await says(/^port (\d+)\n/)
  const client = net.connect(Number(port), '127.0.0.1')
  t.teardown(() => client.destroy())
  const sent = Buffer.alloc(8 << 20, 'moz-tcp-socket')
  client.write(sent)
  t.true(sent.equals(await receive(client, sent.length)))
  client.end()
  await says(/127\.0\.0\.1 connected\n127\.0\.0\.1 left\n/)
  t.pass()
})

test('README: both ends of TLS, with the certificate that the command makes', async (t) => {
  const [, command] = /^```sh\nopenssl (.+)\n```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))
  const path = directory(t, { 'both.js': example('docs/tls.md', "readFileSync('cert.pem')") })
  await promisify(execFile)('openssl', command.split(' '), { cwd: path })
  const { stdout, stderr } = await run(path, ['both.js'])
  t.deepEqual({ stdout, stderr }, { stdout: 'hello\n', stderr: '' })
})

test('README: the Jest example passes, and Jest ends by itself', async (t) => {
  const path = directory(t, {
    'jest.config.js': example('README.md', 'setupFiles'),
    'greeting.test.js': example('README.md', 'the client greets first'),
  })
  const { stderr } = await run(path, [jest, '--detectOpenHandles'])
  t.regex(stderr, /^Tests: +1 passed, 1 total$/m)
  t.notRegex(stderr, /open handle|did not exit/)
})

test('README: the heartbeat gives up on a peer that has fallen silent', async (t) => {
  let received = ''
  const { port, connection } = await scope(t).netServer({}, (socket) => {
    socket.setEncoding('latin1')
    socket.on('data', (data) => {
      if (received === '') socket.write('PONG\r\n')
      received += data
    })
  })
  const client = example('docs/faq.md', 'heartbeat', {
    "'irc.example.org', 6667": `'127.0.0.1', ${port}`,
    '30_000': '300',
  })
  const running = run(directory(t, { 'client.js': client }), ['client.js'])
  const gone = once(await connection(), 'close')
  const { stderr } = await running
  await gone
  t.is(stderr, '')
  // Twice, unless this machine was so busy that the first answer came too late.
  t.regex(received, /^(PING heartbeat\r\n){1,2}$/)
})

test('docs/porting.md: a client of emailjs-tcp-socket gets our sockets', async (t) => {
  const path = directory(t, {
    'emailjs-tcp-socket.js': example('docs/porting.md', 'exports.default'),
    'jest.config.js': example('docs/porting.md', 'moduleNameMapper'),
    // As Babel compiles `import TCPSocket from 'emailjs-tcp-socket'`.
    'client.js': `
      var _socket = require('emailjs-tcp-socket')
      var _socket2 = _socket && _socket.__esModule ? _socket : { default: _socket }
      exports.connect = (host, port) => _socket2.default.open(host, port, { binaryType: 'arraybuffer', useSecureTransport: false })
    `,
    'client.test.js': `
      const { TCPSocket, TCPServerSocket } = require('moz-tcp-socket')
      test('the client is connected', (done) => {
        const server = new TCPServerSocket(0)
        server.onconnect = ({ socket }) => socket.close()
        const socket = require('./client.js').connect('127.0.0.1', server.localPort)
        expect(socket).toBeInstanceOf(TCPSocket)
        socket.onclose = () => {
          server.close()
          done()
        }
      })
    `,
  })
  const { stderr } = await run(path, [jest, '--detectOpenHandles'])
  t.regex(stderr, /^Tests: +1 passed, 1 total$/m)
  t.notRegex(stderr, /open handle|did not exit/)
})

for (const [file, mark, expected] of [
  ['docs/udp.md', 'what time is it', /^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/],
  ['docs/udp.md', 'hello, everybody', /^hello, everybody\n$/],
  ['docs/running-apps.md', 'installInWindow', /^function\n$/],
]) {
  test(`${file}: the example with "${mark}" prints what it promises, and ends`, async (t) => {
    const cwd = directory(t, { 'example.js': example(file, mark) })
    // Of the development tools, which users have beside the package.
    for (const name of ['jsdom'])
      symlinkSync(join(root, 'node_modules', name), join(cwd, 'node_modules', name), 'junction')
    const { stdout } = await run(cwd, ['example.js'])
    t.regex(stdout, expected)
  })
}
