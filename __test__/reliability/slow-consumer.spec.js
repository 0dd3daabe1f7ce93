'use strict'

// REL-22 and REL-23: an application that does not take its data, because it is busy or because it said so, makes the
// peer wait. It does not make the process grow.

const { createHash } = require('node:crypto')

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { bytesInKernel } = require('../fixtures/reliability/kernel.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const MIB = 1 << 20
const PIECE = 64 * 1024

/** `LIMIT` of src/net/recv_buffer.rs: the most that waits in a socket for its application. */
const MOST_WAITING = 256 * 1024

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

onLinux('REL-22: while JavaScript is blocked, memory stays bounded and the sender waits', async (t) => {
  const own = scope(t)
  const total = 256 * MIB
  const server = await own.netServer()
  const { child, next, tell, result } = start(own, 'slow-consumer.js', [server.port, 2000])
  const peer = await server.connection()
  const pushed = push(peer, total)

  const { growth, taken } = await next()
  const accepted = await standstill(pushed.accepted)
  const held = accepted - taken - bytesInKernel(server.port, peer.remotePort)
  t.log(
    `grew by ${(growth / MIB).toFixed(1)} MiB; the kernel took ${accepted / MIB} MiB; ${held} bytes in between`,
  )
  t.true(accepted < 32 * MIB, 'the sender must come to a halt')
  t.true(growth < 16 * MIB, `${growth} bytes`)
  // The piece that is under way makes it up to PIECE more.
  t.true(held <= MOST_WAITING, `${held} bytes wait in the process`)

  tell('go on')
  const { bytes, largest, hash } = await next()
  t.is(bytes, total)
  t.is(hash, pushed.hash())
  t.true(largest <= MOST_WAITING, `one event had ${largest} bytes`)
  t.deepEqual(await result.then(({ code, signal }) => ({ code, signal })), { code: 0, signal: null })
  t.is(child.exitCode, 0)
})

onLinux('REL-23: suspend() stops reading from the kernel, and counts', async (t) => {
  const own = scope(t)
  const total = 64 * MIB
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  const echo = await own.toNode()
  echo.peer.pipe(echo.peer)
  const peer = await server.connection()
  await events.event('open')
  socket.suspend()
  socket.suspend()
  const pushed = push(peer, total)

  const accepted = await standstill(pushed.accepted)
  const inKernel = bytesInKernel(server.port, peer.remotePort)
  t.log(`the kernel took ${accepted / MIB} MiB and still holds ${inKernel / MIB} MiB`)
  t.true(accepted < 32 * MIB, 'the sender must come to a halt')
  t.true(accepted - inKernel <= MOST_WAITING, `${accepted - inKernel} bytes were read`)
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
