'use strict'

// F-DS-42 to 54 of the specification (docs/direct.md): UDPSocket of Direct Sockets, and sockets of node:dgram.

const dgram = require('node:dgram')
const { once } = require('node:events')

const test = require('ava')

const { UDPSocket } = require('moz-tcp-socket/direct')
const { hasIPv6, testOn } = require('../../helpers/needs.js')
const { bytes, disposed, pattern, reasonOf, text } = require('./support.js')

const isNamed = (t, error, name) => {
  t.true(error instanceof DOMException, `${error}`)
  t.is(error.name, name)
}

/** An open socket, with what `opened` tells, a reader and a writer. */
async function open(t, options) {
  const socket = disposed(t, new UDPSocket(options))
  const info = await socket.opened
  return { socket, ...info, reader: info.readable.getReader(), writer: info.writable.getWriter() }
}

const bound = (t, options) => open(t, { localAddress: '127.0.0.1', ...options })

const connected = (t, remotePort, options) => open(t, { remoteAddress: '127.0.0.1', remotePort, ...options })

/** A socket of node:dgram on loopback. */
async function peer(t) {
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

test('F-DS-42: a bound socket echoes 150 datagrams of 1 to 150 bytes to a connected one', async (t) => {
  const server = await bound(t)
  const client = await connected(t, server.localPort)
  t.is(client.remoteAddress, '127.0.0.1')
  t.is(client.remotePort, server.localPort)
  let received = 0
  for (let size = 1; size <= 150; size++) {
    await client.writer.ready
    await client.writer.write({ data: pattern(size, received) })
    const { value: request } = await server.reader.read()
    t.is(request.remoteAddress, client.localAddress)
    t.is(request.remotePort, client.localPort)
    await server.writer.write(request)
    const { value: answer } = await client.reader.read()
    t.deepEqual(answer.data, pattern(size, received))
    received += size
  }
  t.is(received, 11_325)
  for (const { socket, reader, writer } of [client, server]) {
    reader.releaseLock()
    writer.releaseLock()
    t.is(await socket.close(), undefined)
    t.is(await socket.closed, undefined)
  }
})

test('F-DS-43: what a connected socket gets has no address, what a bound one gets has', async (t) => {
  const server = await bound(t)
  const client = await connected(t, server.localPort)
  await client.writer.write({ data: bytes('hello') })
  const { value: request } = await server.reader.read()
  t.deepEqual(Object.keys(request), ['data', 'remoteAddress', 'remotePort'])
  t.true(request.data instanceof Uint8Array)
  t.is(request.data.byteOffset, 0)
  t.is(request.data.buffer.byteLength, request.data.byteLength)
  await server.writer.write(request)
  const { value: answer } = await client.reader.read()
  t.is(text(answer.data), 'hello')
  t.is(answer.remoteAddress, undefined)
  t.is(answer.remotePort, undefined)
})

test('a connected socket hears its peer alone', async (t) => {
  const server = await bound(t)
  const client = await connected(t, server.localPort)
  const stranger = await peer(t)
  await new Promise((resolve) => stranger.send('stranger', client.localPort, '127.0.0.1', resolve))
  await server.writer.write({ data: bytes('peer'), remoteAddress: '127.0.0.1', remotePort: client.localPort })
  t.is(text((await client.reader.read()).value.data), 'peer')
})

test('F-DS-44: options that do not go together are TypeErrors', (t) => {
  for (const [options, message] of [
    [undefined, /remoteAddress or localAddress: one of the two is required/],
    [{}, /one of the two is required/],
    [{ remoteAddress: '127.0.0.1' }, /either needs the other/],
    [{ remotePort: 53 }, /either needs the other/],
    [
      { remoteAddress: '127.0.0.1', remotePort: 53, localAddress: '127.0.0.1' },
      /not for a socket with a remoteAddress/,
    ],
    [
      { remoteAddress: '127.0.0.1', remotePort: 53, localPort: 5300 },
      /not for a socket with a remoteAddress/,
    ],
    [{ localPort: 5300 }, /localPort needs localAddress/],
    [{ localAddress: 'localhost' }, /^localAddress "localhost"/],
    [{ localAddress: '127.0.0.1', localPort: 0 }, /^localPort 0/],
    [{ localAddress: '127.0.0.1', dnsQueryType: 'ipv4' }, /^dnsQueryType/],
    [{ localAddress: '127.0.0.1', ipv6Only: false }, /^ipv6Only false/],
    [{ localAddress: '127.0.0.1', ipv6Only: true }, /^ipv6Only true/],
    [{ remoteAddress: '127.0.0.1', remotePort: 53, ipv6Only: true }, /^ipv6Only/],
    [{ localAddress: '127.0.0.1', sendBufferSize: 0 }, /^sendBufferSize 0/],
    [{ remoteAddress: '127.0.0.1', remotePort: 53, receiveBufferSize: 0 }, /^receiveBufferSize 0/],
    [{ remoteAddress: '127.0.0.1', remotePort: 65_536 }, /^remotePort 65536/],
    [{ remoteAddress: '127.0.0.1', remotePort: 53, dnsQueryType: 'any' }, /^dnsQueryType "any"/],
    [{ localAddress: '127.0.0.1', multicastTimeToLive: 256 }, /^multicastTimeToLive 256/],
    [{ localAddress: '127.0.0.1', multicastTimeToLive: -1 }, /^multicastTimeToLive -1/],
    [53, /^options 53/],
  ]) {
    t.throws(() => new UDPSocket(options), { instanceOf: TypeError, message }, JSON.stringify(options))
  }
})

test('F-DS-45: remote port 0 is a NetworkError of both promises', async (t) => {
  const socket = new UDPSocket({ remoteAddress: '127.0.0.1', remotePort: 0 })
  const error = await reasonOf(socket.opened)
  isNamed(t, error, 'NetworkError')
  t.is(await reasonOf(socket.closed), error)
})

test('a name that cannot be looked up, and an address of another machine, are NetworkErrors', async (t) => {
  for (const options of [
    { remoteAddress: 'no-such-host.invalid', remotePort: 53 },
    { remoteAddress: 'no host', remotePort: 53 },
    { localAddress: '192.0.2.1' },
  ]) {
    const socket = new UDPSocket(options)
    const error = await reasonOf(socket.opened)
    isNamed(t, error, 'NetworkError')
    t.truthy(error.cause)
    t.is(await reasonOf(socket.closed), error)
  }
})

test('a port that is taken is a NetworkError with the system’s error', async (t) => {
  const { localPort } = await bound(t)
  const error = await reasonOf(new UDPSocket({ localAddress: '127.0.0.1', localPort }).opened)
  isNamed(t, error, 'NetworkError')
  t.is(error.cause.code, 'EADDRINUSE')
  t.is(error.cause.syscall, 'bind')
})

for (const [title, make, message, given] of [
  ['nothing', bound, {}],
  ['an address alone', bound, { remoteAddress: '127.0.0.1' }],
  ['a port alone', bound, { remotePort: 53 }],
  ['data alone', bound, {}, true],
  ['data and an address', bound, { remoteAddress: '127.0.0.1' }, true],
  ['data and a port', bound, { remotePort: 53 }, true],
  ['an address', connected, { remoteAddress: '127.0.0.1', remotePort: 53 }, true],
  ['a family', connected, { dnsQueryType: 'ipv4' }, true],
  ['nothing', connected, {}],
]) {
  test(`F-DS-46: writing ${title} to a ${make.name} socket is a TypeError`, async (t) => {
    const { writer } = await (make === bound ? bound(t) : connected(t, (await bound(t)).localPort))
    const error = await reasonOf(writer.write(given ? { data: bytes('x'), ...message } : message))
    t.true(error instanceof TypeError, `${error}`)
    t.is(await reasonOf(writer.closed), error)
  })
}

test('F-DS-47: an empty datagram is not sent: a TypeError', async (t) => {
  const { writer } = await connected(t, (await bound(t)).localPort)
  t.true((await reasonOf(writer.write({ data: new Uint8Array(0) }))) instanceof TypeError)
})

test('F-DS-48: an empty datagram is received', async (t) => {
  const server = await bound(t)
  const sender = await peer(t)
  sender.send(new Uint8Array(0), server.localPort, '127.0.0.1')
  t.is((await server.reader.read()).value.data.byteLength, 0)
})

test('F-DS-49: a write after close() rejects: the stream is closed', async (t) => {
  const { socket, reader, writer, writable } = await bound(t)
  reader.releaseLock()
  writer.releaseLock()
  await socket.close()
  const error = await reasonOf(
    writable.getWriter().write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: 53 }),
  )
  isNamed(t, error, 'AbortError')
  t.is(error.message, 'Stream closed.')
})

