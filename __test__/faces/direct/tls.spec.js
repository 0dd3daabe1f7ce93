'use strict'

// TLSSocket and TLSServerSocket, which this package adds to Direct Sockets, against servers and clients of node:tls.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { TCPSocket, TLSServerSocket, TLSSocket } = require('moz-tcp-socket/direct')
const { makePki } = require('../../helpers/pki.js')
const { all, bytes, disposed, echo, next, reasonOf, secureServerOf, send, text } = require('./support.js')

const trusting = (more) => ({ ca: makePki().ca, caOnly: true, ...more })

async function open(t, port, options = trusting(), host = 'localhost') {
  const socket = disposed(t, new TLSSocket(host, port, options))
  return { socket, ...(await socket.opened) }
}

async function serve(t, options) {
  const { cert, key } = makePki()
  const server = disposed(t, new TLSServerSocket('127.0.0.1', { cert, key, ...options }))
  return { server, ...(await server.opened) }
}

test('a TLSSocket is open after the handshake, and tells the protocol that was agreed upon', async (t) => {
  const port = await secureServerOf(t, echo, { ALPNProtocols: ['two', 'one'] })
  const { alpn, remotePort, readable, writable, socket } = await open(
    t,
    port,
    trusting({ alpnProtocols: ['one'] }),
  )
  t.is(alpn, 'one')
  t.is(remotePort, port)
  t.true(socket instanceof TLSSocket)
  t.false(socket instanceof TCPSocket)
  await send(writable, bytes('over TLS'))
  t.is(text((await next(readable)).value), 'over TLS')
  await writable.close()
  t.is(String(await all(readable)), '')
  t.is(await socket.closed, undefined)
})

test('without ALPN alpn is null', async (t) => {
  const { alpn } = await open(t, await secureServerOf(t, echo))
  t.is(alpn, null)
})

test('a certificate that nobody vouches for, and one of another host, fail both promises with the reason', async (t) => {
  let received = ''
  const port = await secureServerOf(t, (peer) => peer.on('data', (chunk) => (received += chunk)))
  for (const [host, options] of [
    ['localhost', {}],
    ['127.0.0.1', trusting({ servername: 'other.test' })],
  ]) {
    const socket = new TLSSocket(host, port, options)
    const error = await reasonOf(socket.opened)
    t.true(error instanceof DOMException)
    t.is(error.name, 'NetworkError')
    t.is(await reasonOf(socket.closed), error)
    t.truthy(error.cause.reason)
  }
  t.is(received, '')
})

test('an option that is none is a TypeError, and so is one of servers', (t) => {
  for (const [options, message] of [
    [{ verifyPeer: false }, /verifyPeer/],
    [{ CA: 'x' }, /ca/i],
    [{ backlog: 1 }, /backlog/],
    [{ sessionFrom: {} }, /sessionFrom/],
    [{ alpnProtocols: [''] }, /alpnProtocols/],
    [{ noDelay: true, keepAliveDelay: 1 }, /keepAliveDelay/],
  ]) {
    t.throws(() => new TLSSocket('localhost', 9, options), { instanceOf: TypeError, message })
  }
  const { cert, key } = makePki()
  for (const [options, message] of [
    [{}, /cert/],
    [{ cert, key, ca: cert }, /ca/],
    [{ cert, key, localPort: 0 }, /localPort/],
  ]) {
    t.throws(() => new TLSServerSocket('127.0.0.1', options), { instanceOf: TypeError, message })
  }
  t.throws(() => new TLSServerSocket('127.0.0.1'), { instanceOf: TypeError, message: /at least 2/ })
})

test('a TLSServerSocket accepts connections whose handshake is done, one for each read', async (t) => {
  const { readable, localPort } = await serve(t, { alpnProtocols: ['proto'] })
  const client = tls.connect({
    port: localPort,
    host: '127.0.0.1',
    ca: makePki().ca,
    servername: 'localhost',
    ALPNProtocols: ['proto'],
  })
  t.teardown(() => client.destroy())
  client.on('error', () => {})
  const secured = once(client, 'secureConnect')
  const { value: connection } = await next(readable)
  t.true(connection instanceof TLSSocket)
  const { alpn, readable: input, writable } = await disposed(t, connection).opened
  t.is(alpn, 'proto')
  await secured
  client.write('hello')
  t.is(text((await next(input)).value), 'hello')
  await send(writable, bytes('and back'))
  t.is(String((await once(client, 'data'))[0]), 'and back')
  client.end()
  t.true((await next(input)).done)
  await writable.close()
  t.is(await connection.closed, undefined)
})

test('who does not speak TLS is none of its connections', async (t) => {
  const { readable, localPort } = await serve(t)
  const stranger = disposed(t, new TCPSocket('127.0.0.1', localPort))
  const { writable } = await stranger.opened
  const reading = next(readable)
  await send(writable, bytes('GET / HTTP/1.1\r\n\r\n'))
  const { socket } = await open(t, localPort)
  const { value: connection } = await reading
  const { remotePort } = await disposed(t, connection).opened
  t.is(remotePort, (await socket.opened).localPort)
})

test('clients that connect and stay silent keep nobody waiting', async (t) => {
  const { readable, localPort } = await serve(t)
  const reading = next(readable)
  for (let i = 0; i < 50; i++) {
    const silent = net.connect(localPort, '127.0.0.1').on('error', () => {})
    t.teardown(() => silent.destroy())
    await once(silent, 'connect')
  }
  const { localPort: ours } = await open(t, localPort)
  const { value: connection } = await reading
  t.is((await disposed(t, connection).opened).remotePort, ours)
})

test('connections that are secure before anybody asks for them come when somebody does', async (t) => {
  const { readable, localPort } = await serve(t)
  const reader = readable.getReader()
  const reading = reader.read()
  const clients = await Promise.all(Array.from({ length: 5 }, () => open(t, localPort)))
  const seen = [(await reading).value]
  while (seen.length < clients.length) seen.push((await reader.read()).value)
  const ports = await Promise.all(seen.map(async (socket) => (await disposed(t, socket).opened).remotePort))
  const expected = clients.map((client) => client.localPort)
  const sorted = (list) => [...list].sort((a, b) => a - b)
  t.deepEqual(sorted(ports), sorted(expected))
})
