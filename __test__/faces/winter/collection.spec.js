'use strict'

// What becomes of sockets that nobody has any more.

const test = require('ava')

const { collecting } = require('../helpers/collection.js')

const SERVER = `
  const { connect } = require('moz-tcp-socket/winter')
  const peers = []
  const server = net.createServer((peer) => { peers.push(peer); peer.on('error', () => {}) })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = { hostname: '127.0.0.1', port: server.address().port }`

test('a socket that is dropped without being closed is closed, says so in one warning, and its closed fulfils', async (t) => {
  const [warnings, closed] = await collecting(`${SERVER}
    let closed = false
    const drop = async () => {
      const socket = connect(address)
      await socket.opened
      socket.closed.then(() => (closed = true))
    }
    await drop()
    if (peers.length === 0) await once(server, 'connection')
    let ended = false
    peers[0].on('end', () => (ended = true)).resume()
    await collectUntil(() => ended && closed)
    await collectWell()
    print(warnings)
    print(closed)
    server.close()`)
  t.is(warnings.length, 1)
  t.is(warnings[0].code, 'MOZ_TCP_SOCKET_DROPPED')
  t.regex(warnings[0].message, /^A socket of connect\(\) was dropped without being closed/)
  t.true(closed)
})

test('a socket lives as long as somebody has one of its streams', async (t) => {
  const [text, warnings] = await collecting(`${SERVER}
    const open = async () => {
      const socket = connect(address)
      await socket.opened
      return socket.readable
    }
    const readable = await open()
    if (peers.length === 0) await once(server, 'connection')
    await collectWell()
    peers[0].end('still here')
    let text = ''
    for await (const chunk of readable) text += Buffer.from(chunk)
    print(text)
    print(warnings)
    server.close()`)
  t.is(text, 'still here')
  t.deepEqual(warnings, [])
})

test('a socket of which nothing is left but a read that somebody awaits is not collected', async (t) => {
  const [text, warnings] = await collecting(`${SERVER}
    const read = async () => {
      const { value } = await connect(address).readable.getReader().read()
      return Buffer.from(value).toString()
    }
    const reading = read()
    if (peers.length === 0) await once(server, 'connection')
    await collectWell()
    peers[0].write('late')
    print(await reading)
    print(warnings)
    process.exit()`)
  t.is(text, 'late')
  t.deepEqual(warnings, [])
})

test('F-WIN-12: a large write that nobody waited for arrives, though everything was dropped and collected', async (t) => {
  const [received, warnings] = await collecting(`${SERVER}
    let received = 0
    const send = () => {
      const socket = connect(address)
      const writer = socket.writable.getWriter()
      writer.write(new Uint8Array(1024 * 1024).fill(7))
      writer.releaseLock()
      return socket.close()
    }
    const closed = send()
    await collectWell()
    await Promise.all([closed, (async () => {
      if (peers.length === 0) await once(server, 'connection')
      peers[0].on('data', ({ length }) => { received += length; gc() })
      await once(peers[0], 'end')
    })()])
    print(received)
    print(warnings)
    server.close()`)
  t.is(received, 1024 * 1024)
  t.deepEqual(warnings, [])
})

test('a signal that lives on keeps no dropped socket', async (t) => {
  const [warnings] = await collecting(`${SERVER}
    const { withOptions } = require('moz-tcp-socket/winter')
    const { signal } = new AbortController()
    await (async () => {
      await withOptions({ signal }).connect(address).opened
    })()
    await collectUntil(() => warnings.length > 0)
    print(warnings.length)
    print(signal.aborted)
    process.exit()`)
  t.is(warnings, 1)
})

test('STARTTLS: the first socket may be dropped, and the second lives on', async (t) => {
  const [text, warnings] = await collecting(`
    const { withOptions } = require('moz-tcp-socket/winter')
    const { makePki } = require('../../helpers/pki.js')
    const tls = require('node:tls')
    const { cert, key, ca } = makePki()
    const server = tls.createServer({ cert, key }, (peer) => { peer.pipe(peer); peer.on('error', () => {}) })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { connect } = withOptions({ ca, caOnly: true })
    const begin = async () => {
      const plain = connect('localhost:' + server.address().port, { secureTransport: 'starttls' })
      await plain.opened
      return plain.startTls()
    }
    const socket = await begin()
    await socket.opened
    await collectWell()
    const writer = socket.writable.getWriter()
    await writer.write('hello')
    const { value } = await socket.readable.getReader().read()
    print(Buffer.from(value).toString())
    print(warnings)
    await socket.close()
    server.close()`)
  t.is(text, 'hello')
  t.deepEqual(warnings, [])
})
