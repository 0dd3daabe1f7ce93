'use strict'

// Appendix X: listeners and accepted sockets. X-15 … X-18.

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { TCPServerSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')
const { settle } = require('./helpers/trial.js')
const { resultOf } = require('./helpers/run-script.js')
const api = require('../../index.js')

/** A `node:net` client, connected to `port`. */
async function connectNode(t, port) {
  const client = net.connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  await once(client, 'connect')
  return client
}

test('X-15 an accepted socket is open and knows who its peer is', async (t) => {
  const { port, accepted } = scope(t).listen({ binaryType: 'arraybuffer' })
  const client = await connectNode(t, port)
  const [socket] = await accepted()
  const { host, ssl, binaryType, readyState, bufferedAmount } = socket
  t.deepEqual(
    { host, port: socket.port, ssl, binaryType, readyState, bufferedAmount },
    {
      host: '127.0.0.1',
      port: client.localPort,
      ssl: false,
      binaryType: 'arraybuffer',
      readyState: 'open',
      bufferedAmount: 0,
    },
  )
})

test('X-15 accepted sockets deliver strings unless the listener was told otherwise', async (t) => {
  const { port, accepted } = scope(t).listen()
  const client = await connectNode(t, port)
  const [socket, events] = await accepted()
  t.is(socket.binaryType, 'string')
  client.write(Buffer.from([0xff, 0x00]))
  await events.data(2)
  const pieces = events.events.filter(({ type }) => type === 'data').map(({ data }) => data)
  t.is(pieces.join(''), '\u00ff\u0000')
})

test('X-15 an accepted socket never gets open', async (t) => {
  const { accepted, acceptedEvents, client } = await scope(t).pair()
  await settle(api)
  t.deepEqual(acceptedEvents.types, [])
  t.is(accepted.readyState, 'open')
  client.close()
  t.deepEqual(await acceptedEvents.closed(), ['close'])
})

for (const requested of [0, -1]) {
  test(`X-16 listen(${requested}) takes a free port, says which, and still says so when closed`, async (t) => {
    for (const listen of [(port) => new TCPServerSocket(port), (port) => mozTCPSocket.listen(port)]) {
      const own = scope(t)
      const { server, port, accepted } = own.listen(undefined, { port: requested, create: listen })
      t.true(Number.isInteger(port) && port > 0 && port < 65536)
      const [, events] = own.open('127.0.0.1', port)
      await Promise.all([accepted(), events.event('open')])
      server.close()
      t.is(server.localPort, port)
    }
  })
}

test('X-17 a second listener on the same port throws at once, and the first goes on', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen()
  // Decision Q-35: Gecko's exception had no more to say than NS_ERROR_FAILURE.
  for (const listen of [() => new TCPServerSocket(port), () => mozTCPSocket.listen(port)]) {
    const error = t.throws(listen, { code: 'EADDRINUSE' })
    t.true(error.message.includes(`0.0.0.0:${port}`), error.message)
  }
  const [, events] = own.open('127.0.0.1', port)
  await Promise.all([accepted(), events.event('open')])
  t.pass()
})

test('X-18 without an onconnect handler, who connects is disconnected, and the listener goes on', async (t) => {
  // Decision Q-28: as in the first generation. Later ones kept a connection that nobody could use.
  const own = scope(t)
  const server = new TCPServerSocket(0)
  t.teardown(() => server.close())
  for (let round = 0; round < 2; round++) {
    const [, events] = own.open('127.0.0.1', server.localPort)
    t.deepEqual(await events.closed(), ['open', 'close'])
  }
  const connected = new Promise((resolve) => {
    server.onconnect = ({ socket }) => resolve(own.watch(socket))
  })
  const [, events] = own.open('127.0.0.1', server.localPort)
  await Promise.all([connected, events.event('open')])
  await settle(api)
  t.deepEqual(events.types, ['open'])
})

test('X-18 onconnect set back to null means no handler', async (t) => {
  const own = scope(t)
  const { server, port } = own.listen()
  server.onconnect = null
  const [, events] = own.open('127.0.0.1', port)
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('X-18 when onconnect throws, its socket is closed, the exception is uncaught, and the listener goes on', async (t) => {
  for (const way of ['class', 'factory']) {
    t.deepEqual(
      await resultOf(t, 'throwing-onconnect.js', way),
      {
        first: ['open', 'close'],
        second: ['open', 'data: hello', 'close'],
        uncaught: ['thrown by onconnect'],
      },
      way,
    )
  }
})
