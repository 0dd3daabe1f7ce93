'use strict'

// UDPSocket as Gecko's tests and text have it: the tests F-UDP-01 to F-UDP-29, in their order.

const { randomBytes } = require('node:crypto')
const dgram = require('node:dgram')
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { UDPMessageEvent, UDPSocket } = require('../../../index.js')
const { kit, message, messages, rejection, text } = require('./kit.js')

const HELLO = 'hlo wrld. '
const DATA = new Uint8Array([0, 255, 254, 0, 1, 2, 3, 0, 255, 255, 254, 0])
const BIG = randomBytes(4096)

const thrown = (call) => {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

/** The name of the DOMException that `call` throws. */
const nameOf = (call) => {
  const error = thrown(call)
  return error instanceof DOMException ? error.name : error
}

/** Datagrams that a socket of Node's own receives. */
async function nodePeer(t, address = '127.0.0.1') {
  const peer = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4')
  t.teardown(() => new Promise((resolve) => peer.close(resolve)))
  peer.bind(0, address)
  await once(peer, 'listening')
  return peer
}

test('F-UDP-01: while it opens, a socket has the attributes that it was given, and null for the others', (t) => {
  const socket = kit(t).opening()
  t.is(socket.localPort, null)
  t.is(socket.localAddress, null)
  t.is(socket.remotePort, null)
  t.is(socket.remoteAddress, null)
  t.is(socket.readyState, 'opening')
  t.false(socket.loopback)
  t.true(socket.addressReuse)
  t.is(socket.onmessage, null)
})

test('F-UDP-02: opened fulfils with undefined, and the real address is there', async (t) => {
  const socket = kit(t).opening()
  t.is(await socket.opened, undefined)
  t.is(socket.localAddress, '0.0.0.0')
  t.true(socket.localPort > 0)
  t.is(socket.readyState, 'open')
})

for (const [id, what, data, expected] of [
  ['F-UDP-03', 'text', HELLO, HELLO],
  ['F-UDP-04', 'an ArrayBuffer', DATA.slice().buffer, DATA],
  ['F-UDP-05', 'a Uint8Array', DATA, DATA],
  ['F-UDP-06', 'a Blob', new Blob([HELLO]), HELLO],
  ['F-UDP-07', '4096 bytes in a view', BIG, BIG],
  ['F-UDP-08', '4096 bytes in a Blob', new Blob([BIG]), BIG],
]) {
  test(`${id}: ${what} comes as one message with exactly its bytes`, async (t) => {
    const socket = await kit(t).open()
    const next = message(socket)
    t.true(socket.send(data, '127.0.0.1', socket.localPort))
    const event = await next
    t.true(event instanceof UDPMessageEvent)
    t.is(event.remoteAddress, '127.0.0.1')
    t.is(event.remotePort, socket.localPort)
    t.true(event.data instanceof ArrayBuffer)
    t.deepEqual(Buffer.from(event.data), Buffer.from(expected))
  })
}

test('F-UDP-09: options read back at once, and send goes to the default destination', async (t) => {
  const own = kit(t)
  const first = await own.open()
  const options = {
    addressReuse: false,
    loopback: true,
    localAddress: '127.0.0.1',
    remoteAddress: '127.0.0.1',
    remotePort: first.localPort,
  }
  const second = own.opening(options)
  for (const [name, value] of Object.entries(options)) t.is(second[name], value, name)
  await second.opened
  const next = message(first)
  t.true(second.send(HELLO))
  const event = await next
  t.is(event.remotePort, second.localPort)
  t.is(text(event.data), HELLO)
})

test('F-UDP-10: close() closes at once: send throws, and closed fulfils', async (t) => {
  const socket = await kit(t).open()
  const closed = socket.close()
  t.is(socket.readyState, 'closed')
  t.is(
    nameOf(() => socket.send(HELLO, '127.0.0.1', 1234)),
    'InvalidStateError',
  )
  t.is(closed, socket.closed)
  t.is(await closed, undefined)
})

test('F-UDP-11: a group that was joined while opening is heard, and can be left', async (t) => {
  const socket = kit(t).opening({ loopback: true })
  socket.joinMulticastGroup('224.0.0.255')
  await socket.opened
  const next = message(socket)
  socket.send(HELLO, '224.0.0.255', socket.localPort)
  t.is(text((await next).data), HELLO)
  t.notThrows(() => socket.leaveMulticastGroup('224.0.0.255'))
})

for (const [id, options] of [
  ['F-UDP-12', { localAddress: 'not-a-valid-address' }],
  ['F-UDP-12', { localAddress: '' }],
  ['F-UDP-13', { localPort: 0 }],
  ['F-UDP-14', { remotePort: 0 }],
]) {
  test(`${id}: ${JSON.stringify(options)} is an InvalidAccessError`, (t) => {
    const error = thrown(() => new UDPSocket(options))
    t.is(error.name, 'InvalidAccessError')
    t.true(error instanceof DOMException)
    t.true(error.message.startsWith(Object.keys(options)[0]), error.message)
  })
}

test('F-UDP-15: an address that is not ours rejects opened and closed with NetworkError', async (t) => {
  const socket = kit(t).opening({ localAddress: '192.0.2.0' })
  const error = await rejection(t, socket.opened, 'NetworkError')
  t.is(error.cause.code, 'EADDRNOTAVAIL')
  t.is(await socket.closed.catch((reason) => reason), error)
  t.is(socket.readyState, 'closed')
})

test('F-UDP-16: send before opened throws InvalidStateError, and it opens all the same', async (t) => {
  const socket = kit(t).opening()
  t.is(
    nameOf(() => socket.send(HELLO, '127.0.0.1', 1234)),
    'InvalidStateError',
  )
  await t.notThrowsAsync(socket.opened)
})

test('F-UDP-17: closed in the turn that made it, opened rejects with AbortError and closed fulfils', async (t) => {
  const socket = kit(t).opening()
  const closed = socket.close()
  t.is(closed, socket.closed)
  await rejection(t, socket.opened, 'AbortError')
  t.is(await closed, undefined)
  t.is(socket.localPort, null, 'it was never bound')
})

test('F-UDP-18: fifty sockets open side by side', async (t) => {
  const own = kit(t)
  const sockets = Array.from({ length: 50 }, () => own.opening())
  await Promise.all(sockets.map(({ opened }) => opened))
  t.is(new Set(sockets.map(({ localPort }) => localPort)).size, 50)
})

test('F-UDP-19: the end of a worker closes its sockets', async (t) => {
  const program = `
    const { parentPort } = require('node:worker_threads')
    const { UDPSocket } = require(${JSON.stringify(require.resolve('../../../index.js'))})
    const socket = new UDPSocket({ localAddress: '127.0.0.1' })
    socket.onmessage = ({ data, remoteAddress, remotePort }) => socket.send(data, remoteAddress, remotePort)
    socket.opened.then(() => parentPort.postMessage(socket.localPort))`
  const worker = new Worker(program, { eval: true })
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  const own = kit(t)
  const socket = await own.local()
  const next = message(socket)
  socket.send(HELLO, '127.0.0.1', port)
  t.is(text((await next).data), HELLO)
  await worker.terminate()
  socket.onmessage = () => t.fail('an answer of a worker that has ended')
  socket.send(HELLO, '127.0.0.1', port)
  const again = await own.local({ localPort: port, addressReuse: false })
  t.is(again.localPort, port)
})

test('F-UDP-20: an empty datagram is a message without bytes, sent and received', async (t) => {
  const socket = await kit(t).local()
  const next = message(socket)
  socket.send(new Uint8Array(), '127.0.0.1', socket.localPort)
  t.is((await next).data.byteLength, 0)
})

test('F-UDP-21: with loopback a member hears itself', async (t) => {
  const socket = await kit(t).open({ loopback: true })
  socket.joinMulticastGroup('239.255.44.1')
  const next = message(socket)
  socket.send(HELLO, '239.255.44.1', socket.localPort)
  t.is(text((await next).data), HELLO)
})

for (const [id, what, options, change] of [
  ['F-UDP-22', 'without loopback a member does not hear itself', {}, () => {}],
  [
    'F-UDP-23',
    'who has left a group does not hear it',
    { loopback: true },
    (socket) => socket.leaveMulticastGroup('239.255.44.2'),
  ],
]) {
  test(`${id}: ${what}`, async (t) => {
    const socket = await kit(t).open(options)
    socket.joinMulticastGroup('239.255.44.2')
    change(socket)
    const next = message(socket)
    socket.send('to the group', '239.255.44.2', socket.localPort)
    // What is sent later comes, on the same host, later.
    socket.send('to itself', '127.0.0.1', socket.localPort)
    t.is(text((await next).data), 'to itself')
  })
}

test('F-UDP-24: a default destination is no filter: everybody is heard', async (t) => {
  const own = kit(t)
  const [one, stranger] = [await own.local(), await own.local()]
  const socket = await own.local({ remoteAddress: '127.0.0.1', remotePort: one.localPort })
  const next = message(socket)
  stranger.send(HELLO, '127.0.0.1', socket.localPort)
  t.is((await next).remotePort, stranger.localPort)
})

test('F-UDP-25: text is UTF-8', async (t) => {
  const socket = await kit(t).local()
  const next = message(socket)
  socket.send('é€', '127.0.0.1', socket.localPort)
  const { data } = await next
  t.is(data.byteLength, 5)
  t.is(text(data), 'é€')
})

test('F-UDP-26: without an address, or without a port, send throws InvalidAccessError', async (t) => {
  const socket = await kit(t).local()
  t.is(
    nameOf(() => socket.send(HELLO)),
    'InvalidAccessError',
  )
  t.is(
    nameOf(() => socket.send(HELLO, '127.0.0.1')),
    'InvalidAccessError',
  )
  t.is(
    nameOf(() => socket.send(HELLO, null, 9)),
    'InvalidAccessError',
  )
})

test('F-UDP-27: after close, groups throw InvalidStateError, and close() returns the same promise', async (t) => {
  const socket = await kit(t).local()
  t.is(socket.close(), socket.close())
  for (const method of ['joinMulticastGroup', 'leaveMulticastGroup']) {
    t.is(
      nameOf(() => socket[method]('224.0.0.255')),
      'InvalidStateError',
    )
  }
})

test.serial('F-UDP-28: a handler that throws does not keep the next datagram away', async (t) => {
  const socket = await kit(t).local()
  const uncaught = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error.message))
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  })
  let count = 0
  const second = new Promise((resolve) => {
    socket.onmessage = () => {
      if (++count === 2) resolve()
      throw new Error(`handler ${count}`)
    }
  })
  for (let i = 0; i < 2; i++) socket.send(HELLO, '127.0.0.1', socket.localPort)
  await second
  await new Promise(setImmediate)
  t.deepEqual(uncaught, ['handler 1', 'handler 2'])
})

