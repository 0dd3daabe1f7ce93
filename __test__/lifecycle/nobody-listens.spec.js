'use strict'

// Connections that nobody takes charge of, and handlers that a listener keeps an event from.

const { execFile } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')
const { promisify } = require('node:util')
const test = require('ava')

const { TCPServerSocket, mozTCPSocket } = require('../../index.js')
const { scope } = require('../helpers/sockets.js')

const local = { localAddress: '127.0.0.1' }

/** Connects to `server`, and resolves when the connection is over. */
async function visit(own, server) {
  const peer = net.connect(server.localPort, '127.0.0.1').resume()
  own.onEnd(() => peer.destroy())
  peer.on('error', () => {})
  await once(peer, 'close')
}

const GONE = {
  'never had one': () => {},
  'had one once': async (own, server) => {
    server.addEventListener('connect', ({ socket }) => socket.close(), { once: true })
    await visit(own, server)
  },
  'had one that was removed': (own, server) => {
    const listener = () => {}
    server.addEventListener('connect', listener)
    server.removeEventListener('connect', listener)
  },
  'had one that was aborted': (own, server) => {
    const controller = new AbortController()
    server.addEventListener('connect', () => {}, { signal: controller.signal })
    controller.abort()
  },
  'had a handler': (own, server) => {
    server.onconnect = () => {}
    server.onconnect = null
    server.addEventListener('connect', () => {}, { signal: AbortSignal.abort() })
  },
}

for (const [what, prepare] of Object.entries(GONE)) {
  test(`a server closes connections when it has no connect listener: it ${what}`, async (t) => {
    const own = scope(t)
    const server = new TCPServerSocket(0, local)
    own.onEnd(() => server.close())
    await prepare(own, server)
    await visit(own, server)
    await visit(own, server)
    t.pass()
  })
}

test('a handler that threw once does not cost a later connection, which a listener took', async (t) => {
  const script = join(__dirname, '..', 'fixtures', 'lifecycle', 'taken-by-listener.js')
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  t.deepEqual(JSON.parse(stdout), { data: 'hello', state: 'open' })
})

test('an event of the application does not bring the handler a socket of an earlier one', async (t) => {
  const own = scope(t)
  const server = mozTCPSocket.listen(0, local)
  own.onEnd(() => server.close())
  const sockets = []
  server.addEventListener('connect', (event) => {
    if (event.socket === undefined) return
    sockets.push(event.socket)
    event.stopImmediatePropagation()
  })
  const given = []
  server.onconnect = (argument) => given.push(argument)
  const peer = net.connect(server.localPort, '127.0.0.1')
  own.onEnd(() => peer.destroy())
  while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  own.watch(sockets[0])
  const event = new Event('connect')
  server.dispatchEvent(event)
  t.deepEqual(given, [event])
})
