'use strict'

// Peers that take nothing for a long time, and still are there: TCP's window is shut. Nothing is lost, nobody works meanwhile, and
// memory does not grow (REL-22, REL-24, REL-53). MOZ_TCP_SOCKET_FAULT_SECONDS says how long: 600 are the ten minutes that a suite has not.

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { exchange, judgeEnd, judgeExchange, makeLab, standstill } = require('../helpers/lab.js')

const SECONDS = Number(process.env.MOZ_TCP_SOCKET_FAULT_SECONDS ?? 8)

/** More than kernels keep. */
const BYTES = 30_000_000

/** KiB by which the process with our sockets may grow while the window is shut. */
const MOST_GROWTH = 8 * 1024

/** Percent of a processor that four connections may take which do nothing. */
const MOST_CPU = 2

const each = (pairs, act) => Promise.all(pairs.map(act))

/** Who takes nothing, and what happens when it does again. */
const FAULTS = [
  {
    fault: 'the peer reads nothing',
    shut: ({ theirs }) => theirs.call('pause'),
    reopen: ({ theirs }) => theirs.call('resume'),
  },
  {
    fault: 'we are suspended',
    shut: ({ ours }) => ours.call('suspend'),
    reopen: ({ ours }) => ours.call('resume'),
  },
  {
    fault: 'both read nothing',
    shut: ({ ours, theirs }) => Promise.all([ours.call('suspend'), theirs.call('pause')]),
    reopen: ({ ours, theirs }) => Promise.all([ours.call('resume'), theirs.call('resume')]),
  },
  {
    fault:
      'the peer reads nothing, with keepAlive, and what tells us that it reads again is lost for a second',
    options: { keepAlive: true, keepAliveDelay: 1000 },
    shut: ({ theirs }) => theirs.call('pause'),
    reopen: ({ theirs }) => theirs.call('resume'),
    isLost: true,
  },
]

for (const { fault, options, shut, reopen, isLost } of FAULTS) {
  testOfHosts(test)(
    `a window that is shut for ${SECONDS} s loses nothing and costs nothing: ${fault}`,
    async (t) => {
      t.timeout((SECONDS + 250) * 1000)
      const did = `${BYTES / 1e6} MB each way, stopped for ${SECONDS} s: at most ${MOST_GROWTH / 1024} MiB more memory and ${MOST_CPU} % of a processor for four connections`
      const lab = await makeLab(t, __filename, {
        ids: ['REL-24', 'REL-53'],
        fault: `zero window: ${fault}`,
        did,
      })
      const { ours, wire } = lab
      await lab.warmUp()
      const pairs = await lab.connectAll(undefined, options)
      await each(pairs, shut)
      const transfers = pairs.map((pair) => lab.within(SECONDS * 1000 + 100_000, exchange(pair, BYTES)))
      const stopped = await standstill(pairs)
      const [before, memory, began] = [await ours.ask('usage'), ours.memory().now, performance.now()]
      ours.forgetPeak()
      await sleep(SECONDS * 1000)
      const after = await ours.ask('usage')
      const percent = ((after.cpu - before.cpu) / (performance.now() - began)) * 100
      const growth = ours.memory().peak - memory
      t.true(percent <= MOST_CPU, `${percent} % of a processor`)
      t.true(growth <= MOST_GROWTH, `${growth} KiB`)
      t.deepEqual(await standstill(pairs), stopped, 'nothing has moved')
      if (isLost) await wire.cut('back')
      await each(pairs, reopen)
      if (isLost) {
        await sleep(1000)
        await wire.join('back')
      }
      for (const reports of await Promise.all(transfers))
        lab.account.run(reports ? judgeExchange(reports, BYTES) : undefined)
      await lab.finish()
    },
  )
}

/** How a connection ends whose window never opens again. */
const ENDS = [
  {
    fault: 'timeout 1500',
    options: { timeout: 1500 },
    expected: { name: 'NetworkTimeoutError', code: undefined },
  },
  {
    fault: 'tcp_retries2=3, and the path is dead from then on',
    set: ({ first }) => first.set({ tcp_retries2: 3 }),
    finish: ({ wire }) => wire.cut(),
    expected: { name: 'NetworkTimeoutError', code: 'ETIMEDOUT' },
  },
  {
    fault: 'a reset',
    finish: ({ second }) => second.kill(),
    expected: { name: 'NetworkError', code: 'ECONNRESET' },
  },
]

for (const { fault, options, set, finish, expected } of ENDS) {
  testOfHosts(test)(`a window that is shut for good ends with ${expected.name}: ${fault}`, async (t) => {
    const did = `${BYTES / 1e6} MB to a peer that reads nothing, our client and our server, plain and TLS; ${expected.name}`
    const lab = await makeLab(t, __filename, { ids: ['REL-48'], fault: `zero window: ${fault}`, did })
    await lab.warmUp()
    set?.(lab)
    const pairs = await lab.connectAll(undefined, options)
    await each(pairs, ({ theirs }) => theirs.call('pause'))
    const ends = Promise.all(
      pairs.map(({ ours }) => ours.ask('exchange', { send: BYTES, receive: 0, closes: false })),
    )
    if (finish) {
      await standstill(pairs)
      await finish(lab)
    }
    for (const report of (await lab.within(30_000, ends)) ?? []) {
      const { name, code } = report.error ?? {}
      t.deepEqual({ name, code }, expected, JSON.stringify(report))
      lab.account.run(judgeEnd(report))
    }
    await lab.finish()
  })
}
