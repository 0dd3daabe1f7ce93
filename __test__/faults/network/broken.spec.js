'use strict'

// Connections that end because the network ends them, or does not, although it is dead: which error each of our sockets gets, in
// which order, and after how long (REL-47, REL-48, REL-49). Each fault meets four connections at once: our client and our server,
// plain and TLS.

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { judgeEnd, makeLab } = require('../helpers/lab.js')

const RESET = { name: 'NetworkError', code: 'ECONNRESET' }
const ABORTED = { name: 'NetworkError', code: 'ECONNABORTED' }
const UNANSWERED = { name: 'NetworkTimeoutError', code: 'ETIMEDOUT' }
/** A deadline of ours, of which the system knows nothing. */
const OVERDUE = { name: 'NetworkTimeoutError', code: undefined }

/** Milliseconds for what needs no time, on a busy machine. */
const SOON_MS = 20_000

/** More than fits into what the kernel keeps for a peer that reads nothing. */
const PLENTY = 20_000_000

/** TCP gives up after about three seconds, which are fifteen minutes by default. */
const IMPATIENT = { tcp_retries2: 3 }

/** Tells our ends to do something. */
const all = (pairs, order, ...args) => Promise.all(pairs.map(({ ours }) => ours.ask(order, ...args)))
const callAll = (pairs, method) => Promise.all(pairs.map(({ ours }) => ours.call(method)))

/**
 * `set` and `options` prepare hosts and sockets, `use` what the connections do, `break` is the fault, and `expected` the error. It takes
 * `least` to `most` milliseconds from then on.
 */
const FAULTS = [
  {
    fault: 'the kernel of this host ends the connections (ss -K)',
    did: 'idle',
    ids: ['REL-47'],
    break: ({ first }) => first.kill(),
    expected: ABORTED,
  },
  {
    fault: 'a reset comes from the other host (ss -K)',
    did: 'idle',
    ids: ['REL-47'],
    break: ({ second }) => second.kill(),
    expected: RESET,
  },
  {
    fault: 'a reset comes from the other host (ss -K)',
    did: 'in the middle of 20 MB each way',
    ids: ['REL-47'],
    use: move,
    break: ({ second }) => second.kill(),
    expected: RESET,
  },
  {
    fault: 'the kernel of this host ends the connections (ss -K)',
    did: 'in the middle of 20 MB each way',
    ids: ['REL-47'],
    use: move,
    break: ({ first }) => first.kill(),
    expected: ABORTED,
  },
  {
    fault: 'a reset comes from the other host (ss -K)',
    did: 'while suspended: noticed with resume()',
    ids: ['REL-47'],
    use: (pairs) => callAll(pairs, 'suspend'),
    async break({ second }, pairs, t) {
      second.kill()
      await sleep(300)
      for (const { types } of await all(pairs, 'report')) t.deepEqual(types, ['open'])
      await callAll(pairs, 'resume')
    },
    expected: RESET,
  },
  {
    fault: 'a reset comes from the other host (ss -K)',
    did: 'after close(), with 20 MB to send that nobody reads',
    ids: ['REL-47'],
    async use(pairs) {
      await Promise.all(pairs.map(({ theirs }) => theirs.call('pause')))
      await all(pairs, 'send', PLENTY)
      await callAll(pairs, 'close')
    },
    break: ({ second }) => second.kill(),
    expected: RESET,
  },
  {
    fault: 'a reset comes from the other host (ss -K)',
    did: 'while suspended, with 20 MB to send that nobody reads: noticed by that',
    ids: ['REL-47'],
    use: sendSuspended,
    break: ({ second }) => second.kill(),
    expected: RESET,
  },
  {
    fault: 'a dead path (all packets vanish), tcp_retries2=3',
    did: 'while suspended, with 20 MB to send that nobody reads: noticed by that',
    ids: ['REL-48'],
    set: ({ first }) => first.set(IMPATIENT),
    use: sendSuspended,
    break: ({ wire }) => wire.cut(),
    expected: UNANSWERED,
    least: 1000,
  },
  {
    fault: 'a firewall answers with a reset (nft reject with tcp reset)',
    did: 'in the middle of 20 MB each way',
    ids: ['REL-51'],
    use: move,
    break: ({ second }) => second.filter('meta l4proto tcp reject with tcp reset'),
    expected: RESET,
  },
  {
    fault: 'a dead path (all packets vanish), tcp_retries2=3',
    did: 'bytes to send',
    ids: ['REL-48'],
    set: ({ first }) => first.set(IMPATIENT),
    async break({ wire }, pairs) {
      await wire.cut()
      await all(pairs, 'send', 100)
    },
    expected: UNANSWERED,
    least: 1000,
  },
  {
    fault: 'a dead path (all packets vanish), tcp_retries2=3',
    did: 'close() with 20 MB to send',
    ids: ['REL-48'],
    set: ({ first }) => first.set(IMPATIENT),
    async break({ wire }, pairs) {
      await wire.cut()
      await all(pairs, 'send', PLENTY)
      await callAll(pairs, 'close')
    },
    expected: UNANSWERED,
    least: 1000,
  },
  {
    fault: 'a dead path (all packets vanish)',
    did: 'close() with 20 MB to send, which may take 30 seconds',
    ids: ['REL-48'],
    async break({ wire }, pairs) {
      await wire.cut()
      await all(pairs, 'send', PLENTY)
      await callAll(pairs, 'close')
    },
    expected: OVERDUE,
    least: 29_500,
    most: 36_000,
  },
  {
    fault: 'a dead path (all packets vanish)',
    did: 'nothing to send, keepAlive with keepAliveDelay 1000',
    ids: ['REL-49'],
    options: { keepAlive: true, keepAliveDelay: 1000 },
    break: ({ wire }) => wire.cut(),
    expected: UNANSWERED,
    least: 9000,
    most: 15_000,
  },
  {
    fault: 'a dead path (all packets vanish)',
    did: 'nothing to send, timeout 1500',
    ids: ['REL-48'],
    options: { timeout: 1500 },
    break: ({ wire }) => wire.cut(),
    expected: OVERDUE,
    most: 4000,
  },
  {
    fault: 'large packets vanish (MTU black hole)',
    did: 'in the middle of 20 MB each way, timeout 1500',
    ids: ['REL-48'],
    options: { timeout: 1500 },
    use: move,
    // Acknowledgements still come, and tell of nothing new.
    break: ({ wire }) => wire.set({ mtu: 500 }),
    expected: OVERDUE,
    least: 1400,
    most: 6000,
  },
  {
    fault: 'large packets vanish (MTU black hole), tcp_retries2=3',
    did: 'in the middle of 20 MB each way',
    ids: ['REL-48'],
    set: ({ first }) => first.set(IMPATIENT),
    use: move,
    break: ({ wire }) => wire.set({ mtu: 500 }),
    expected: UNANSWERED,
    least: 1000,
    // A full queue on the way has made the kernel's measure of a round trip long, and it waits for many of those.
    most: 90_000,
  },
  {
    fault: 'the other host has forgotten the connections (half-open)',
    did: 'bytes to send, once the path is there again',
    ids: ['REL-48'],
    async break(lab, pairs) {
      await forget(lab)
      await all(pairs, 'send', 100)
    },
    expected: RESET,
  },
  {
    fault: 'the other host has forgotten the connections (half-open)',
    did: 'nothing to send, keepAlive with keepAliveDelay 1000',
    ids: ['REL-49'],
    options: { keepAlive: true, keepAliveDelay: 1000 },
    break: forget,
    expected: RESET,
    most: 6000,
  },
]