test('F-UDP-29: a port is shared by those who all allow it, and else EADDRINUSE', async (t) => {
  const own = kit(t)
  const first = await own.local()
  const { localPort } = first
  first.close()
  await own.local({ localPort })
  await t.notThrowsAsync(own.local({ localPort }))
  const third = own.opening({ localAddress: '127.0.0.1', localPort, addressReuse: false })
  const error = await rejection(t, third.opened, 'NetworkError')
  t.is(error.cause.code, 'EADDRINUSE')
})

test('the peer is a socket of node:dgram, over IPv4 and IPv6, with datagrams of every size', async (t) => {
  for (const address of ['127.0.0.1', '::1']) {
    const peer = await nodePeer(t, address)
    const socket = await kit(t).open({ localAddress: address })
    for (const length of [0, 1, 1400, 1401, 9216, 9217, 65_507]) {
      const bytes = randomBytes(length)
      const heard = once(peer, 'message')
      socket.send(bytes, address, peer.address().port)
      const [got, from] = await heard
      t.deepEqual(got, bytes)
      t.is(from.port, socket.localPort)
      const next = message(socket)
      peer.send(bytes, socket.localPort, address)
      const { data, remoteAddress, remotePort } = await next
      t.deepEqual(Buffer.from(data), bytes)
      t.deepEqual([remoteAddress, remotePort], [address, peer.address().port])
    }
  }
})

