'use strict'

// Deadlines that must not strike: `timeout` while bytes move, however slowly, and `keepAlive` while the peer's kernel answers, however
// rarely (REL-49).

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { exchange, judgeExchange, makeLab } = require('../helpers/lab.js')

const LIMIT_MS = 60_000

const SLOW = [
  {
    fault: 'a rate of 1 Mbit/s (tbf), timeout 6000',
    options: { timeout: 6000, connectTimeout: 0 },
    link: 'onCable',
    // For several times as long as the timeout.
    bytes: 400_000,
    set({ first, second }) {
      for (const host of [first, second])
        host.run('tc qdisc replace dev cable root tbf rate 1mbit burst 4kb latency 800ms')
    },
  },
  {
    fault: '150 ms delay each way and 5 % loss, timeout 10000',
    options: { timeout: 10_000, connectTimeout: 0 },
    bytes: 300_000,
    set: ({ wire }) => wire.set({ delay: 150, loss: 5 }),
  },
]

for (const { fault, options, link, bytes, set } of SLOW) {
  testOfHosts(test)(`timeout does not end what is only slow: ${fault}`, async (t) => {
    const did = `${bytes / 1000} kB each way over each of four connections: our client and our server, plain and TLS`
    const lab = await makeLab(t, __filename, { ids: ['REL-49'], fault, did }, { link })
    await lab.warmUp()
    const pairs = await lab.connectAll(undefined, options)
    await set(lab)
    for (const reports of await Promise.all(pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, bytes)))))
      lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
    await lab.finish()
  })
}

const SILENT = [
  {
    fault: '20 % loss',
    ms: 13_000,
    set: ({ wire }) => wire.set({ loss: 20 }),
    reset: ({ wire }) => wire.set({ loss: 0 }),
  },
  {
    fault: 'the peer is stopped (SIGSTOP)',
    ms: 13_000,
    set: ({ theirs }) => theirs.signal('SIGSTOP'),
    reset: ({ theirs }) => theirs.signal('SIGCONT'),
  },
  {
    fault: 'the path is dead for five of the ten seconds that it takes to give up',
    ms: 5000,
    set: ({ wire }) => wire.cut(),
    reset: ({ wire }) => wire.join(),
  },
  {
    fault:
      'the path is dead for 15 s while bytes wait to be acknowledged, which TCP sends again for a quarter of an hour',
    ms: 15_000,
    async set({ wire }, pairs) {
      await wire.cut()
      await Promise.all(pairs.map(({ ours }) => ours.ask('send', 100)))
    },
    reset: ({ wire }) => wire.join(),
  },
]

for (const { fault, ms, set, reset } of SILENT) {
  testOfHosts(test)(`keepAlive does not end a connection whose peer is there: ${fault}`, async (t) => {
    const did = `four silent connections with keepAliveDelay 1000, for ${ms / 1000} s; then 100 kB each way`
    const lab = await makeLab(t, __filename, { ids: ['REL-49'], fault, did })
    await lab.warmUp()
    const pairs = await lab.connectAll(undefined, { keepAlive: true, keepAliveDelay: 1000 })
    await lab.silence()
    await set(lab, pairs)
    await sleep(ms)
    for (const { ours } of pairs) t.deepEqual((await ours.ask('report')).types, ['open'])
    await reset(lab)
    for (const reports of await Promise.all(
      pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, 100_000))),
    ))
      lab.account.run(reports ? judgeExchange(reports, 100_000) : undefined)
    await lab.finish()
  })
}

testOfHosts(test)('without keepAlive and timeout a silent connection outlives a dead path', async (t) => {
  const did = 'four silent connections without options, for 15 s; then 100 kB each way'
  const lab = await makeLab(t, __filename, { ids: ['REL-49'], fault: 'the path is dead', did })
  await lab.warmUp()
  const pairs = await lab.connectAll()
  await lab.silence()
  await lab.wire.cut()
  await sleep(15_000)
  for (const { ours } of pairs) t.deepEqual((await ours.ask('report')).types, ['open'])
  await lab.wire.join()
  for (const reports of await Promise.all(pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, 100_000)))))
    lab.account.run(reports ? judgeExchange(reports, 100_000) : undefined)
  await lab.finish()
})
