'use strict'

// REL-19: `send` has taken its copy when it returns. What happens to the caller's memory afterwards, while the bytes
// still wait because the peer does not read, never shows on the wire.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const tls = require('node:tls')
const v8 = require('node:v8')
const vm = require('node:vm')

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')
const { makePki } = require('../helpers/pki.js')

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

/** In the shared arena, around the size from which on the engine copies, and beyond. */
const SIZES = [1, 100, 100_000, 128 * 1024 - 1, 128 * 1024, 1 << 20]

/** More than the kernel takes for a peer that does not read. */
const MUCH = 16 << 20

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** An ArrayBuffer with the bytes of `source`; resizable ones can be shrunk afterwards. */
function bufferOf(source, options) {
  const buffer = new ArrayBuffer(source.length, options)
  new Uint8Array(buffer).set(source)
  return buffer
}

const SPOILERS = {
  'is overwritten': { spoil: (buffer) => new Uint8Array(buffer).fill(0xee) },
  'is transferred away': { spoil: (buffer) => structuredClone(buffer, { transfer: [buffer] }) },
  'shrinks to nothing': { resizable: true, spoil: (buffer) => buffer.resize(0) },
  'is collected, and its place used again': {
    // Nobody holds it any more when this runs.
    afterwards: () => {
      collect()
      return new Uint8Array(64 * 1024).fill(0xdd)
    },
  },
}

function sendOne(socket, source, { resizable, spoil }) {
  const buffer = bufferOf(source, resizable && { maxByteLength: source.length })
  socket.send(buffer)
  spoil?.(buffer)
}

/** A server that does not read before it is told to: `{ port, connection() }` with a readable node socket. */
async function lazyServer(own, secure) {
  if (!secure) return own.netServer({ pauseOnConnect: true })
  const { cert, key } = makePki()
  const server = tls.createServer({ cert, key }).listen(0, '127.0.0.1')
  const sessions = []
  server.on('secureConnection', (session) => {
    session.on('error', () => {})
    sessions.push(session)
  })
  await once(server, 'listening')
  own.onEnd(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const connection = async () => {
    if (sessions.length === 0) await once(server, 'secureConnection')
    return sessions[0]
  }
  return { port: server.address().port, connection }
}

for (const secure of [false, true]) {
  for (const [what, spoiler] of Object.entries(SPOILERS)) {
    const kind = secure ? 'TLS' : 'plain'
    test(`REL-19: what was sent arrives unchanged (${kind}) although its buffer ${what}`, async (t) => {
      const own = scope(t)
      const server = await lazyServer(own, secure)
      const options = secure
        ? { binaryType: 'arraybuffer', useSecureTransport: true, ca: makePki().ca }
        : { binaryType: 'arraybuffer' }
      const [socket, events] = own.open('127.0.0.1', server.port, options)
      const [peer] = await Promise.all([server.connection(), events.event('open')])

      // First fill the way, so that everything behind still waits in this process when it is spoilt.
      const filler = randomBytes(MUCH)
      socket.send(bufferOf(filler))
      const hash = createHash('sha256').update(filler)
      let total = MUCH
      for (const size of SIZES) {
        const source = randomBytes(size)
        hash.update(source)
        total += size
        sendOne(socket, source, spoiler)
        spoiler.afterwards?.()
      }
      t.is(socket.bufferedAmount, total, 'everything is counted')
      await new Promise(setImmediate)
      t.true(socket.bufferedAmount > 0, 'the peer does not read, so something must still wait')
      const all = await receive(peer, total)
      t.is(all.length, total)
      t.is(sha256(all), hash.digest('hex'))
    })
  }
}

test('REL-19: a view is copied too, and only what it covers', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const memory = new Uint8Array(50_000).fill(0xee)
  for (const [size, at] of [
    [100, 7],
    [20_000, 1000],
  ]) {
    const view = memory.subarray(at, at + size)
    view.fill(size % 251)
    socket.send(view)
    view.fill(0xee)
  }
  const all = await receive(peer, 20_100)
  t.true(all.subarray(0, 100).every((byte) => byte === 100))
  t.true(all.subarray(100).every((byte) => byte === 20_000 % 251))
})
