'use strict'

// REL-22 and REL-23: an application that does not take its data, because it is busy or because it said so, makes the
// peer wait. It does not make the process grow.

const { createHash } = require('node:crypto')
const { once } = require('node:events')

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { bytesInKernel } = require('../fixtures/reliability/kernel.js')
const { serialWhere } = require('../helpers/needs.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { tlsServer } = require('../helpers/tls-peers.js')

const MIB = 1 << 20
const PIECE = 64 * 1024

/** `MOST_TAKEN` of src/net/input.rs: the most that is delivered at once. */
const MOST_TAKEN = 64 * 1024

/** A server, and what clients of it need: `{ port, ca, raw(), peer() }`. `raw` is the TCP connection of `peer`. */
async function serve(own, transport) {
  if (transport === 'plain') {
    const { port, connection } = await own.netServer()
    const peer = connection()
    return { port, raw: () => peer, peer: () => peer }
  }
  const { server, port } = await tlsServer(own, 'good', {}, () => {})
  const [raw, session] = [once(server, 'connection'), once(server, 'secureConnection')]
  return {
    port,
    ca: certificate('root').ca,
    raw: async () => (await raw)[0],
    peer: async () => (await session)[0],
  }
}

/** How many bytes of `accepted` are neither with the application nor in the kernel, which also holds what TLS adds. */
function inBetween(transport, accepted, elsewhere) {
  const added = transport === 'plain' ? 0 : (accepted / RECORD) * ADDED
  return accepted + added - elsewhere
}

/** What the longest record of TLS carries, and what TLS 1.3 adds to each: header, type and tag. */
const [RECORD, ADDED] = [16 * 1024, 5 + 1 + 16]

/** What waits for the application outside the kernel: with TLS a record that has come in part. */
const MOST_WAITING = { plain: 0, TLS: RECORD + ADDED }

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux, for /proc')

/** Writes `total` bytes of a pattern. `accepted()` is how much the kernel took, up to one piece more. */
function push(peer, total) {
  const hash = createHash('sha256')
  let [written, accepted] = [0, 0]
  const next = () => {
    if (written === total) return peer.end()
    const piece = Buffer.alloc(PIECE, (written / PIECE) % 251)
    hash.update(piece)
    written += PIECE
    peer.write(piece, () => {
      accepted += PIECE
      next()
    })
  }
  next()
  return { accepted: () => accepted, hash: () => hash.digest('hex') }
}

/** Resolves when `read()` has not changed for a while: 20 looks, 25 ms apart. */
async function standstill(read) {
  let last = read()
  for (let unchanged = 0; unchanged < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 25))
    const now = read()
    unchanged = now === last ? unchanged + 1 : 0
    last = now
  }
  return last
}

for (const transport of ['plain', 'TLS']) {
  onLinux(
    `REL-22: while JavaScript is blocked, memory stays bounded and the sender waits (${transport})`,
    async (t) => {
      const own = scope(t)
      const total = (transport === 'plain' ? 256 : 96) * MIB
      const { port, ca = '', ...server } = await serve(own, transport)
      const { child, next, tell, result } = start(own, 'slow-consumer.js', [port, 2000, ca])
      const [raw, peer] = [await server.raw(), await server.peer()]
      const pushed = push(peer, total)

      const { growth, taken } = await next()
      const accepted = await standstill(pushed.accepted)
      const held = inBetween(transport, accepted, taken + bytesInKernel(port, raw.remotePort))
      t.log(
        `grew by ${(growth / MIB).toFixed(1)} MiB; the kernel took ${accepted / MIB} MiB; ${held} bytes in between`,
      )
      t.true(accepted < 32 * MIB, 'the sender must come to a halt')
      t.true(growth < 16 * MIB, `${growth} bytes`)
      // The piece that is under way makes it up to PIECE more.
      t.true(held <= MOST_WAITING[transport], `${held} bytes wait in the process`)

      tell('go on')
      const { bytes, largest, hash } = await next()
      t.is(bytes, total)
      t.is(hash, pushed.hash())
      t.true(largest <= MOST_TAKEN, `one event had ${largest} bytes`)
      t.deepEqual(await result.then(({ code, signal }) => ({ code, signal })), { code: 0, signal: null })
      t.is(child.exitCode, 0)
    },
  )

  onLinux(`REL-23: suspend() stops reading from the kernel, and counts (${transport})`, async (t) => {
    const own = scope(t)
    const total = 64 * MIB
    const { port, ca, ...server } = await serve(own, transport)
    const secure = transport === 'TLS'
    const [socket, events] = own.open('127.0.0.1', port, {
      binaryType: 'arraybuffer',
      useSecureTransport: secure,
      ca,
    })
    const echo = await own.toNode()
    echo.peer.pipe(echo.peer)
    const [raw, peer] = [await server.raw(), await server.peer()]
    await events.event('open')
    socket.suspend()
    socket.suspend()
    const pushed = push(peer, total)

    const accepted = await standstill(pushed.accepted)
    const inKernel = bytesInKernel(port, raw.remotePort)
    const read = inBetween(transport, accepted, inKernel)
    t.log(`the kernel took ${accepted / MIB} MiB and still holds ${inKernel / MIB} MiB`)
    t.true(accepted < 32 * MIB, 'the sender must come to a halt')
    t.true(read <= MOST_WAITING[transport], `${read} bytes were read`)
    t.is(events.bytes, 0)

    socket.resume()
    echo.socket.send('?')
    await echo.events.data(1)
    t.is(events.bytes, 0, 'one of two is not enough')

    const hash = createHash('sha256')
    let bytes = 0
    events.chunks = { push: (chunk) => hash.update(chunk) }
    socket.resume()
    // Again, in the middle, and from inside a handler.
    const interrupt = () => {
      bytes = events.bytes
      if (bytes < total / 2) return
      socket.removeEventListener('data', interrupt)
      socket.suspend()
      echo.socket.send('?')
    }
    socket.addEventListener('data', interrupt)
    await echo.events.data(2)
    t.is(events.bytes, bytes, 'nothing came after suspend() returned')
    socket.resume()
    t.deepEqual(await events.closed(), ['open', 'close'])
    t.is(events.bytes, total)
    t.is(hash.digest('hex'), pushed.hash())
  })
}