/** Both ends send; resolves once bytes have come to both. */
async function move(pairs) {
  for (const end of pairs.flatMap(({ ours, theirs }) => [ours, theirs])) {
    // It never ends well.
    end.ask('exchange', { send: PLENTY, receive: PLENTY }).catch(() => {})
  }
  await Promise.all(pairs.flatMap((pair) => [pair.ours.ask('received', 1), pair.theirs.ask('received', 1)]))
}

/** We read nothing, nor does the peer, and there is much to send. */
async function sendSuspended(pairs) {
  await callAll(pairs, 'suspend')
  await Promise.all(pairs.map(({ theirs }) => theirs.call('pause')))
  await all(pairs, 'send', PLENTY)
}

/** The other host loses its connections as by a power cut, and nobody hears of it. */
async function forget({ wire, second, theirs }) {
  await wire.cut()
  await theirs.kill()
  // What the kernel still had to say.
  second.kill()
  await wire.join()
}

for (const { fault, did, ids, set, options, use, expected, least = 0, most = SOON_MS, ...row } of FAULTS) {
  testOfHosts(test)(`${expected.name}, then close: ${fault}; ${did}`, async (t) => {
    const line = { ids, fault, did: `our client and our server, plain and TLS: ${did}; ${expected.name}` }
    const lab = await makeLab(t, __filename, line)
    await lab.warmUp()
    set?.(lab)
    const pairs = await lab.connectAll(undefined, options)
    const ends = all(pairs, 'closed')
    // Should the test end before.
    ends.catch(() => {})
    await lab.silence()
    await use?.(pairs)
    const began = performance.now()
    await row.break(lab, pairs, t)
    for (const [index, report] of ((await lab.within(most, ends)) ?? []).entries()) {
      const took = performance.now() - began
      const { name, code } = report.error ?? {}
      const what = `${pairs[index].kind.name}: ${JSON.stringify(report)} after ${took} ms`
      t.deepEqual({ name, code }, expected, what)
      t.true(took >= least, what)
      t.is(report.bufferedAmount, 0, what)
      lab.account.run(judgeEnd(report))
    }
    await lab.finish()
  })
}

testOfHosts(test)(
  'close() on a dead path: close follows at once, and the process ends 30 seconds later',
  async (t) => {
    const did =
      'close() with 1000 bytes, which the kernel takes, our client and our server, plain and TLS; the process waits for the peer, but not longer'
    const lab = await makeLab(t, __filename, {
      ids: ['REL-48'],
      fault: 'a dead path (all packets vanish)',
      did,
    })
    await lab.warmUp()
    const pairs = await lab.connectAll()
    await lab.silence()
    await lab.wire.cut()
    await all(pairs, 'send', 1000)
    await callAll(pairs, 'close')
    for (const report of (await lab.within(SOON_MS, all(pairs, 'closed'))) ?? [])
      lab.account.run(judgeEnd(report, 'open close'))
    const began = performance.now()
    const exit = await lab.within(40_000, lab.ours.leave(40_000))
    t.deepEqual(exit, { code: 0, signal: null })
    const took = performance.now() - began
    t.true(took > 25_000, `${took} ms`)
    await lab.finish()
  },
)
