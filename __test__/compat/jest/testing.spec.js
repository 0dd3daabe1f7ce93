'use strict'

// moz-tcp-socket/testing in Jest, in the `node` environment and in `jsdom`: the mock in place of the package, with classes and
// values of the realm of the test; the peer and the proxy with the package itself, under fake timers as well.

jest.mock('moz-tcp-socket', () => require('moz-tcp-socket/testing').createMock({ fn: jest.fn }))

const { TCPServerSocket, TCPSocket, TCPSocketEvent, mock } = require('moz-tcp-socket')
const { faultProxy, mockOf, scriptedPeer } = require('moz-tcp-socket/testing')

const real = jest.requireActual('moz-tcp-socket')

afterEach(() => {
  jest.useRealTimers()
  mock.reset()
})

test('what a mock is given comes as values and events of this realm', () => {
  const socket = new TCPSocket('example.org', 25, { binaryType: 'arraybuffer' })
  const events = []
  socket.ondata = (event) => events.push(event)
  mockOf(socket).open().data('hi')
  expect(events).toHaveLength(1)
  expect(events[0]).toBeInstanceOf(TCPSocketEvent)
  expect(events[0]).toBeInstanceOf(real.TCPSocketEvent)
  expect(events[0]).toBeInstanceOf(Event)
  expect(events[0].data).toBeInstanceOf(ArrayBuffer)
  expect(() => socket.send()).toThrow(TypeError)
})

test('methods are spies of Jest', () => {
  const socket = new TCPSocket('example.org', 25)
  socket.mock.open()
  expect(socket.send('hello')).toBe(true)
  expect(socket.send).toHaveBeenCalledWith('hello')
  expect(socket.close).not.toHaveBeenCalled()
  socket.send.mockReturnValueOnce(false)
  expect(socket.send('not sent')).toBe(false)
  expect(socket.mock.sent).toBe('hello')
})

test('a mock closes, drains and serves under fake timers', async () => {
  jest.useFakeTimers()
  const server = new TCPServerSocket(0)
  server.onconnect = ({ socket }) => (socket.ondata = ({ data }) => socket.send(data))
  const accepted = server.mock.connect()
  accepted.mock.data('echo')
  expect(accepted.mock.sent).toBe('echo')
  expect(accepted.send('x'.repeat(100_000))).toBe(false)
  const drained = jest.fn()
  accepted.ondrain = drained
  await accepted.mock.drain()
  expect(drained).toHaveBeenCalledTimes(1)
  accepted.close()
  await new Promise((resolve) => (accepted.onclose = resolve))
  server.close()
})

test('a peer stalls in real time, and its deadline ends what would hang, under fake timers', async () => {
  jest.useFakeTimers({ now: 0 })
  const peer = await scriptedPeer({ deadline: 1000, tls: true })
  try {
    peer.stall(20).reply('hi\r\n').expect('never\r\n')
    const options = { useSecureTransport: true, ca: peer.ca }
    const socket = new real.TCPSocket('127.0.0.1', peer.port, options)
    const closed = new Promise((resolve) => (socket.onclose = resolve))
    const events = []
    socket.onerror = ({ name }) => events.push(name)
    socket.ondata = ({ data }) => events.push(data)
    await expect(peer.done).rejects.toThrow(/expected within 1000 ms/)
    await closed
    expect(events[0]).toBe('hi\r\n')
  } finally {
    await peer.close()
  }
})

test('a proxy delays in real time under fake timers', async () => {
  jest.useFakeTimers()
  const peer = await scriptedPeer()
  const proxy = await faultProxy({ to: peer.port })
  try {
    proxy.delay(10).slow({ bytesPerSecond: 1000, chunk: 2 })
    peer.expect('go').reply('hi').expectEnd()
    const socket = new real.TCPSocket('127.0.0.1', proxy.port)
    const closed = new Promise((resolve) => (socket.onclose = resolve))
    socket.onopen = () => socket.send('go')
    socket.ondata = () => socket.close()
    await closed
    await peer.done
  } finally {
    await Promise.all([proxy.close(), peer.close()])
  }
})
