'use strict'

// A panic of the engine never ends the process: where JavaScript called, it becomes an exception; in the background it
// becomes the error of one socket or server (REL-09). The release profile, in which the addon for this is built, must
// unwind for that (REL-10).

const { existsSync, readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { echo, startPeers } = require('../fixtures/lifecycle/peers.js')
const { ask } = require('../fixtures/lifecycle/run-child.js')
const { serialWhere } = require('../helpers/needs.js')
const { addon } = require('../../scripts/build-fault-addon.js')

const THROWS = [
  'EventChannel',
  'TlsConfig.client',
  'TlsConfig.server',
  'tlsDetails',
  'tlsSession',
  'TCPSocket',
  'TCPServerSocket',
  'stage',
  'upgrade',
  'suspend',
  'resume',
  'keepAlive',
  'close',
  'closeImmediately',
  'abort',
  'server.close',
  'server.keepAlive',
]

/** Nobody is there to catch what happens after a handler, at the end of a turn or between two events. */
const IS_UNCAUGHT = ['flush', 'release', 'reportClosed']

const ENDS_A_SOCKET = ['connect', 'read', 'write', 'deliver']

const run = serialWhere(test, existsSync(addon), 'the engine of `node scripts/build-fault-addon.js`')

let peers

test.before(async () => {
  peers = await startPeers(echo)
})

test.after.always(() => peers.stop())

function panic(place, kind) {
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: addon, MOZ_TCP_SOCKET_PANIC: 'nowhere' }
  return ask('panic.js', [place, kind], { ...peers, env })
}

for (const place of THROWS) {
  run(`a panic in ${place} is an exception`, async (t) => {
    const { thrown, uncaught } = await panic(place, 'plain')
    t.regex(String(thrown), new RegExp(`fault hook: ${place}$`))
    t.deepEqual(uncaught, [])
  })
}

for (const place of IS_UNCAUGHT) {
  run(`a panic in ${place} is an uncaught exception`, async (t) => {
    const { thrown, uncaught } = await panic(place, 'plain')
    t.is(thrown, null)
    t.deepEqual(uncaught, [`fault hook: ${place}`])
  })
}

run(
  'a flush that fails at the end of a turn closes the socket: nothing may follow what is missing',
  async (t) => {
    const { thrown, uncaught, events, received, refused } = await panic('flush, while it sends', 'plain')
    t.is(thrown, null)
    t.deepEqual(uncaught, ['fault hook: flush'])
    t.deepEqual(events, ['close'])
    t.is(received, '')
    t.true(refused === undefined || refused === 'Socket not open.', refused)
  },
)

run('a socket that cannot have `close` reported in a task of its own closes all the same', async (t) => {
  const { events } = await panic('reportClosed', 'plain')
  t.is(events.length, 2)
  t.regex(events[0], /^ConnectionRefusedError: /)
  t.is(events[1], 'close')
})

for (const place of ['stage, in an upgrade', 'upgrade, itself']) {
  run(
    `upgradeToSecure() that fails closes the socket, and nothing more leaves in the clear (${place})`,
    async (t) => {
      const outcome = await panic(place, 'plain')
      t.regex(String(outcome.thrown), /^fault hook: (stage|upgrade)$/)
      t.deepEqual(outcome.uncaught, [])
      t.is(outcome.received, '')
      t.is(outcome.refused, 'Socket not open.')
      t.deepEqual(outcome.events, ['close'])
    },
  )
}

for (const kind of ['plain', 'tls']) {
  for (const place of ENDS_A_SOCKET) {
    run(`a panic in ${place} ends its ${kind} socket with an error, and no other`, async (t) => {
      const { thrown, uncaught, events } = await panic(place, kind)
      t.is(thrown, null)
      t.deepEqual(uncaught, [])
      t.is(events.length, 2)
      t.regex(events[0], /^NetworkError: internal error: .* panicked/)
      t.is(events[1], 'close')
    })
  }
}

run('a panic in accept ends its server with an error, and no socket', async (t) => {
  const { uncaught, events } = await panic('accept', 'plain')
  t.deepEqual(uncaught, [])
  t.deepEqual(events, ['NetworkError: internal error: the listener panicked'])
})

// Whichever function it is: those above have a hook, and one that is new has none yet.
test('every function that JavaScript can call catches panics', (t) => {
  const directory = join(__dirname, '../../src/binding')
  const functions = []
  for (const file of readdirSync(directory)) {
    const source = readFileSync(join(directory, file), 'utf8')
    // Up to what it is an attribute of; other attributes and comments may come in between.
    const pattern =
      /#\[napi(?:\(([^]*?)\))?\]\s*(?:(?:\/\/[^\n]*|#\[[^\]]*\])\s*)*((?:(?:pub(?:\([^)]*\))?|async|unsafe|const) +)*)(\w+) ?(\w*)/g
    const exported = [...source.matchAll(pattern)]
    t.is(
      exported.length,
      source.split('#[napi').length - 1,
      `${file}: an attribute that this test does not read`,
    )
    for (const [, options = '', , what, name] of exported) {
      if (what === 'fn')
        functions.push({ name: `${file}: ${name}`, caught: /\bcatch_unwind\b/.test(options) })
    }
  }
  t.true(functions.length > 20, `${functions.length} functions`)
  t.deepEqual(
    functions.filter(({ caught }) => !caught).map(({ name }) => name),
    [],
  )
})
