'use strict'

// What was sent on a socket that was closed reaches the peer, though the process calls process.exit(): it waits for that,
// for two seconds at most.

const net = require('node:net')
const tls = require('node:tls')
const { once } = require('node:events')

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { makePki } = require('../helpers/pki.js')
const { scope } = require('../helpers/sockets.js')

/** Fits into what the kernel keeps for one connection. */
const SIZE = 2_000_000

/** Milliseconds that the end of a process may wait, and by which a busy machine may be late. */
const MOST_WAIT = 2000
const LATE = 8000

/**
 * A peer that begins to read when it has been told to, and `answers` what it reads: `{ port, read(), received }`. The
 * last resolves with `{ bytes, error }`.
 */
async function peer(own, { secure, answers }) {
  let settle
  const received = new Promise((resolve) => {
    settle = resolve
  })
  let read
  const told = new Promise((resolve) => {
    read = resolve
  })
  const serve = async (socket) => {
    own.onEnd(() => socket.destroy())
    let bytes = 0
    socket.on('error', ({ code }) => settle({ bytes, error: code }))
    socket.pause()
    if (answers) socket.write('150 wait\r\n')
    await told
    socket.on('end', () => {
      settle({ bytes, error: null })
      socket.end()
    })
    socket.on('data', (chunk) => {
      bytes += chunk.length
      if (answers) socket.write('250 ok\r\n')
    })
    socket.resume()
  }
  const { cert, key } = makePki()
  const server = secure ? tls.createServer({ cert, key }, serve) : net.createServer(serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  own.onEnd(() => server.close())
  return { port: server.address().port, read, received }
}

for (const secure of [false, true]) {
  for (const answers of [false, true]) {
    for (const how of ['in onclose', 'at once', 'with another copy']) {
      const which = `${secure ? 'TLS' : 'plain'}, ${answers ? 'a peer that answers' : 'a silent peer'}`
      test.serial(`process.exit() ${how} loses nothing that was sent before close(): ${which}`, async (t) => {
        const own = scope(t)
        const { port, read, received } = await peer(own, { secure, answers })
        const env = secure ? { CA: makePki().ca } : {}
        const { result } = start(own, 'last-words.js', [port, SIZE, how], { env })
        // The peer is slower than the process: that has written, and is about to exit.
        setTimeout(read, 300)
        t.deepEqual(await received, { bytes: SIZE, error: null })
        const { code, signal, stderr } = await result
        t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      })
    }
  }
}

test.serial('a peer that never reads delays process.exit() by two seconds at most', async (t) => {
  const own = scope(t)
  const { port } = await peer(own, {})
  const began = Date.now()
  const { result } = start(own, 'last-words.js', [port, 10 * SIZE, 'at once'])
  const { code, signal, ended } = await result
  t.deepEqual({ code, signal }, { code: 0, signal: null })
  t.true(ended - began < MOST_WAIT + LATE, `${ended - began} ms`)
})