test('one byte more than a datagram can have is a RangeError, also in a Blob', async (t) => {
  const socket = await kit(t).local()
  const bytes = new Uint8Array(65_508)
  for (const data of [bytes, new Blob([bytes])]) {
    t.throws(() => socket.send(data, '127.0.0.1', 9), { instanceOf: RangeError, message: /65508.*65507/ })
  }
})

test('what is sent behind a Blob comes behind it, and is what it was when it was sent', async (t) => {
  const socket = await kit(t).local()
  const next = messages(socket, 3)
  const bytes = Buffer.from('second')
  socket.send(new Blob(['first']), '127.0.0.1', socket.localPort)
  socket.send(bytes, '127.0.0.1', socket.localPort)
  bytes.fill('x')
  socket.send(new Blob(['third']), '127.0.0.1', socket.localPort)
  t.deepEqual(
    (await next).map(({ data }) => text(data)),
    ['first', 'second', 'third'],
  )
})

test('each message is a task of its own', async (t) => {
  const socket = await kit(t).local()
  const order = []
  const two = messages(socket, 2)
  socket.addEventListener('message', ({ data }) => {
    order.push(text(data))
    Promise.resolve().then(() => order.push(`after ${text(data)}`))
  })
  for (const data of ['1', '2']) socket.send(data, '127.0.0.1', socket.localPort)
  await two
  await new Promise(setImmediate)
  t.deepEqual(order, ['1', 'after 1', '2', 'after 2'])
})

