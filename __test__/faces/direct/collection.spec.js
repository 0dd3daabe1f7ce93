'use strict'

// What becomes of sockets of Direct Sockets that nobody has any more.

const test = require('ava')

const { collecting } = require('../helpers/collection.js')

test('a TCPSocket that is dropped without being closed is closed, and says so in one warning', async (t) => {
  const [warnings] = await collecting(`
    const { TCPSocket } = require('moz-tcp-socket/direct')
    let ended = false
    const server = net.createServer((peer) => peer.on('end', () => (ended = true)).resume())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    await (async () => {
      const { readable } = await new TCPSocket('127.0.0.1', server.address().port).opened
      readable.getReader().releaseLock()
    })()
    await collectUntil(() => ended && warnings.length > 0)
    await collectWell()
    print(warnings)
    server.close()`)
  t.is(warnings.length, 1)
  t.is(warnings[0].code, 'MOZ_TCP_SOCKET_DROPPED')
  t.regex(warnings[0].message, /^A TCPSocket was dropped/)
})

test('a TCPServerSocket that is dropped is closed, and one whose connections somebody awaits is not', async (t) => {
  const [warnings, accepted] = await collecting(`
    const { TCPServerSocket } = require('moz-tcp-socket/direct')
    const dropped = await (async () => (await new TCPServerSocket('127.0.0.1').opened).localPort)()
    const serve = async (told) => {
      const { readable, localPort } = await new TCPServerSocket('127.0.0.1').opened
      told(localPort)
      for await (const connection of readable) return connection
    }
    let connection
    const port = await new Promise((told) => (connection = serve(told)))
    await collectUntil(() => warnings.length > 0)
    await collectWell()
    const refused = await new Promise((resolve) => net.connect(dropped, '127.0.0.1').on('error', resolve).on('connect', resolve))
    if (refused?.code !== 'ECONNREFUSED') throw new Error('it still listens')
    const client = net.connect(port, '127.0.0.1')
    print(warnings)
    print((await connection) !== undefined)
    process.exit()`)
  t.is(warnings.length, 1)
  t.regex(warnings[0].message, /^A TCPServerSocket was dropped/)
  t.true(accepted)
})

test('a UDPSocket that is dropped is closed, and one whose datagrams somebody awaits is not', async (t) => {
  const [warnings, text] = await collecting(`
    const { UDPSocket } = require('moz-tcp-socket/direct')
    const open = () => new UDPSocket({ localAddress: '127.0.0.1' }).opened
    const free = await (async () => (await open()).localPort)()
    const hear = async (told) => {
      const { readable, localPort } = await open()
      told(localPort)
      const { value } = await readable.getReader().read()
      return Buffer.from(value.data).toString()
    }
    let heard
    const port = await new Promise((told) => (heard = hear(told)))
    await collectUntil(() => warnings.length > 0)
    await collectWell()
    const other = require('node:dgram').createSocket('udp4').bind(free, '127.0.0.1')
    await once(other, 'listening')
    other.send('late', port, '127.0.0.1')
    print(warnings)
    print(await heard)
    process.exit()`)
  t.is(warnings.length, 1)
  t.regex(warnings[0].message, /^A UDPSocket was dropped/)
  t.is(text, 'late')
})

test('an accepted socket that nobody has is closed, though nothing was ever done with it', async (t) => {
  const [warnings] = await collecting(`
    const { TCPServerSocket } = require('moz-tcp-socket/direct')
    const { readable, localPort } = await new TCPServerSocket('127.0.0.1').opened
    const reader = readable.getReader()
    let ended = false
    net.connect(localPort, '127.0.0.1').on('end', () => (ended = true)).resume()
    await (async () => { await reader.read() })()
    await collectUntil(() => ended)
    await collectWell()
    print(warnings)
    process.exit()`)
  t.is(warnings.length, 1)
  t.regex(warnings[0].message, /^A TCPSocket was dropped/)
})

test('sockets that have failed are collected', async (t) => {
  const [left] = await collecting(`
    const { TCPSocket } = require('moz-tcp-socket/direct')
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    server.close()
    await once(server, 'close')
    const refs = []
    await (async () => {
      for (let i = 0; i < 20; i++) {
        const socket = new TCPSocket('127.0.0.1', port)
        refs.push(new WeakRef(socket))
        await socket.closed.catch(() => {})
      }
    })()
    const left = () => refs.filter((ref) => ref.deref() !== undefined).length
    await collectUntil(() => left() === 0)
    print(left())`)
  t.is(left, 0)
})

test('who has the groups of a UDPSocket has the socket', async (t) => {
  const [joined, warnings] = await collecting(`
    const { UDPSocket } = require('moz-tcp-socket/direct')
    const open = async () => (await new UDPSocket({ localAddress: '0.0.0.0' }).opened).multicastController
    const groups = await open()
    await collectWell()
    await groups.joinGroup('239.9.9.9')
    print(groups.joinedGroups)
    print(warnings)
    process.exit()`)
  t.deepEqual(joined, ['239.9.9.9'])
  t.deepEqual(warnings, [])
})
