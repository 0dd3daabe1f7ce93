'use strict'

// F-W3C-18 to 21 of the specification (docs/w3c.md): TCPServerSocket of the draft with streams.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket/w3c')
const { makePki } = require('../../helpers/pki.js')
const { reasonOf, received, serverOf } = require('../helpers/peers.js')
const { client, listener, rest, stateAt, text } = require('./support.js')

test('F-W3C-18: a server without options listens on a port that it says, everywhere', async (t) => {
  const server = new TCPServerSocket()
  t.teardown(() => server.close().catch(() => {}))
  t.like(server, { localAddress: null, localPort: null, addressReuse: true, readyState: 'opening' })
  t.is(await stateAt(server.opened, server), 'open')
  t.is(await server.opened, undefined)
  t.is(server.localAddress, null)
  t.true(Number.isInteger(server.localPort) && server.localPort > 0)
  t.is(String(server), '[object TCPServerSocket]')
  const accepting = server.listen()
  await client(t, server.localPort)
  const socket = await accepting
  t.is(socket.readyState, 'open')
  t.teardown(() => socket.close().catch(() => {}))
})

test('F-W3C-18: options that cannot be are errors', (t) => {
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  for (const options of [
    { localAddress: 'localhost' },
    { localAddress: '' },
    { localAddress: '203.0.113.9' },
    { localPort: 0 },
  ]) {
    t.throws(() => new TCPServerSocket(options), invalid, JSON.stringify(options))
  }
  for (const options of [
    5,
    { localPort: 65_536 },
    { cert: 'x', key: 'x' },
    { useSecureTransport: true },
    { bindAddress: '127.0.0.1' },
  ]) {
    t.throws(() => new TCPServerSocket(options), { instanceOf: TypeError }, JSON.stringify(options))
  }
})

test('F-W3C-18: a port that is taken rejects both promises', async (t) => {
  const port = await serverOf(t, () => {})
  const server = new TCPServerSocket({ localAddress: '127.0.0.1', localPort: port })
  t.is(server.readyState, 'opening')
  const accepting = server.listen()
  const reason = await reasonOf(server.opened)
  t.is(reason.name, 'NetworkError')
  t.like(reason.cause, { code: 'EADDRINUSE', syscall: 'listen', port })
  t.is(await reasonOf(server.closed), reason)
  t.is(await reasonOf(accepting), reason)
  t.is(server.readyState, 'closed')
})

test('F-W3C-19: each listen() gets one connection, in order, whenever it is called', async (t) => {
  const server = await listener(t)
  const early = server.listen()
  const clients = []
  for (let i = 0; i < 3; i++) clients.push(await client(t, server.localPort))
  const sockets = await Promise.all([early, server.listen(), server.listen()])
  for (const [i, socket] of sockets.entries()) {
    t.true(socket instanceof TCPSocket)
    t.like(socket, {
      readyState: 'open',
      remoteAddress: '127.0.0.1',
      remotePort: clients[i].localPort,
      localAddress: '127.0.0.1',
      localPort: server.localPort,
    })
    await socket.opened
    clients[i].end(`client ${i}`)
    t.is(String(await rest(socket.readable.getReader())), `client ${i}`)
    const got = received(clients[i])
    await socket.writeable.write(`for ${i}`)
    await socket.close()
    t.is(String(await got), `for ${i}`)
  }
})

test('F-W3C-19: what nobody asked for waits in the backlog', async (t) => {
  const server = await listener(t)
  const waiting = await client(t, server.localPort)
  waiting.write('patience')
  let isAccepted = false
  await new Promise((resolve) => setTimeout(resolve, 50))
  const accepting = server.listen().then((socket) => {
    isAccepted = true
    return socket
  })
  t.false(isAccepted)
  const socket = await accepting
  t.is(text((await socket.readable.getReader().read()).value), 'patience')
  await socket.close()
})

test('F-W3C-20: close() rejects a listen() that waits, and accepted sockets live on', async (t) => {
  const server = await listener(t)
  const peer = await client(t, server.localPort)
  const socket = await server.listen()
  const accepting = server.listen()
  const closed = server.close()
  t.is(closed, server.closed)
  t.is(server.readyState, 'closed')
  const reason = await reasonOf(accepting)
  t.true(reason instanceof DOMException)
  t.is(reason.name, 'AbortError')
  t.is(await closed, undefined)
  t.is(server.close(), closed)
  peer.write('ping')
  const { value } = await socket.readable.getReader().read()
  await socket.writeable.write(value)
  t.is(String((await once(peer, 'data'))[0]), 'ping')
  const again = net.createServer()
  again.listen(server.localPort, '127.0.0.1')
  await once(again, 'listening')
  again.close()
  await socket.close()
})

test('F-W3C-20: a server that is closed before it is open', async (t) => {
  const server = new TCPServerSocket({ localAddress: '127.0.0.1' })
  const accepting = server.listen()
  t.is(await server.close(), undefined)
  t.is((await reasonOf(server.opened)).name, 'AbortError')
  t.is((await reasonOf(accepting)).name, 'AbortError')
})

test('F-W3C-21: listen() of a closed server is an InvalidStateError', async (t) => {
  const server = await listener(t)
  await server.close()
  const reason = await reasonOf(server.listen())
  t.true(reason instanceof DOMException)
  t.is(reason.name, 'InvalidStateError')
})

test('TLS: a server with a certificate, whose failed handshakes are nobody else’s', async (t) => {
  const { ca, cert, key } = makePki()
  const server = await listener(t, { useSecureTransport: true, cert, key })
  const accepting = server.listen()
  const stranger = await client(t, server.localPort)
  stranger.resume()
  stranger.end('this is no TLS')
  const peer = tls.connect({ port: server.localPort, host: '127.0.0.1', ca })
  t.teardown(() => peer.destroy())
  peer.on('error', () => {})
  await once(peer, 'secureConnect')
  const socket = await accepting
  peer.end('secret')
  t.is(String(await rest(socket.readable.getReader())), 'secret')
  await socket.close()
})