test('F-DS-50: a read that waits is done when the reader cancels', async (t) => {
  const { reader } = await bound(t)
  const read = reader.read()
  await reader.cancel()
  t.deepEqual(await read, { value: undefined, done: true })
})

test('F-DS-51: close() of a locked socket rejects, and fulfils when the lock is given back', async (t) => {
  const { socket, reader, writer } = await bound(t)
  isNamed(t, await reasonOf(socket.close()), 'InvalidStateError')
  writer.releaseLock()
  isNamed(t, await reasonOf(socket.close()), 'InvalidStateError')
  reader.releaseLock()
  t.is(await socket.close(), undefined)
  t.is(await socket.closed, undefined)
})

test('F-DS-52: a peer that is not there fails a read that waits, the next write, and closed', async (t) => {
  const gone = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address()
  gone.close()
  await once(gone, 'close')
  const { socket, reader, writer } = await connected(t, port)
  const read = reasonOf(reader.read())
  const write = (async () => {
    for (;;) {
      await writer.write({ data: bytes('x') })
      await new Promise(setImmediate)
    }
  })()
  for (const error of [await read, await reasonOf(write), await reasonOf(socket.closed)]) {
    isNamed(t, error, 'NetworkError')
    t.is(error.cause.code, 'ECONNREFUSED')
  }
})

