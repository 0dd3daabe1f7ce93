'use strict'

// F-W3C-22 to 25 of the specification (docs/w3c.md): UDPSocket of the draft with streams.

const dgram = require('node:dgram')
const { execFile } = require('node:child_process')
const { once } = require('node:events')
const { promisify } = require('node:util')

const test = require('ava')

const { setPolicy } = require('moz-tcp-socket')
const { UDPSocket } = require('moz-tcp-socket/w3c')
const { hasIPv6, testOn } = require('../../helpers/needs.js')
const { reasonOf } = require('../helpers/peers.js')
const { stateAt, text } = require('./support.js')

const run = promisify(execFile)

const HERE = { localAddress: '127.0.0.1' }

const bytes = (string) => new TextEncoder().encode(string)

/** An open socket. */
async function open(t, options) {
  const socket = new UDPSocket(options)
  t.teardown(() => socket.close().catch(() => {}))
  await socket.opened
  return socket
}

/** A datagram socket of Node's, and a function that returns the next message with its sender. */
async function peerOf(t, type = 'udp4', address = '127.0.0.1') {
  const peer = dgram.createSocket(type)
  t.teardown(() => peer.close())
  peer.bind(0, address)
  await once(peer, 'listening')
  const next = async () => {
    const [data, { port }] = await once(peer, 'message')
    return { data: String(data), port }
  }
  return { peer, port: peer.address().port, next }
}

test('attributes of a new socket are as given, or null, until it is open', async (t) => {
  const socket = new UDPSocket()
  t.teardown(() => socket.close().catch(() => {}))
  t.like(socket, {
    localAddress: null,
    localPort: null,
    remoteAddress: null,
    remotePort: null,
    addressReuse: true,
    loopback: false,
    readyState: 'opening',
  })
  t.is(await stateAt(socket.opened, socket), 'open')
  t.is(await socket.opened, undefined)
  t.is(socket.localAddress, '0.0.0.0')
  t.true(socket.localPort > 0)
  t.is(String(socket), '[object UDPSocket]')
  t.is(socket.writeable, socket.writable)
  t.is(socket.readable, socket.readable)
})

test('options that cannot be are errors of the constructor', (t) => {
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  for (const options of [
    { localAddress: 'localhost' },
    { localAddress: '' },
    { localPort: 0 },
    { remoteAddress: '' },
    { remoteAddress: 'a b' },
    { remotePort: 0 },
  ]) {
    t.throws(() => new UDPSocket(options), invalid, JSON.stringify(options))
  }
  for (const options of [5, { localPort: 65_536 }, { remotePort: 'x' }]) {
    t.throws(() => new UDPSocket(options), { instanceOf: TypeError }, JSON.stringify(options))
  }
})

test('a place that cannot be bound rejects both promises', async (t) => {
  const { port } = await peerOf(t)
  for (const [options, code] of [
    [{ localAddress: '192.0.2.0' }, 'EADDRNOTAVAIL'],
    [{ ...HERE, localPort: port, addressReuse: false }, 'EADDRINUSE'],
  ]) {
    const socket = new UDPSocket(options)
    const reason = await reasonOf(socket.opened)
    t.true(reason instanceof DOMException)
    t.is(reason.name, 'NetworkError')
    t.like(reason.cause, { code, syscall: 'bind' })
    t.is(await reasonOf(socket.closed), reason)
    t.is(await reasonOf(socket.readable.getReader().read()), reason)
    t.is(socket.readyState, 'closed')
  }
})

test('F-W3C-22: a message goes where it says, or where the options say', async (t) => {
  const [one, other] = [await peerOf(t), await peerOf(t)]
  const socket = new UDPSocket({ remoteAddress: '127.0.0.1', remotePort: one.port })
  t.teardown(() => socket.close().catch(() => {}))
  const first = one.next()
  // Before it is open, too.
  await socket.writeable.write({ data: bytes('to the one').buffer })
  t.deepEqual(await first, { data: 'to the one', port: socket.localPort })
  const second = other.next()
  const writer = socket.writeable.getWriter()
  await writer.write({ data: new DataView(bytes('to another').buffer, 3), remotePort: String(other.port) })
  t.is((await second).data, 'another')
  const third = other.next()
  await writer.write({ data: bytes(''), remoteAddress: 'localhost', remotePort: other.port })
  t.is((await third).data, '')
  const fourth = one.next()
  await writer.write({ data: bytes('again'), remoteAddress: null, remotePort: undefined })
  t.is((await fourth).data, 'again')
})

