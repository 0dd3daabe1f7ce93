'use strict'

// What a turn sends leaves together, and what many send at once is no burden: datagrams of the engine's batches, seen from outside.

const { spawn } = require('node:child_process')
const dgram = require('node:dgram')
const { once } = require('node:events')
const path = require('node:path')

const test = require('ava')

const { kit, text } = require('./kit.js')

const INDEX = path.join(__dirname, '..', '..', '..', 'index.js')

/** A socket of Node's, at a port of its own, that keeps what it gets. */
async function peer(t, address = '127.0.0.1') {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4')
  t.teardown(() => socket.close())
  socket.bind(0, address)
  await once(socket, 'listening')
  // Room for what a turn sends.
  socket.setRecvBufferSize(212_992)
  const got = []
  let wake = () => {}
  socket.on('message', (data) => {
    got.push(data)
    wake()
  })
  /** Resolves when it has `count`. */
  const has = async (count) => {
    while (got.length < count) await new Promise((resolve) => (wake = resolve))
    return got
  }
  return { socket, port: socket.address().port, got, has }
}

for (const [family, address] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
]) {
  test(`what a turn sends arrives whole and in order, of every length and to everybody, over ${family}`, async (t) => {
    const socket = await kit(t).open({ localAddress: address })
    const [one, two] = [await peer(t, address), await peer(t, address)]
    const lengths = [64, 64, 64, 0, 0, 1, 1400, 1400, 1453, 1453, 9000, 64, 64, 2, 2, 2]
    const sent = new Map([
      [one, []],
      [two, []],
    ])
    // Two turns, and more in each than goes with one call.
    for (let turn = 0; turn < 2; turn += 1) {
      for (let i = 0; i < 3; i += 1) {
        for (const to of [one, one, two]) {
          for (const length of lengths) {
            const data = Buffer.alloc(length, sent.get(to).length)
            sent.get(to).push(data)
            t.true(socket.send(data, address, to.port))
            // It was copied.
            data.fill(0xff)
          }
        }
      }
      await new Promise(setImmediate)
      for (const to of [one, two]) await to.has(sent.get(to).length)
    }
    for (const [to, datagrams] of sent) {
      const expected = datagrams.map(({ length }, at) => Buffer.alloc(length, at))
      t.deepEqual(to.got, expected)
    }
  })
}

test('what is sent before close() in the same turn is sent', async (t) => {
  const socket = await kit(t).local()
  const to = await peer(t)
  for (const word of ['one', 'two']) socket.send(word, '127.0.0.1', to.port)
  socket.close()
  t.deepEqual((await to.has(2)).map(text), ['one', 'two'])
  await socket.closed
})

test('what is sent before process.exit() in the same turn is sent', async (t) => {
  const to = await peer(t)
  const code = `
    const { UDPSocket } = require(${JSON.stringify(INDEX)})
    const socket = new UDPSocket()
    socket.opened.then(() => {
      socket.send('last words', '127.0.0.1', ${to.port})
      process.exit()
    })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit'] })
  t.teardown(() => child.kill())
  const [exitCode] = await once(child, 'exit')
  t.is(exitCode, 0)
  t.deepEqual((await to.has(1)).map(text), ['last words'])
})

test('who sends to somebody who cannot be reached loses that datagram alone', async (t) => {
  const socket = await kit(t).local()
  const to = await peer(t)
  socket.send('one', '127.0.0.1', to.port)
  // From an address of the loopback there is no way out.
  for (let i = 0; i < 3; i += 1) socket.send('nowhere', '192.0.2.1', 9)
  socket.send('two', '127.0.0.1', to.port)
  t.deepEqual((await to.has(2)).map(text), ['one', 'two'])
  socket.send('three', '127.0.0.1', to.port)
  t.deepEqual((await to.has(3)).map(text), ['one', 'two', 'three'])
})

test('among a thousand strangers that flood it a socket answers an honest one, and takes no memory for them', async (t) => {
  const server = await kit(t).local()
  let strange = 0
  server.onmessage = ({ data, remoteAddress, remotePort }) => {
    const words = text(data)
    if (words.startsWith('honest')) server.send(`re: ${words}`, remoteAddress, remotePort)
    else strange += 1
  }
  const strangers = []
  t.teardown(() => Promise.all(strangers.map((stranger) => new Promise((end) => stranger.close(end)))))
  for (let i = 0; i < 1000; i += 1) {
    const stranger = dgram.createSocket('udp4')
    strangers.push(stranger)
    stranger.connect(server.localPort, '127.0.0.1')
    await once(stranger, 'connect')
  }
  const junk = Buffer.alloc(1400)
  const flood = () => {
    for (const stranger of strangers) stranger.send(junk)
  }
  const honest = await peer(t)
  flood()
  await new Promise(setImmediate)
  const before = process.memoryUsage()
  const sent = strangers.length * 60
  for (let round = 1; honest.got.length < 60; round += 1) {
    t.true(round <= 2000, 'the honest one is answered')
    if (round < 60) flood()
    // What is lost is sent again, as by everybody who uses UDP.
    honest.socket.send(`honest ${honest.got.length}`, server.localPort, '127.0.0.1')
    await new Promise(setImmediate)
  }
  const after = process.memoryUsage()
  t.true(strange > 0 && strange <= sent, `${strange} of ${sent} were received`)
  const grown = after.rss - before.rss
  t.true(
    grown < 64 * 1024 * 1024,
    `resident memory grew by ${grown} bytes, of ${sent * junk.length} that were sent`,
  )
})