test('F-DS-53: a write that the system refuses rejects, and ends writing alone', async (t) => {
  const { socket, reader, writer, localPort } = await bound(t)
  const error = await reasonOf(
    writer.write({ data: new Uint8Array(65_508), remoteAddress: '127.0.0.1', remotePort: localPort }),
  )
  isNamed(t, error, 'NetworkError')
  t.is(error.cause.code, 'EMSGSIZE')
  t.is(await reasonOf(writer.closed), error)
  const sender = await peer(t)
  sender.send('still heard', localPort, '127.0.0.1')
  t.is(text((await reader.read()).value.data), 'still heard')
  await reader.cancel()
  t.is(await reasonOf(socket.closed), error)
})

test('a bound socket lives on where nobody listens at the place it sends to', async (t) => {
  const gone = await bound(t)
  const { localPort: port } = gone
  await gone.socket[Symbol.asyncDispose]()
  const { writer, reader, localPort } = await bound(t)
  const sender = await peer(t)
  for (let i = 0; i < 10; i++) {
    await writer.write({ data: bytes('x'), remoteAddress: '127.0.0.1', remotePort: port })
    await new Promise(setImmediate)
  }
  sender.send('heard', localPort, '127.0.0.1')
  t.is(text((await reader.read()).value.data), 'heard')
})

test('F-DS-54: 32 datagrams wait for a reader here, and others in the kernel, in their order', async (t) => {
  const { reader, localPort } = await bound(t)
  const sender = await peer(t)
  for (let i = 0; i < 100; i++) {
    await new Promise((resolve) => sender.send(`${i}`, localPort, '127.0.0.1', resolve))
  }
  for (let i = 0; i < 100; i++) t.is(text((await reader.read()).value.data), `${i}`)
})

