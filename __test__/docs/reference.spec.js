'use strict'

// Those examples of docs/api.md and docs/winter.md that are no whole programs, or serve until they are stopped: with a peer, and what stands around them.

const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const tls = require('node:tls')
const { promisify } = require('node:util')

const test = require('ava')

const { TCPSocket } = require('../../index.js')
const { directory, example } = require('../helpers/examples.js')
const { inTemporaryDirectory, makePki } = require('../helpers/pki.js')
const { scope } = require('../helpers/sockets.js')

/** Runs `program` to its end in a directory with `files`: what it printed. Rejects unless it exits with 0. */
async function run(t, program, files = {}, modules = []) {
  const cwd = directory(t, { ...files, 'program.js': program }, modules)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['program.js'], {
    cwd,
    timeout: 30_000,
  })
  return { stdout, stderr }
}

/** Runs a server for as long as the test; `program` prints its port when it listens. Resolves with the port. */
async function runServer(t, program) {
  const { cert, key } = makePki()
  const cwd = directory(t, {
    'server.js': `${program}\nconsole.log(server.localPort)`,
    'server.pem': cert,
    'server.key': key,
  })
  const child = spawn(process.execPath, ['server.js'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const [output] = await once(child.stdout, 'data')
  return Number(output)
}

/** A TLS server of Node.js on the loopback. */
async function tlsServer(t, options, onConnection) {
  const { ca, cert, key } = makePki()
  const server = tls.createServer({ ca, cert, key, ...options }, onConnection)
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('docs/api.md: the client presents its certificate to a server of a private authority', async (t) => {
  const client = inTemporaryDirectory(({ openssl, read }) => {
    openssl(
      'req -x509 -days 30 -subj /CN=somebody -keyout client.key -out client.pem -newkey rsa:2048 -nodes',
    )
    return { cert: read('client.pem'), key: read('client.key') }
  })
  let subject
  const options = { requestCert: true, rejectUnauthorized: false }
  const server = await tlsServer(t, options, (socket) => {
    subject = socket.getPeerCertificate().subject.CN
    socket.resume().end()
  })
  const { port } = server.address()
  const program = example('docs/api.md', "'mail.example.org', 993", {
    "'mail.example.org', 993": `'localhost', ${port}`,
  })
  const files = { 'ca.pem': makePki().ca, 'client.pem': client.cert, 'client.key': client.key }
  const { stdout, stderr } = await run(t, program, files)
  t.is(stderr, '')
  t.is(stdout, 'TLSv1.3 CN=localhost\n')
  t.is(subject, 'somebody')
})

test('docs/api.md: the server with TLS echoes', async (t) => {
  const port = await runServer(t, example('docs/api.md', 'new TCPServerSocket(7443', { 7443: '0' }))
  const options = { useSecureTransport: true, ca: makePki().ca }
  const socket = new TCPSocket('localhost', port, options)
  t.teardown(() => socket.closeImmediately())
  const data = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('hello')
    socket.ondata = (event) => resolve(event.data)
    socket.onerror = (event) => reject(event.data)
  })
  t.is(data, 'hello')
})

test('docs/api.md: the server with STARTTLS answers in private, and not what came in the clear', async (t) => {
  const port = await runServer(t, example('docs/api.md', 'new TCPServerSocket(7025', { 7025: '0' }))
  const socket = new TCPSocket('localhost', port, { ca: makePki().ca })
  t.teardown(() => socket.closeImmediately())
  let received = ''
  await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('STARTTLS\r\nINJECTED\r\n')
    socket.ondata = ({ data }) => {
      received += data
      if (received === '220 go ahead\r\n') {
        socket.upgradeToSecure()
        socket.send('NOOP\r\n')
      } else if (received.includes('250')) resolve()
    }
    socket.onerror = (event) => reject(event.data)
  })
  t.is(received, '220 go ahead\r\n250 NOOP\r\n')
  t.true(socket.tls !== null)
})

