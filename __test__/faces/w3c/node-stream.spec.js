'use strict'

// A TCPSocket of the draft as a stream of Node's (docs/node-stream.md).

const http = require('node:http')
const { once } = require('node:events')

const test = require('ava')

const { toNodeStream } = require('moz-tcp-socket/node-stream')
const { TCPSocket } = require('moz-tcp-socket/w3c')
const { echo, listening, serverOf } = require('../helpers/peers.js')
const { client, listener } = require('./support.js')

test('toNodeStream() of a TCPSocket has its addresses, and both directions', async (t) => {
  const port = await serverOf(t, echo)
  const socket = new TCPSocket('127.0.0.1', port)
  const stream = toNodeStream(socket)
  await once(stream, 'connect')
  t.like(stream, { remoteAddress: '127.0.0.1', remotePort: port, localPort: socket.localPort })
  stream.end(Buffer.alloc(1024 * 1024, 'moz'))
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  t.true(Buffer.concat(chunks).equals(Buffer.alloc(1024 * 1024, 'moz')))
  await socket.closed
  t.is(socket.readyState, 'closed')
})

test('toNodeStream() of a connection that a TCPServerSocket accepted', async (t) => {
  const server = await listener(t)
  const accepting = server.listen()
  const peer = await client(t, server.localPort)
  const stream = toNodeStream(await accepting)
  // It asks the promise `opened`.
  await once(stream, 'ready')
  t.is(stream.remotePort, peer.localPort)
  stream.pipe(stream)
  peer.end('there and back')
  t.is(String((await once(peer, 'data'))[0]), 'there and back')
  await once(peer, 'end')
})

test('node:http talks over a TCPSocket of the draft', async (t) => {
  const server = http.createServer((request, response) => response.end(`${request.method} ${request.url}`))
  const port = await listening(t, server)
  const get = http.get({
    host: '127.0.0.1',
    port,
    path: '/path',
    createConnection: () => toNodeStream(new TCPSocket('127.0.0.1', port)),
  })
  const [response] = await once(get, 'response')
  t.is(String(Buffer.concat(await response.toArray())), 'GET /path')
})
