'use strict'

// Servers of Firefox OS applications, by what each of them relies on. The code in the tests is modelled on theirs.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')

const test = require('ava')

const {
  TCPServerSocket,
  TCPSocket,
  arrayBuffer,
  freePort,
  mozTCPSocket,
  receive,
  scope,
} = require('../helpers/sockets.js')

function connect(own, port) {
  const peer = net.connect(port, '127.0.0.1')
  own.onEnd(() => peer.destroy())
  return peer
}

/** A first-generation listener, which is closed when the test ends. */
function listen(own, ...args) {
  const server = mozTCPSocket.listen(...args)
  own.onEnd(() => server.close())
  return server
}

const PIECE = 64 * 1024

for (const size of [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE, 5 * PIECE + 100]) {
  test(`fxos-web-server: a body of ${size} bytes in pieces of 64 KiB arrives whole`, async (t) => {
    const script = join(__dirname, '../fixtures/users/web-server.js')
    const child = spawn(process.execPath, [script, String(size)], { stdio: ['pipe', 'pipe', 'inherit'] })
    scope(t).onEnd(() => child.kill())
    let output = ''
    child.stdout.on('data', (bytes) => (output += bytes))
    await once(child.stdout, 'data')
    const peer = connect(scope(t), Number(output))
    peer.write('GET / HTTP/1.1\r\n\r\n')
    const body = await receive(peer)
    t.is(body.length, size)
    t.true(body.every((byte, i) => byte === (i & 255)))
    output = ''
    child.stdin.end()
    const [code] = await once(child, 'close')
    t.is(code, 0)
    // Its own bug, in a browser a line in the console: the drain that comes after close() sends 0 bytes.
    for (const name of JSON.parse(output)) t.is(name, 'NS_ERROR_FAILURE')
  })
}

test('fxos-web-server, WebSocketServer: `event.socket || event` is the accepted socket in both generations', async (t) => {
  const own = scope(t)
  const servers = [listen(own, 0, { binaryType: 'arraybuffer' }), new TCPServerSocket(0)]
  own.onEnd(() => servers[1].close())
  for (const server of servers) {
    const connected = new Promise((resolve) => (server.onconnect = resolve))
    connect(own, server.localPort)
    const event = await connected
    const socket = event.socket || event
    t.true(socket instanceof TCPSocket)
    t.is(socket.readyState, 'open')
    t.is(socket.host, '127.0.0.1')
    socket.closeImmediately()
  }
})

test('pc-sync, relay chat: the argument of onconnect is the socket itself, whose handlers can be set there', async (t) => {
  const own = scope(t)
  const server = listen(own, 0)
  server.onconnect = (socket) => {
    t.true(socket instanceof TCPSocket)
    t.is(socket.socket, socket)
    t.false(Object.keys(socket).includes('socket'))
    t.is(socket.readyState, 'open')
    socket.ondata = (event) => {
      t.is(event.target, socket)
      socket.send(event.data)
    }
  }
  const peer = connect(own, server.localPort)
  peer.write('relay me')
  t.is(String(await receive(peer, 8)), 'relay me')
  peer.end()
})

test('WebAPI_pf: addEventListener("connect") gets an event with socket and data', async (t) => {
  const own = scope(t)
  const server = listen(own, 0)
  const connected = new Promise((resolve) => server.addEventListener('connect', resolve))
  connect(own, server.localPort)
  const event = await connected
  t.is(event.type, 'connect')
  t.is(event.target, server)
  t.true(event.socket instanceof TCPSocket)
  t.is(event.data, event.socket)
  event.socket.close()
})

test("relay chat: listen('8105') takes the port as a string", async (t) => {
  const own = scope(t)
  const port = await freePort()
  const server = listen(own, String(port))
  t.is(server.localPort, port)
})