test('docs/api.md: the data connection takes up the session of the control connection', async (t) => {
  const reused = []
  const { cert, key } = makePki()
  const ticketKeys = Buffer.alloc(48, 7)
  const listener = (socket) => {
    reused.push(socket.isSessionReused())
    socket.resume().write('ready')
  }
  const [control, data] = [
    await tlsServer(t, { cert, key, ticketKeys }, listener),
    await tlsServer(t, { cert, key, ticketKeys }, listener),
  ]
  const written = example('docs/api.md', 'sessionFrom: control', {
    "'ftp.example.org', 990": `'localhost', ${control.address().port}`,
  })
  const [first, second] = written.split(/^\/\/ Later, .*$/m)
  const { stdout } = await run(
    t,
    `${first}
    control.ondata = () => {
      const [address, passivePort] = ['127.0.0.1', ${data.address().port}]
      ${second}
      data.ondata = () => {
        console.log(data.tls.resumed)
        data.close()
        control.close()
      }
    }`,
    { 'ca.pem': makePki().ca },
  )
  t.is(stdout, 'true\n')
  t.deepEqual(reused, [false, true])
})

test('docs/api.md: the navigator of one application connects where it may, and nowhere else', async (t) => {
  const { port } = await scope(t).netServer({}, (socket) => socket.end())
  const program = example('docs/api.md', "'app://mail.example',", {
    "'*.example.org:465'": `'127.0.0.1:${port}'`,
    "'imap.example.org', 993, { useSecureTransport: true }": `'127.0.0.1', ${port}`,
  })
  const { stdout, stderr } = await run(t, `${program}\nsocket.onopen = () => console.log('open')`)
  t.is(stdout, 'open\n')
  t.true(stderr.startsWith('SecurityError connect 192.0.2.1:993: '), stderr)
  t.true(stderr.endsWith(' app://mail.example\n'), stderr)
})

test('docs/api.md: the globals of one application are put on a window', async (t) => {
  const put = example('docs/api.md', 'Object.defineProperties(window.navigator')
  const { stdout } = await run(
    t,
    `const { JSDOM } = require('jsdom')
    const { createGlobals } = require('moz-tcp-socket')
    const { window } = new JSDOM('', { url: 'http://localhost/' })
    const { navigator, ...classes } = createGlobals({ manifest: null })
    ${put}
    console.log(typeof window.navigator.mozTCPSocket.open, typeof window.TCPServerSocket)`,
    {},
    ['jsdom'],
  )
  t.is(stdout, 'function function\n')
})

test('docs/winter.md: the first example prints what a server says to the end', async (t) => {
  const { port } = await scope(t).netServer({}, (socket) => {
    socket.once('data', (request) => socket.end(`200 ${request.toString('latin1').split('\r\n')[0]}`))
  })
  const program = example('docs/winter.md', "'GET / HTTP/1.0", {
    "hostname: 'example.org', port: 80": `hostname: '127.0.0.1', port: ${port}`,
  })
  const { stdout, stderr } = await run(t, `(async () => {\n${program}\n})()`)
  t.deepEqual({ stdout, stderr }, { stdout: '200 GET / HTTP/1.0', stderr: '' })
})

test('docs/winter.md: options that the draft does not have are those of a TCPSocket', async (t) => {
  const { ca, cert, key } = makePki()
  const server = await tlsServer(t, { cert, key }, (socket) => socket.write('verified'))
  const program = example('docs/winter.md', 'withOptions({ ca, cert, key })')
  const { stdout, stderr } = await run(
    t,
    `const [ca, cert, key] = ${JSON.stringify([ca, cert, key])}
    ${program}
    ;(async () => {
      const address = { hostname: 'localhost', port: ${server.address().port} }
      const socket = connect(address, { secureTransport: 'on' })
      for await (const chunk of socket.readable) {
        process.stdout.write(chunk)
        break
      }
      await socket.close()
    })()`,
  )
  t.deepEqual({ stdout, stderr }, { stdout: 'verified', stderr: '' })
})
