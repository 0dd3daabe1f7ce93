'use strict'

// What becomes of sockets of the W3C draft that nobody has any more.

const test = require('ava')

const { collecting } = require('../helpers/collection.js')

test('a TCPSocket that is dropped without being closed is closed, and says so in one warning', async (t) => {
  const [warnings] = await collecting(`
    const { TCPSocket } = require('moz-tcp-socket/w3c')
    let ended = 0
    const server = net.createServer((peer) => {
      peer.on('end', () => ended++).resume()
      peer.write('read ahead')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    await (async () => {
      const socket = new TCPSocket('127.0.0.1', server.address().port)
      await socket.writeable.write('something')
      const { value } = await socket.readable.getReader().read()
      if (value.byteLength !== 10) throw new Error('another chunk')
    })()
    await collectUntil(() => ended === 1 && warnings.length > 0)
    await collectWell()
    print(warnings)
    server.close()`)
  t.is(warnings.length, 1)
  t.is(warnings[0].code, 'MOZ_TCP_SOCKET_DROPPED')
  t.regex(warnings[0].message, /^A TCPSocket was dropped/)
})

test('a read that waits keeps its socket, though the program has nothing else of it', async (t) => {
  const [text, warnings] = await collecting(`
    const { TCPSocket } = require('moz-tcp-socket/w3c')
    let peer
    const server = net.createServer((socket) => (peer = socket))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const reading = await (async () => {
      const socket = new TCPSocket('127.0.0.1', server.address().port)
      await socket.opened
      return { read: socket.readable.getReader().read() }
    })()
    await collectWell()
    peer.write('late')
    print(Buffer.from((await reading.read).value).toString())
    print(warnings)
    process.exit()`)
  t.is(text, 'late')
  t.deepEqual(warnings, [])
})

test('a TCPServerSocket that is dropped is closed, and a listen() that waits keeps it', async (t) => {
  const [warnings, accepted] = await collecting(`
    const { TCPServerSocket } = require('moz-tcp-socket/w3c')
    const open = async () => {
      const server = new TCPServerSocket({ localAddress: '127.0.0.1' })
      await server.opened
      return server
    }
    const dropped = await (async () => (await open()).localPort)()
    const waiting = await (async () => {
      const server = await open()
      return { port: server.localPort, connection: server.listen() }
    })()
    await collectUntil(() => warnings.length > 0)
    await collectWell()
    const refused = await new Promise((resolve) => net.connect(dropped, '127.0.0.1').on('error', resolve).on('connect', resolve))
    if (refused?.code !== 'ECONNREFUSED') throw new Error('it still listens')
    net.connect(waiting.port, '127.0.0.1')
    print(warnings)
    print((await waiting.connection).readyState)
    process.exit()`)
  t.is(warnings.length, 1)
  t.regex(warnings[0].message, /^A TCPServerSocket was dropped/)
  t.is(accepted, 'open')
})

test('a UDPSocket that is dropped is closed, and says so in one warning', async (t) => {
  const [warnings] = await collecting(`
    const { UDPSocket } = require('moz-tcp-socket/w3c')
    await (async () => {
      await new UDPSocket({ localAddress: '127.0.0.1' }).opened
    })()
    await collectUntil(() => warnings.length > 0)
    await collectWell()
    print(warnings)`)
  t.is(warnings.length, 1)
  t.regex(warnings[0].message, /^A UDPSocket was dropped/)
})

test('sockets with events live as long as there are events to come', async (t) => {
  const [text, warnings] = await collecting(`
    const { TCPSocket } = require('moz-tcp-socket/w3c/events')
    let peer
    const server = net.createServer((socket) => (peer = socket))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    let told
    const data = new Promise((resolve) => (told = resolve))
    await (async () => {
      const socket = new TCPSocket('127.0.0.1', server.address().port)
      socket.ondata = (event) => told(Buffer.from(event.data).toString())
      await new Promise((resolve) => (socket.onopen = resolve))
    })()
    await collectWell()
    peer.write('late')
    print(await data)
    print(warnings)
    process.exit()`)
  t.is(text, 'late')
  t.deepEqual(warnings, [])
})
