'use strict'

// UDPSocket of the draft with events (docs/w3c.md).

const dgram = require('node:dgram')
const { once } = require('node:events')

const test = require('ava')

const { SocketErrorEvent, UDPMessageEvent, UDPSocket } = require('moz-tcp-socket/w3c/events')

const HERE = { localAddress: '127.0.0.1' }

const next = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }))

async function open(t, options) {
  const socket = new UDPSocket(options)
  t.teardown(() => socket.close())
  await next(socket, 'open')
  return socket
}

async function peerOf(t) {
  const peer = dgram.createSocket('udp4')
  t.teardown(() => peer.close())
  peer.bind(0, '127.0.0.1')
  await once(peer, 'listening')
  return { peer, port: peer.address().port }
}

test('attributes of a new socket are as given, or null, until it is open', async (t) => {
  const socket = new UDPSocket()
  t.teardown(() => socket.close())
  t.like(socket, {
    localAddress: null,
    localPort: null,
    remoteAddress: null,
    remotePort: null,
    addressReuse: true,
    loopback: false,
    bufferedAmount: 0,
    readyState: 'opening',
    onopen: null,
    onmessage: null,
    ondrain: null,
    onerror: null,
  })
  const wrongState = { instanceOf: DOMException, name: 'InvalidStateError', any: true }
  t.throws(() => socket.send('x', '127.0.0.1', 9), wrongState)
  await next(socket, 'open')
  t.is(socket.readyState, 'open')
  t.is(socket.localAddress, '0.0.0.0')
  t.true(socket.localPort > 0)
  socket.close()
  t.is(socket.readyState, 'closed')
  t.throws(() => socket.send('x', '127.0.0.1', 9), wrongState)
  t.throws(() => socket.joinMulticast('224.0.0.251'), wrongState)
})

test('strings, Blobs, ArrayBuffers and views arrive in the order of the calls', async (t) => {
  const { peer, port } = await peerOf(t)
  const arrived = []
  const all = new Promise((resolve) =>
    peer.on('message', (data) => arrived.push(String(data)) === 5 && resolve()),
  )
  const socket = await open(t, { remoteAddress: '127.0.0.1', remotePort: port })
  t.true(socket.send('é'))
  t.true(socket.send(new Blob(['b', 'lob'])))
  t.is(socket.bufferedAmount, 4)
  t.true(socket.send(new Uint8Array([99]).buffer, null, null))
  t.true(socket.send(new DataView(new Uint8Array([1, 100]).buffer, 1), '127.0.0.1', String(port)))
  t.true(socket.send('', 'localhost', port))
  await all
  t.deepEqual(arrived, ['é', 'blob', 'c', 'd', ''])
  t.is(socket.bufferedAmount, 0)
})

test('a message says who sent it', async (t) => {
  const socket = await open(t, HERE)
  const { peer, port } = await peerOf(t)
  const coming = next(socket, 'message')
  peer.send('hello', socket.localPort, '127.0.0.1')
  const event = await coming
  t.true(event instanceof UDPMessageEvent)
  t.true(event.data instanceof ArrayBuffer)
  t.is(Buffer.from(event.data).toString(), 'hello')
  t.is(event.remoteAddress, '127.0.0.1')
  t.is(event.remotePort, port)
  t.is(event.target, socket)
})

test('destinations and lengths that cannot be are errors of send()', async (t) => {
  const socket = await open(t, HERE)
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  t.throws(() => socket.send('x'), invalid)
  t.throws(() => socket.send('x', '127.0.0.1'), invalid)
  t.throws(() => socket.send('x', '', 9), invalid)
  t.throws(() => socket.send('x', '127.0.0.1', 0), invalid)
  t.throws(() => socket.send('x', '127.0.0.1', 65_536), { instanceOf: TypeError })
  t.throws(() => socket.send(new Uint8Array(65_508), '127.0.0.1', 9), { instanceOf: RangeError })
  t.throws(() => socket.send(new SharedArrayBuffer(1), '127.0.0.1', 9), { instanceOf: TypeError })
  t.throws(() => socket.send(), { instanceOf: TypeError })
  t.is(socket.readyState, 'open')
})

test('a place that cannot be bound is an error, and the socket is closed', async (t) => {
  const { port } = await peerOf(t)
  const socket = new UDPSocket({ ...HERE, localPort: port, addressReuse: false })
  t.is(socket.readyState, 'opening')
  const event = await next(socket, 'error')
  t.true(event instanceof SocketErrorEvent)
  t.is(event.error.type, 'local_address_port_already_in_use')
  t.is(event.error.cause.code, 'EADDRINUSE')
  t.is(event.name, 'NetworkError')
  t.is(socket.readyState, 'closed')
})

test('a send that fails is an error, and the socket is closed', async (t) => {
  const socket = await open(t, HERE)
  const failing = next(socket, 'error')
  t.true(socket.send('x', 'name.invalid', 9))
  const { error } = await failing
  t.is(error.type, 'no_network_contact')
  t.is(error.name, 'NetworkError')
  t.is(socket.readyState, 'closed')
})

test('that nobody listens somewhere is no error', async (t) => {
  const { peer, port } = await peerOf(t)
  const nobody = dgram.createSocket('udp4')
  nobody.bind(0, '127.0.0.1')
  await once(nobody, 'listening')
  const { port: closed } = nobody.address()
  nobody.close()
  const socket = await open(t, HERE)
  socket.onerror = () => t.fail()
  const coming = once(peer, 'message')
  for (let i = 0; i < 5; i++) socket.send('x', '127.0.0.1', closed)
  await new Promise(setImmediate)
  socket.send('still', '127.0.0.1', port)
  t.is(String((await coming)[0]), 'still')
})

test('while it is suspended no message comes, and later they come in order', async (t) => {
  const socket = await open(t, HERE)
  const { peer } = await peerOf(t)
  const seen = []
  socket.onmessage = ({ data }) => seen.push(Buffer.from(data).toString())
  socket.suspend()
  socket.suspend()
  const sent = Array.from({ length: 10 }, (_, i) => String(i))
  for (const data of sent) peer.send(data, socket.localPort, '127.0.0.1')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.deepEqual(seen, [])
  socket.resume()
  while (seen.length < 10) await new Promise(setImmediate)
  t.deepEqual(seen, sent)
})

test('drain comes after a send() that answered false', async (t) => {
  const { peer, port } = await peerOf(t)
  peer.on('message', () => {})
  const socket = await open(t, { remoteAddress: '127.0.0.1', remotePort: port })
  // Behind a Blob everything waits.
  socket.send(new Blob([new Uint8Array(40_000)]))
  t.false(socket.send(new Uint8Array(40_000)))
  t.is(socket.bufferedAmount, 80_000)
  await next(socket, 'drain')
  t.is(socket.bufferedAmount, 0)
})

test('a group is joined before it is open, and heard', async (t) => {
  const GROUP = '224.0.0.254'
  const receiver = new UDPSocket({ loopback: true })
  t.teardown(() => receiver.close())
  receiver.joinMulticast(GROUP)
  await next(receiver, 'open')
  const coming = next(receiver, 'message')
  const sender = await open(t, { loopback: true })
  sender.send('to all', GROUP, receiver.localPort)
  t.is(Buffer.from((await coming).data).toString(), 'to all')
  receiver.leaveMulticast(GROUP)
  const failing = next(receiver, 'error')
  receiver.joinMulticast('ff02::fb')
  t.is((await failing).error.type, 'udp_error')
  t.is(receiver.readyState, 'closed')
})
