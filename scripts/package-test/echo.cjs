'use strict'

// Runs where the package was installed by name: a server and a client that it trusts, an echo over TLS, and a mock. Prints the version
// of Node.js and that of the engine, and exits with 0 when all came back and both sides closed.

const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

// As a program of the project would, whatever the package manager made of node_modules.
const require_ = createRequire(join(process.cwd(), 'index.js'))
const { TCPServerSocket, TCPSocket } = require_('moz-tcp-socket')
const { createMock } = require_('moz-tcp-socket/testing')
const read = (name) => readFileSync(join(__dirname, name))

const SENT = 'x'.repeat(200_000)
const timer = setTimeout(() => fail('nothing came back within 20 s'), 20_000)

function fail(why) {
  console.error(why)
  process.exit(1)
}

// What it evaluates it reads from the package, which a package manager may keep in an archive.
const mocked = new (createMock().TCPSocket)('mail.example', 25)
mocked.mock.open()
if (mocked.readyState !== 'open') fail('moz-tcp-socket/testing does not work')

// Each face is one entry, and files of its own.
for (const [face, name] of [
  ['winter', 'connect'],
  ['direct', 'UDPSocket'],
  ['w3c', 'TCPServerSocket'],
  ['w3c/events', 'TCPSocket'],
  ['node-stream', 'toNodeStream'],
]) {
  if (typeof require_(`moz-tcp-socket/${face}`)[name] !== 'function')
    fail(`moz-tcp-socket/${face} has no ${name}`)
}

const server = new TCPServerSocket(0, {
  localAddress: '127.0.0.1',
  useSecureTransport: true,
  cert: read('leaf.pem'),
  key: read('leaf.key'),
})
server.onconnect = ({ socket }) => {
  socket.ondata = ({ data }) => {
    if (socket.send(data)) return
    socket.suspend()
    socket.addEventListener('drain', () => socket.resume(), { once: true })
  }
  socket.onerror = ({ data }) => fail(`server: ${data.message}`)
  socket.onclose = () => server.close()
}

const client = new TCPSocket('localhost', server.localPort, { useSecureTransport: true, ca: read('ca.pem') })
let received = ''
client.onopen = () => client.send(SENT)
client.ondata = ({ data }) => {
  received += data
  if (received.length >= SENT.length) client.close()
}
client.onerror = ({ data }) => fail(`client: ${data.message}`)
client.onclose = () => {
  clearTimeout(timer)
  if (received !== SENT) fail(`${received.length} of ${SENT.length} characters came back`)
  console.log(`echoed by ${process.version}`)
}