test('what nobody reads is lost when the kernel has no room, and the process takes no memory for it', async (t) => {
  const { reader, localPort } = await bound(t, { receiveBufferSize: 4096 })
  const sender = await peer(t)
  const size = 60_000
  for (let i = 0; i < 500; i++) {
    await new Promise((resolve) => sender.send(new Uint8Array(size).fill(i), localPort, '127.0.0.1', resolve))
  }
  t.is((await reader.read()).value.data.length, size)
  let more = 0
  for (const end = sender.send('end', localPort, '127.0.0.1'); ; more++) {
    const next = await Promise.race([reader.read(), new Promise((resolve) => setTimeout(resolve, 200))])
    if (next === undefined) break
    void end
  }
  t.true(more < 100, `${more} were kept`)
})

test('closing the writable sends nothing, and the socket closes when both sides have ended', async (t) => {
  const server = await bound(t)
  const client = await connected(t, server.localPort)
  await client.writer.close()
  await server.writer.write({
    data: bytes('still'),
    remoteAddress: '127.0.0.1',
    remotePort: client.localPort,
  })
  t.is(text((await client.reader.read()).value.data), 'still')
  await client.reader.cancel()
  t.is(await client.socket.closed, undefined)
})

test('abort() of the writable rejects closed with its reason when reading has ended as well', async (t) => {
  const { socket, reader, writer } = await bound(t)
  const reason = new Error('enough')
  await writer.abort(reason)
  await reader.cancel()
  t.is(await reasonOf(socket.closed), reason)
})

testOn(
  test,
  hasIPv6,
  'IPv6',
)('a socket of all addresses hears both families, unless it is ipv6Only', async (t) => {
  const both = await open(t, { localAddress: '::' })
  await (await connected(t, both.localPort)).writer.write({ data: bytes('4') })
  t.is((await both.reader.read()).value.remoteAddress, '127.0.0.1')
  const six = await open(t, { remoteAddress: '::1', remotePort: both.localPort })
  await six.writer.write({ data: bytes('6') })
  t.is((await both.reader.read()).value.remoteAddress, '::1')
  const only = await open(t, { localAddress: '::', ipv6Only: true })
  t.is(only.localAddress, '::')
})

test('a peer may be a name, and dnsQueryType chooses its family', async (t) => {
  const server = await bound(t)
  const client = await open(t, {
    remoteAddress: 'localhost',
    remotePort: server.localPort,
    dnsQueryType: 'ipv4',
  })
  t.is(client.remoteAddress, '127.0.0.1')
  await client.writer.write({ data: bytes('by name') })
  const { value } = await server.reader.read()
  t.is(text(value.data), 'by name')
  await server.writer.write({
    data: bytes('to a name'),
    remoteAddress: 'localhost',
    remotePort: client.localPort,
    dnsQueryType: 'ipv4',
  })
  t.is(text((await client.reader.read()).value.data), 'to a name')
})

test('however many come while somebody reads, 32 wait here', async (t) => {
  const { reader, localPort } = await bound(t, { receiveBufferSize: 8192 })
  const sender = await peer(t)
  const data = new Uint8Array(1000)
  const flood = async (count) => {
    for (let i = 0; i < count; i++)
      await new Promise((resolve) => sender.send(data, localPort, '127.0.0.1', resolve))
  }
  const read = reader.read()
  await flood(1)
  await read
  for (let i = 0; i < 20; i++) {
    await flood(200)
    await reader.read()
  }
  await flood(200)
  let left = 0
  for (; ; left++) {
    const next = await Promise.race([reader.read(), new Promise((resolve) => setTimeout(resolve, 200))])
    if (next === undefined) break
  }
  // What the kernel holds comes to that.
  t.true(left < 64, `${left}`)
})

test('what somebody puts on Object.prototype is no destination', async (t) => {
  const server = await bound(t)
  const evil = await bound(t)
  const client = await connected(t, server.localPort)
  const { prototype } = Object
  Object.defineProperty(prototype, 'host', { value: '127.0.0.1', configurable: true })
  Object.defineProperty(prototype, 'port', { value: evil.localPort, configurable: true })
  try {
    await client.writer.write({ data: bytes('to the peer') })
  } finally {
    delete prototype.host
    delete prototype.port
  }
  t.is(text((await server.reader.read()).value.data), 'to the peer')
})