test('pc-sync: backlog -1, and listen() again on the same port right after close()', async (t) => {
  const own = scope(t)
  let server = listen(own, -1, { binaryType: 'arraybuffer' }, -1)
  const port = server.localPort
  t.true(port > 0)
  for (let round = 0; round < 5; round++) {
    const connected = new Promise((resolve) => (server.onconnect = resolve))
    connect(own, port)
    const socket = await connected
    server.close()
    server = listen(own, port, { binaryType: 'arraybuffer' }, -1)
    t.truthy(server)
    t.is(server.localPort, port)
    t.is(socket.readyState, 'open')
    socket.close()
  }
})

test('pc-sync: server.onerror can be set, and null too', (t) => {
  const server = listen(scope(t), 0)
  const handler = () => server.close()
  server.onerror = handler
  t.is(server.onerror, handler)
  server.onerror = null
  t.is(server.onerror, null)
})

test('cordova: listen on a port that is in use throws, with a code, and names the port', (t) => {
  const own = scope(t)
  const { localPort } = listen(own, 0)
  const error = t.throws(() => mozTCPSocket.listen(localPort, {}, 5), { code: 'EADDRINUSE' })
  t.true(error.message.includes(String(localPort)))
})

test('loopback example: defaults, string echo, and send() then close() at once', async (t) => {
  const own = scope(t)
  const server = listen(own, 0)
  server.onconnect = (connection) => {
    t.is(connection.binaryType, 'string')
    connection.ondata = ({ data }) => {
      t.is(typeof data, 'string')
      connection.send(`echo ${data}`)
      connection.close()
    }
  }
  const client = mozTCPSocket.open('127.0.0.1', server.localPort)
  const events = own.watch(client)
  client.onopen = () => client.send('hello')
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.is(String(await events.data(0)), 'echo hello')
})

test('WebSocketServer: frames by send(frame.buffer, 0, frame.length), and on* = null when done', async (t) => {
  const own = scope(t)
  const server = listen(own, 0, { binaryType: 'arraybuffer' })
  const ended = new Promise((resolve) => {
    server.onconnect = (socket) => {
      const clients = { [socket.host]: socket }
      const frame = Uint8Array.of(0x81, 2, 104, 105)
      clients['127.0.0.1'].send(frame.buffer, 0, frame.length)
      socket.ondata = socket.onclose = socket.onerror = socket.ondrain = null
      socket.close()
      resolve(socket)
    }
  })
  const peer = connect(own, server.localPort)
  t.deepEqual([...(await receive(peer))], [0x81, 2, 104, 105])
  t.true(['closing', 'closed'].includes((await ended).readyState))
})

test('libdweb: a write is a promise that waits for ondrain when send() says false', async (t) => {
  const own = scope(t)
  const server = new TCPServerSocket(0, { binaryType: 'arraybuffer' }, undefined)
  own.onEnd(() => server.close())
  t.true(server.localPort > 0)
  const written = new Promise((resolve, reject) => {
    server.onconnect = async ({ socket }) => {
      const write = (buffer) =>
        new Promise((done) => {
          if (socket.send(buffer, 0, buffer.byteLength)) return done()
          socket.ondrain = () => {
            socket.ondrain = null
            t.is(socket.bufferedAmount, 0)
            done()
          }
        })
      try {
        for (let i = 0; i < 20; i++) await write(arrayBuffer(Buffer.alloc(i * 10_000, i)))
        socket.close()
        resolve()
      } catch (error) {
        reject(error)
      }
    }
  })
  const peer = connect(own, server.localPort)
  const [bytes] = await Promise.all([receive(peer), written])
  t.is(bytes.length, 1_900_000)
  t.is(bytes.at(-1), 19)
})

test('video streamer: accepted sockets outlive their listener', async (t) => {
  const own = scope(t)
  const server = listen(own, 0)
  const connected = new Promise((resolve) => (server.onconnect = resolve))
  const peer = connect(own, server.localPort)
  const socket = await connected
  server.close()
  t.is(socket.readyState, 'open')
  socket.send('still here')
  t.is(String(await receive(peer, 10)), 'still here')
  socket.close()
})
