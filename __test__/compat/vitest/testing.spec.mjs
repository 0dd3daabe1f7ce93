// moz-tcp-socket/testing in Vitest: the mock in place of the package, the peer with the package itself, and fake timers.

import * as moz from 'moz-tcp-socket'
import { faultProxy, mockOf, scriptedPeer } from 'moz-tcp-socket/testing'
import { afterEach, expect, test, vi } from 'vitest'

vi.mock('moz-tcp-socket', async () => {
  const { createMock } = await import('moz-tcp-socket/testing')
  return createMock({ fn: vi.fn })
})

const real = await vi.importActual('moz-tcp-socket')

afterEach(() => {
  vi.useRealTimers()
  mockOf(moz).reset()
})

test('methods are spies of Vitest, and the test drives the socket', () => {
  const socket = new moz.TCPSocket('example.org', 25)
  expect(mockOf(moz).lastSocket).toBe(socket)
  const events = []
  for (const type of ['open', 'data', 'error', 'close']) socket[`on${type}`] = () => events.push(type)
  socket.mock.open().data('hi').error('NetworkError')
  expect(events).toEqual(['open', 'data', 'error'])
  expect(socket.readyState).toBe('closed')
  expect(() => socket.send('late')).toThrow('Socket not open')
  expect(socket.send).toHaveBeenCalledExactlyOnceWith('late')
})

test('the default export is the mock, too', () => {
  expect(moz.default.TCPSocket).toBe(moz.TCPSocket)
  expect(moz.TCPSocket).not.toBe(real.TCPSocket)
  expect(moz.TCPSocketEvent).toBe(real.TCPSocketEvent)
})

test('a mock closes by itself under fake timers', async () => {
  vi.useFakeTimers()
  const socket = new moz.TCPSocket('example.org', 25)
  socket.mock.open()
  socket.close()
  await new Promise((resolve) => (socket.onclose = resolve))
  expect(socket.readyState).toBe('closed')
})

test('a peer and a proxy go on under fake timers', async () => {
  vi.useFakeTimers()
  const peer = await scriptedPeer()
  const proxy = await faultProxy({ to: peer.port })
  try {
    proxy.delay(5)
    peer.expect('go').stall(10).reply('hi').expectEnd()
    const socket = new real.TCPSocket('127.0.0.1', proxy.port)
    const closed = new Promise((resolve) => (socket.onclose = resolve))
    socket.onopen = () => socket.send('go')
    socket.ondata = () => socket.close()
    await closed
    await peer.done
    expect(String(peer.transcript)).toMatch(/C: go\nS: hi/)
  } finally {
    await Promise.all([proxy.close(), peer.close()])
  }
})
