'use strict'

// What keeps a process alive: open sockets, connecting ones and listeners, unless `unref()` was called. Nothing else
// does, and nothing that the engine still has to do for a closed socket (REL-08, REL-112, REL-135).

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { startPeers, stream } = require('../fixtures/lifecycle/peers.js')
const { run } = require('../fixtures/lifecycle/run-child.js')

const ALIVE = [
  'plain open',
  'tls open',
  'open unref ref',
  'one of two unref',
  'suspended',
  'connecting',
  'listener',
  'listener unref ref',
  'accepted after its listener closed',
  'unref, closed, and another open',
]

const NOT_ALIVE = [
  'nothing',
  'plain open unref',
  'tls open unref',
  'connecting unref',
  'listener unref',
  'accepted unref',
  'listener closed',
  'plain closed',
  'tls closed',
  'closed immediately',
  'connecting closed',
  'plain failed',
  'tls failed',
  'closed, then ref',
]

let peers
let silent

test.before(async () => {
  peers = await startPeers(stream)
  // Accepts, and then says nothing and never ends.
  silent = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  peers.config.ports.silent = silent.address().port
})

test.after.always(() => {
  peers.stop()
  silent.close()
})

/** What Node's own tests say of it, too. */
const CHECKS = { suspended: 'REL-112: ', listener: 'REL-135: ', 'listener unref': 'REL-135: ' }

for (const [names, keep, lines] of [
  [ALIVE, 'alive', 'alive\nend\n'],
  [NOT_ALIVE, 'not alive', 'end\n'],
]) {
  for (const name of names) {
    test.serial(`${CHECKS[name] ?? ''}the process is kept ${keep} by: ${name}`, async (t) => {
      const { code, signal, stdout, stderr } = await run('keep-alive.js', [name], peers)
      t.deepEqual({ code, signal, stdout, stderr }, { code: 0, signal: null, stdout: lines, stderr: '' })
    })
  }
}