test('F-W3C-22: a message without a destination is an InvalidAccessError', async (t) => {
  for (const [options, message] of [
    [{}, { data: bytes('x') }],
    [{}, { data: bytes('x'), remoteAddress: '127.0.0.1' }],
    [{ remoteAddress: '127.0.0.1' }, { data: bytes('x') }],
    [{ remotePort: 9 }, { data: bytes('x') }],
    [{}, { data: bytes('x'), remoteAddress: '', remotePort: 9 }],
    [{}, { data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: 0 }],
  ]) {
    const socket = await open(t, { ...HERE, ...options })
    const reason = await reasonOf(socket.writeable.write(message))
    t.true(reason instanceof DOMException)
    t.is(reason.name, 'InvalidAccessError')
    // Reading goes on.
    const { peer } = await peerOf(t)
    peer.send('still', socket.localPort, '127.0.0.1')
    t.is(text((await socket.readable.getReader().read()).value.data), 'still')
    t.is(socket.readyState, 'open')
    t.is(await socket.close(), undefined)
  }
})

test('F-W3C-22: what is no message is a TypeError', async (t) => {
  const to = { remoteAddress: '127.0.0.1', remotePort: 9 }
  for (const message of [
    undefined,
    5,
    'text',
    {},
    { ...to },
    { data: 'text', ...to },
    { data: new SharedArrayBuffer(1), ...to },
    { data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: 65_536 },
    { data: bytes('x'), remoteAddress: Symbol('x'), remotePort: 9 },
  ]) {
    const socket = await open(t, HERE)
    t.true((await reasonOf(socket.writeable.write(message))) instanceof TypeError)
  }
})

test('F-W3C-22: what the system refuses is a NetworkError of the write', async (t) => {
  const socket = await open(t, { remoteAddress: '127.0.0.1', remotePort: 9 })
  const reason = await reasonOf(socket.writeable.write({ data: new Uint8Array(65_508) }))
  t.is(reason.name, 'NetworkError')
  t.like(reason.cause, { code: 'EMSGSIZE', syscall: 'send' })
})

test('F-W3C-22: a name that nobody has is a NetworkError of the write', async (t) => {
  const socket = await open(t, HERE)
  const reason = await reasonOf(
    socket.writeable.write({ data: bytes('x'), remoteAddress: 'name.invalid', remotePort: 9 }),
  )
  t.is(reason.name, 'NetworkError')
})

test('F-W3C-22: that nobody listens at one place ends no writing', async (t) => {
  const { peer, port, next } = await peerOf(t)
  const nobody = dgram.createSocket('udp4')
  nobody.bind(0, '127.0.0.1')
  await once(nobody, 'listening')
  const { port: closed } = nobody.address()
  nobody.close()
  const socket = await open(t, HERE)
  const writer = socket.writeable.getWriter()
  for (let i = 0; i < 5; i++) {
    await writer.write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: closed })
  }
  const coming = next()
  await writer.write({ data: bytes('still'), remoteAddress: '127.0.0.1', remotePort: port })
  t.is((await coming).data, 'still')
  t.true(peer instanceof dgram.Socket)
})

test('F-W3C-23: a message has an ArrayBuffer, and who sent it', async (t) => {
  const socket = await open(t, HERE)
  const { peer, port } = await peerOf(t)
  const reader = socket.readable.getReader()
  for (const sent of ['one', '', 'three']) {
    peer.send(sent, socket.localPort, '127.0.0.1')
    const { value, done } = await reader.read()
    t.false(done)
    t.true(value.data instanceof ArrayBuffer)
    t.is(text(value.data), sent)
    t.is(value.data.byteLength, sent.length)
    t.is(value.remoteAddress, '127.0.0.1')
    t.is(value.remotePort, port)
  }
})

