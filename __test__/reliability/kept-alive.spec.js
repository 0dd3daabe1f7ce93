'use strict'

// A closed socket whose peer has not got everything keeps the process alive, unless nobody cares. How long that may take
// is told in settling.spec.js.

const test = require('ava')

const { start } = require('../fixtures/reliability/children.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

/** More than Linux keeps for a peer that does not read, and less than it takes at once from who writes. */
const SIZE = 500_000

const onLinux = serialWhere(test, process.platform === 'linux', 'the buffers of Linux')

for (const how of ['close() after unref()', 'unref() after close()', 'closeImmediately()']) {
  onLinux(`close() keeps the process for a peer that does not read; ${how} does not`, async (t) => {
    const own = scope(t)
    const server = await own.netServer({ pauseOnConnect: true })
    const waiting = start(own, 'kept-alive.js', [server.port, SIZE, 'close()'])
    t.deepEqual(await waiting.next(), { pending: 0 })
    const peer = await server.connection()

    const other = start(own, 'kept-alive.js', [server.port, SIZE, how])
    t.deepEqual(await other.next(), { pending: 0 })
    const { code, signal } = await other.result
    t.deepEqual({ code, signal }, { code: 0, signal: null })

    // Nobody waits forever. Had the other one waited as well, this one would have ended before it.
    t.is(waiting.child.exitCode, null, 'the first one still waits')
    peer.resume()
    const first = await waiting.result
    t.deepEqual({ code: first.code, signal: first.signal }, { code: 0, signal: null })
    t.is(peer.bytesRead, SIZE)
  })
}
