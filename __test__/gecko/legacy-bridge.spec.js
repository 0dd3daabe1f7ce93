'use strict'

// Suite D of Gecko's tests (GT-38): code of the second generation that still comes in through mozTCPSocket.

const test = require('ava')

const { mozTCPSocket, TCPServerSocket, TCPSocket } = require('../../index.js')
const { Trial, settle } = require('./helpers/trial.js')

test('GT-38 the listener stops and the connection closes inside onconnect, through event.socket', async (t) => {
  const trial = new Trial()
  const joint = trial.joint('connect', 'open', 'close', 'close of the accepted socket')
  let server = mozTCPSocket.listen(0, { binaryType: 'arraybuffer' }, -1)
  t.teardown(() => server?.close())
  const port = server.localPort
  server.onconnect = joint.step('connect', (event) => {
    server.close()
    server = null
    // Decision Q-27: the argument is the socket, and has itself as `socket` for code that expects an event.
    event.socket.onerror = trial.unexpected('error at the accepted socket')
    event.socket.onclose = joint.step('close of the accepted socket')
    event.socket.close()
  })
  const client = mozTCPSocket.open('127.0.0.1', port, { binaryType: 'arraybuffer' })
  t.teardown(() => client.closeImmediately())
  client.onerror = trial.unexpected('error at the client')
  const order = []
  client.onopen = joint.step('open', () => order.push('open'))
  client.onclose = joint.step('close', () => {
    order.push('close')
    trial.quiet(() => client.close(), 'close() inside onclose')
  })
  await trial.until(joint.all)
  await settle({ TCPSocket, TCPServerSocket })
  t.notThrows(() => trial.check())
  t.deepEqual(order, ['open', 'close'])
})

test('GT-38 the argument of onconnect is the accepted socket itself, and its socket property is not enumerable', async (t) => {
  const server = mozTCPSocket.listen(0)
  t.teardown(() => server.close())
  const viaListener = new Promise((resolve) => server.addEventListener('connect', resolve))
  const viaHandler = new Promise((resolve) => {
    server.onconnect = resolve
  })
  const client = mozTCPSocket.open('127.0.0.1', server.localPort)
  t.teardown(() => client.closeImmediately())
  const [socket, event] = await Promise.all([viaHandler, viaListener])
  t.teardown(() => socket.closeImmediately())
  t.true(socket instanceof TCPSocket)
  t.is(socket.socket, socket)
  t.false(Object.keys(socket).includes('socket'))
  // Listeners are of the second generation only, so they get its event.
  t.is(event.type, 'connect')
  t.is(event.target, server)
  t.is(event.socket, socket)
  t.is(event.data, socket)
})

test('GT-38 what mozTCPSocket returns is of the classes of the second generation', (t) => {
  const server = mozTCPSocket.listen(0)
  t.teardown(() => server.close())
  const client = mozTCPSocket.open('127.0.0.1', server.localPort)
  t.teardown(() => client.closeImmediately())
  t.true(server instanceof TCPServerSocket)
  t.true(client instanceof TCPSocket)
  t.true(client instanceof EventTarget)
})