test('F-W3C-23: it receives from everybody, whatever its default destination is', async (t) => {
  const { port } = await peerOf(t)
  const socket = await open(t, { ...HERE, remoteAddress: '127.0.0.1', remotePort: port })
  const stranger = await peerOf(t)
  stranger.peer.send('hello', socket.localPort, '127.0.0.1')
  t.is((await socket.readable.getReader().read()).value.remotePort, stranger.port)
})

test('F-W3C-23: messages wait for a reader, in order', async (t) => {
  const socket = await open(t, HERE)
  const { peer } = await peerOf(t)
  for (let i = 0; i < 100; i++) peer.send(String(i), socket.localPort, '127.0.0.1')
  const reader = socket.readable.getReader()
  for (let i = 0; i < 100; i++) t.is(text((await reader.read()).value.data), String(i))
})

testOn(
  test,
  hasIPv6,
  'IPv6',
)('F-W3C-23: over IPv6', async (t) => {
  const { peer, port, next } = await peerOf(t, 'udp6', '::1')
  const socket = await open(t, { remoteAddress: '::1', remotePort: port })
  t.is(socket.localAddress, '::')
  const coming = next()
  await socket.writeable.write({ data: bytes('six') })
  t.is((await coming).data, 'six')
  peer.send('back', socket.localPort, '::1')
  t.is((await socket.readable.getReader().read()).value.remoteAddress, '::1')
})

for (const isLocked of [false, true]) {
  test(`F-W3C-24: ${isLocked ? 'close()' : 'cancelling readable'} sends what is queued`, async (t) => {
    const { peer, port } = await peerOf(t)
    const arrived = []
    const all = new Promise((resolve) =>
      peer.on('message', (data) => arrived.push(String(data)) === 20 && resolve()),
    )
    const socket = await open(t, { ...HERE, remoteAddress: '127.0.0.1', remotePort: port })
    const writer = isLocked ? socket.writeable.getWriter() : socket.writeable
    const reading = isLocked ? socket.readable.getReader().read() : undefined
    const writes = Array.from({ length: 20 }, (_, i) => writer.write({ data: bytes(String(i)) }))
    const { closed } = socket
    const closing = isLocked ? socket.close() : socket.readable.cancel('enough')
    t.is(socket.readyState, 'closed')
    if (isLocked) t.is(closing, closed)
    if (isLocked) t.true((await reading).done)
    await Promise.all(writes)
    await all
    t.deepEqual(
      arrived,
      Array.from({ length: 20 }, (_, i) => String(i)),
    )
    t.is(await stateAt(closed, socket), 'closed')
    t.is(await closed, undefined)
    t.is(socket.close(), closed)
    t.truthy(await reasonOf(writer.write({ data: bytes('more') })))
  })
}

test('F-W3C-24: close() in the turn of the constructor', async (t) => {
  const socket = new UDPSocket(HERE)
  const written = socket.writeable.write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: 9 })
  written.catch(() => {})
  t.is(socket.close(), socket.closed)
  t.is(socket.readyState, 'closed')
  const reason = await reasonOf(socket.opened)
  t.true(reason instanceof DOMException)
  t.is(reason.name, 'AbortError')
  t.is(await socket.closed, undefined)
})

test('closing writeable ends writing alone', async (t) => {
  const socket = await open(t, HERE)
  const { peer } = await peerOf(t)
  await socket.writeable.close()
  t.is(socket.readyState, 'open')
  peer.send('still', socket.localPort, '127.0.0.1')
  t.is(text((await socket.readable.getReader().read()).value.data), 'still')
})

test('F-W3C-25: an SSDP search is answered by a device in the group', async (t) => {
  const GROUP = '239.255.255.250'
  const device = await open(t, { loopback: true })
  device.joinMulticast(GROUP)
  const answering = (async () => {
    const { value } = await device.readable.getReader().read()
    t.regex(text(value.data), /^M-SEARCH \* HTTP\/1\.1\r\nST: upnp:rootdevice\r\n/)
    const { remoteAddress, remotePort } = value
    await device.writeable.write({ data: bytes('HTTP/1.1 200 OK\r\n\r\n'), remoteAddress, remotePort })
  })()
  // As the draft's example has it, but for the port, on which the whole machine may listen.
  const socket = new UDPSocket({ loopback: true })
  t.teardown(() => socket.close().catch(() => {}))
  socket.joinMulticast(GROUP)
  const search = `M-SEARCH * HTTP/1.1\r\nST: upnp:rootdevice\r\nMAN: "ssdp:discover"\r\nHOST: ${GROUP}:1900\r\nMX: 10`
  await socket.writeable.write({
    data: bytes(search).buffer,
    remoteAddress: GROUP,
    remotePort: device.localPort,
  })
  const { value } = await socket.readable.getReader().read()
  t.is(text(value.data), 'HTTP/1.1 200 OK\r\n\r\n')
  t.is(value.remotePort, device.localPort)
  await answering
  device.leaveMulticast(GROUP)
  await socket.close()
})