test('a name is looked up, and a name that nobody has is a datagram that is lost', async (t) => {
  const socket = await kit(t).local()
  const next = message(socket)
  socket.send('lost', 'nobody.invalid', socket.localPort)
  socket.send(HELLO, 'localhost', socket.localPort)
  t.is(text((await next).data), HELLO)
})

for (const [what, call, expected] of [
  ['a host with a space', (socket) => socket.send('', 'a b', 9), TypeError],
  ['a port out of range', (socket) => socket.send('', '127.0.0.1', 65_536), TypeError],
  ['a port that is no number', (socket) => socket.send('', '127.0.0.1', 'http'), TypeError],
  [
    'shared memory',
    (socket) => socket.send(new Uint8Array(new SharedArrayBuffer(1)), '127.0.0.1', 9),
    TypeError,
  ],
  ['no argument', (socket) => socket.send(), TypeError],
  ['a symbol', (socket) => socket.send(Symbol('data'), '127.0.0.1', 9), TypeError],
  ['a group that is none', (socket) => socket.joinMulticastGroup('127.0.0.1'), DOMException],
  ['a group that is a name', (socket) => socket.leaveMulticastGroup('group.example'), DOMException],
]) {
  test(`${what} throws, and the socket goes on`, async (t) => {
    const socket = await kit(t).local()
    t.true(thrown(() => call(socket)) instanceof expected)
    const next = message(socket)
    socket.send(HELLO, '127.0.0.1', socket.localPort)
    t.is(text((await next).data), HELLO)
  })
}

test('a group that the system refuses ends the socket: closed rejects with NetworkError', async (t) => {
  const socket = await kit(t).local()
  socket.joinMulticastGroup('ff02::1')
  t.is(socket.readyState, 'closed')
  const error = await rejection(t, socket.closed, 'NetworkError')
  t.is(typeof error.cause.code, 'string')
})

test('a socket that was never looked at may fail without an unhandled rejection', async (t) => {
  const unhandled = []
  const note = (reason) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const socket = new UDPSocket({ localAddress: '192.0.2.0' })
  while (socket.readyState !== 'closed') await new Promise(setImmediate)
  await new Promise(setImmediate)
  t.deepEqual(unhandled, [])
})
