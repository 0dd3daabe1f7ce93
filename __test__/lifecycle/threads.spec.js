'use strict'

// How many threads the engine takes, whatever the number of sockets (REL-16), and that it survives when the system
// gives it none (REL-17).

const test = require('ava')

const { echo, startPeers } = require('../fixtures/lifecycle/peers.js')
const { ask } = require('../fixtures/lifecycle/run-child.js')
const { failsys } = require('../helpers/failsys.js')
const { serialWhere } = require('../helpers/needs.js')

/** Documented in docs/design.md: `MOST_LOOKUPS` of src/net/names/resolve.rs, and twice `MOST_BUILDS` of src/net/tls/connectors.rs. */
const MOST_BLOCKING = 24 + 2 * 4

const linux = serialWhere(test, process.platform === 'linux', 'Linux, for /proc')
const faulty = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')

let peers

test.before(async () => {
  peers = await startPeers(echo)
})

test.after.always(() => peers.stop())

linux('one thread moves the bytes of all sockets, and lookups take a bounded number more', async (t) => {
  const { loaded, one, many, secure, named } = await ask('threads.js', [], peers)
  t.like(loaded, { io: 0, blocking: 0 }, 'loading the package starts nothing')
  t.like(one, { io: 1, blocking: 0 })
  t.deepEqual(many, one, 'five hundred sockets take no more than one')
  for (const step of [secure, named]) {
    // A thread that has just started still has the name of the one that started it, so the names count together.
    const engine = step.io + step.blocking
    t.true(engine >= 1 && engine <= 1 + MOST_BLOCKING, `${engine} threads`)
    t.is(step.all - engine, one.all - one.io)
  }
})

/** With the `nth` and all later threads of the addon refused, or only that one. */
function withoutThread(nth, count) {
  return ask('no-thread.js', [], { ...peers, env: failsys(`pthread_create:EAGAIN:${nth}:${count}`) })
}

/** Which names what could not be done, and the system's reason. */
const REFUSED = /^NetworkError: (look up localhost|set up TLS): Resource temporarily unavailable/

faulty('where no thread can start at all, opening and listening throw', async (t) => {
  const { first, named, secure, again, listen } = await withoutThread(1, 0)
  for (const what of [first, named, secure, again, listen]) {
    t.regex(String(what), /^threw .*I\/O thread.*unavailable/)
  }
})

faulty('where the I/O thread cannot start once, the next call starts it', async (t) => {
  const { first, ...rest } = await withoutThread(1, 1)
  t.regex(String(first), /^threw .*I\/O thread.*unavailable/)
  t.deepEqual(rest, {
    named: ['open', 'close'],
    secure: ['open', 'close'],
    again: ['open', 'close'],
    listen: 'listened',
  })
})

faulty('where no thread for lookups can start, those sockets fail and others carry on', async (t) => {
  const { first, named, secure, again, listen } = await withoutThread(2, 0)
  t.deepEqual(first, ['open', 'close'])
  for (const events of [named, secure]) {
    t.is(events.length, 2)
    t.regex(events[0], REFUSED)
    t.is(events[1], 'close')
  }
  t.deepEqual(again, ['open', 'close'])
  t.is(listen, 'listened')
})

faulty('where a thread for lookups cannot start once, only that socket fails', async (t) => {
  const { named, ...rest } = await withoutThread(2, 1)
  t.regex(named[0], REFUSED)
  t.deepEqual(rest, {
    first: ['open', 'close'],
    secure: ['open', 'close'],
    again: ['open', 'close'],
    listen: 'listened',
  })
})
