'use strict'

// An application's tests in Jest. The file runs in the `node` environment and in `jsdom`: values must be of the classes
// that the test sees, fake timers must not stop events, and Jest must be able to end.

const { TCPSocket, TCPServerSocket, TCPSocketErrorEvent, mozTCPSocket } = require('moz-tcp-socket')

/** Resolves with the next event of `type`. */
function next(target, type) {
  return new Promise((resolve) => target.addEventListener(type, resolve, { once: true }))
}

/** A client and its peer, both open. */
async function connected(options) {
  const server = new TCPServerSocket(0, { ...options, localAddress: '127.0.0.1' })
  const client = new TCPSocket('127.0.0.1', server.localPort, options)
  const [{ socket: peer }] = await Promise.all([next(server, 'connect'), next(client, 'open')])
  server.close()
  return { client, peer }
}

async function close({ client, peer }) {
  const closed = Promise.all([next(client, 'close'), next(peer, 'close')])
  client.close()
  await closed
}

afterEach(() => jest.useRealTimers())

test('an echo over loopback, with strings', async () => {
  const pair = await connected()
  pair.peer.ondata = ({ data }) => pair.peer.send(data)
  const answer = next(pair.client, 'data')
  expect(pair.client.send('hello')).toBe(true)
  expect((await answer).data).toBe('hello')
  await close(pair)
})

test('the data of an arraybuffer socket is an ArrayBuffer of this realm', async () => {
  const pair = await connected({ binaryType: 'arraybuffer' })
  const arrived = next(pair.client, 'data')
  pair.peer.send(Uint8Array.of(1, 2, 255).buffer)
  const { data } = await arrived
  expect(data instanceof ArrayBuffer).toBe(true)
  expect(data).toBeInstanceOf(ArrayBuffer)
  expect([...new Uint8Array(data)]).toEqual([1, 2, 255])
  await close(pair)
})

test('an ArrayBuffer, a view and a Buffer of this realm can be sent', async () => {
  const pair = await connected({ binaryType: 'arraybuffer' })
  const bytes = []
  const all = new Promise((resolve) => {
    pair.peer.ondata = ({ data }) => bytes.push(...new Uint8Array(data)) === 6 && resolve()
  })
  pair.client.send(new Uint8Array([1, 2]).buffer)
  pair.client.send(new Uint16Array([3]))
  pair.client.send(Buffer.from([5, 6]))
  await all
  expect(bytes).toEqual([1, 2, 3, 0, 5, 6])
  await close(pair)
})

test('exceptions are of the classes of this realm', () => {
  expect(() => new TCPSocket()).toThrow(TypeError)
  expect(() => new TCPSocket('127.0.0.1', 70000)).toThrow(RangeError)
  expect(() => new TCPSocket('127.0.0.1', 80, { ca: 'no certificate' })).toThrow(TypeError)
  expect(() => mozTCPSocket.send('not open')).toThrow(Error)
})

test('a port that is in use is an Error with a code', () => {
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  let thrown
  try {
    void new TCPServerSocket(server.localPort, { localAddress: '127.0.0.1' })
  } catch (error) {
    thrown = error
  }
  server.close()
  expect(thrown).toBeInstanceOf(Error)
  expect(thrown).toMatchObject({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1' })
})

test('events are of the exported classes, and their error is an Error of this realm', async () => {
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  const { localPort } = server
  server.close()
  const client = new TCPSocket('127.0.0.1', localPort)
  const closed = next(client, 'close')
  const event = await next(client, 'error')
  expect(event).toBeInstanceOf(TCPSocketErrorEvent)
  expect(event).toBeInstanceOf(Event)
  expect(event.name).toBe('ConnectionRefusedError')
  expect(event.data).toBeInstanceOf(Error)
  expect(event.data).toMatchObject({ name: 'ConnectionRefusedError', code: 'ECONNREFUSED' })
  await closed
})

test('fake timers do not stop events', async () => {
  jest.useFakeTimers()
  const pair = await connected({ binaryType: 'arraybuffer' })
  let received = 0
  const all = new Promise((resolve) => {
    pair.peer.ondata = ({ data }) => (received += data.byteLength) === 1 << 20 && resolve()
  })
  const drained = next(pair.client, 'drain')
  expect(pair.client.send(new ArrayBuffer(1 << 20))).toBe(false)
  await Promise.all([all, drained])
  await close(pair)
})

test('a module registry of its own has classes of its own that work', async () => {
  let other
  jest.isolateModules(() => {
    other = require('moz-tcp-socket')
  })
  expect(other.TCPSocket).not.toBe(TCPSocket)
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  const client = new other.TCPSocket('127.0.0.1', server.localPort)
  const [{ socket: peer }] = await Promise.all([next(server, 'connect'), next(client, 'open')])
  server.close()
  expect(client).toBeInstanceOf(other.TCPSocket)
  expect(peer).toBeInstanceOf(TCPSocket)
  await close({ client, peer })
})

test('unref lets a socket stay behind', async () => {
  const { client, peer } = await connected()
  client.unref()
  peer.unref()
  expect(client.readyState).toBe('open')
})

test('a policy survives jest.resetModules(), and holds for what is loaded again', () => {
  const { setPolicy } = require('moz-tcp-socket')
  try {
    setPolicy({ type: 'privileged', permissions: {} })
    jest.resetModules()
    const again = require('moz-tcp-socket')
    expect(again.TCPSocket).not.toBe(TCPSocket)
    expect(() => new again.TCPSocket('127.0.0.1', 9)).toThrow('does not have permission')
    expect(() => new TCPServerSocket(0)).toThrow('does not have permission')
  } finally {
    setPolicy(null)
  }
})
