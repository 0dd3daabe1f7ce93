// An application's tests in Vitest, with named imports.

import { TCPServerSocket, TCPSocket, TCPSocketErrorEvent, TCPSocketEvent } from 'moz-tcp-socket'
import { afterEach, expect, test, vi } from 'vitest'

/** Resolves with the next event of `type`. */
const next = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }))

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

afterEach(() => vi.useRealTimers())

test('an echo over loopback', async () => {
  const pair = await connected({ binaryType: 'arraybuffer' })
  pair.peer.ondata = ({ data }) => pair.peer.send(data)
  const answer = next(pair.client, 'data')
  expect(pair.client.send(Uint8Array.of(1, 2, 255))).toBe(true)
  const event = await answer
  expect(event).toBeInstanceOf(TCPSocketEvent)
  expect(event.data).toBeInstanceOf(ArrayBuffer)
  expect(new Uint8Array(event.data)).toEqual(Uint8Array.of(1, 2, 255))
  await close(pair)
})

test('exceptions and errors are of the classes of this realm', async () => {
  expect(() => new TCPSocket('')).toThrow(TypeError)
  expect(() => new TCPServerSocket(-2)).toThrow(RangeError)
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  const { localPort } = server
  server.close()
  const client = new TCPSocket('127.0.0.1', localPort)
  const closed = next(client, 'close')
  const event = await next(client, 'error')
  expect(event).toBeInstanceOf(TCPSocketErrorEvent)
  expect(event.data).toBeInstanceOf(Error)
  expect(event).toMatchObject({ name: 'ConnectionRefusedError', message: 'Network' })
  await closed
})

test('fake timers do not stop events', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'setInterval', 'queueMicrotask'] })
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

test('a handler can be a spy', async () => {
  const pair = await connected()
  pair.client.ondata = vi.fn()
  const arrived = next(pair.client, 'data')
  pair.peer.send('hello')
  await arrived
  expect(pair.client.ondata).toHaveBeenCalledOnce()
  expect(pair.client.ondata.mock.calls[0][0].data).toBe('hello')
  expect(pair.client.ondata.mock.contexts[0]).toBe(pair.client)
  await close(pair)
})

test('a reset registry of modules gives classes of its own that work', async () => {
  vi.resetModules()
  const other = await import('moz-tcp-socket')
  const server = new other.TCPServerSocket(0, { localAddress: '127.0.0.1' })
  const client = new TCPSocket('127.0.0.1', server.localPort)
  const [{ socket: peer }] = await Promise.all([next(server, 'connect'), next(client, 'open')])
  server.close()
  await close({ client, peer })
})