test('F-W3C-25: what is no group is an InvalidAccessError, and a closed socket has none', async (t) => {
  const invalid = { instanceOf: DOMException, name: 'InvalidAccessError', any: true }
  const socket = new UDPSocket(HERE)
  for (const address of ['127.0.0.1', 'group.example', '', '240.0.0.1', undefined]) {
    t.throws(() => socket.joinMulticast(address), invalid, String(address))
    t.throws(() => socket.leaveMulticast(address), invalid, String(address))
  }
  t.throws(() => socket.joinMulticast(), { instanceOf: TypeError })
  await socket.opened
  await socket.close()
  const wrongState = { instanceOf: DOMException, name: 'InvalidStateError', any: true }
  t.throws(() => socket.joinMulticast('239.255.255.250'), wrongState)
  t.throws(() => socket.leaveMulticast('239.255.255.250'), wrongState)
})

test('F-W3C-25: a group that the system refuses closes the socket', async (t) => {
  const opening = new UDPSocket({ localAddress: '127.0.0.1' })
  opening.joinMulticast('ff02::fb')
  const reason = await reasonOf(opening.opened)
  t.is(reason.name, 'NetworkError')
  t.is(reason.cause.syscall, 'joinMulticast')
  t.is(await reasonOf(opening.closed), reason)
  const socket = await open(t, HERE)
  const reading = socket.readable.getReader().read()
  socket.joinMulticast('ff02::fb')
  t.is(socket.readyState, 'closed')
  const other = await reasonOf(socket.closed)
  t.is(other.name, 'NetworkError')
  t.is(await reasonOf(reading), other)
})

test.serial(
  'F-W3C-26: a datagram to a place that the policy does not allow is a SecurityError',
  async (t) => {
    const { port, next } = await peerOf(t)
    t.teardown(() => setPolicy(null))
    setPolicy({
      permissions: { 'raw-socket': ({ remotePort = port }) => (remotePort === port ? 'granted' : 'denied') },
    })
    const socket = await open(t, HERE)
    const coming = next()
    await socket.writeable.write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: port })
    await coming
    const reason = await reasonOf(
      socket.writeable.write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: 9 }),
    )
    setPolicy(null)
    t.true(reason instanceof DOMException)
    t.is(reason.name, 'SecurityError')
  },
)

test('of a flood that nobody reads a few hundred messages are kept', async (t) => {
  const socket = await open(t, HERE)
  const { peer } = await peerOf(t)
  const block = Buffer.alloc(1400)
  for (let i = 0; i < 5000; i++) {
    peer.send(block, socket.localPort, '127.0.0.1')
    if (i % 16 === 0) await new Promise(setImmediate)
  }
  const reader = socket.readable.getReader()
  for (let i = 0; i < 256; i++) t.is((await reader.read()).value.data.byteLength, 1400)
  let more = 0
  for (;;) {
    peer.send('marker', socket.localPort, '127.0.0.1')
    const { value } = await reader.read()
    if (value.data.byteLength !== 1400) break
    more++
  }
  // What the kernel has room for.
  t.true(more < 2000, String(more))
})

test('unref() lets the process end, and no failure is an unhandled rejection', async (t) => {
  const code = `
    const { UDPSocket } = require('moz-tcp-socket/w3c')
    new UDPSocket().unref()
    new UDPSocket({ localAddress: '192.0.2.0' })
    const socket = new UDPSocket()
    socket.close()`
  await t.notThrowsAsync(run(process.execPath, ['-e', code], { cwd: __dirname, timeout: 30_000 }))
})
