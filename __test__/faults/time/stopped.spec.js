'use strict'

// Processes that stand still for a while (SIGSTOP, a debugger, a laptop's lid) and go on: the peer's, and our own. Nothing is lost, and a
// deadline that passed meanwhile counts only where nothing had come (REL-53).

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOn } = require('../../helpers/needs.js')
const { testOfHosts } = require('../helpers/hosts.js')
const { End, exchange, judgeEnd, judgeExchange, kindOf, makeLab, standstill } = require('../helpers/lab.js')

const LIMIT_MS = 60_000

/** Percent of a processor that we may take while the peer stands still. */
const MOST_CPU = 2

const MB = 1_000_000

const onLinux = testOn(test, process.platform === 'linux', 'Linux')
const here = { isHere: true }

/** The agent stands still for `ms`. */
async function stop(agent, ms, meanwhile = () => {}) {
  agent.signal('SIGSTOP')
  await meanwhile()
  await sleep(ms)
  agent.signal('SIGCONT')
}

onLinux(
  'a peer that is stopped for five seconds in a transfer: nothing is lost, and nobody works meanwhile',
  async (t) => {
    const bytes = 100 * MB
    const did = `${bytes / MB} MB each way over each of four connections, stopped for 5 s: at most ${MOST_CPU} % of a processor`
    const lab = await makeLab(
      t,
      __filename,
      { ids: ['REL-53'], fault: 'the peer is stopped (SIGSTOP)', did },
      here,
    )
    await lab.warmUp()
    const pairs = await lab.connectAll()
    const transfers = pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, bytes)))
    await Promise.all(pairs.map(({ ours }) => ours.ask('received', bytes / 10)))
    let [before, after] = []
    await stop(lab.theirs, 0, async () => {
      // What is on its way arrives, and what the kernel takes is sent.
      await standstill(pairs, ['ours'])
      before = await lab.ours.ask('usage')
      await sleep(5000)
      after = await lab.ours.ask('usage')
      for (const { ours } of pairs)
        t.true((await ours.ask('report')).received.count < bytes, 'it was over before')
    })
    const percent = (after.cpu - before.cpu) / 50
    t.true(percent <= MOST_CPU, `${percent} %`)
    for (const reports of await Promise.all(transfers))
      lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
    await lab.finish()
  },
)

onLinux('we are stopped for longer than timeout, four times in a transfer: nothing is lost', async (t) => {
  const bytes = 100 * MB
  const did = `${bytes / MB} MB each way over each of four connections with timeout 3000, stopped four times for 3500 ms`
  const lab = await makeLab(
    t,
    __filename,
    { ids: ['REL-53'], fault: 'our process is stopped (SIGSTOP)', did },
    here,
  )
  await lab.warmUp()
  const pairs = await lab.connectAll(undefined, { timeout: 3000, connectTimeout: 0 })
  const transfers = pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, bytes)))
  for (let times = 1; times <= 4; times++) {
    await Promise.race([
      Promise.all(transfers),
      Promise.all(pairs.map(({ ours }) => ours.ask('received', times * (bytes / 6)))),
    ])
    await stop(lab.ours, 3500)
  }
  for (const reports of await Promise.all(transfers))
    lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
  await lab.finish()
})

onLinux(
  'we are stopped for longer than timeout: what came meanwhile counts, and silence ends the connection',
  async (t) => {
    const did =
      'eight connections with timeout 1000, stopped for 2 s: bytes come on four of them, which go on; four are silent, which end with NetworkTimeoutError'
    const lab = await makeLab(
      t,
      __filename,
      { ids: ['REL-53'], fault: 'our process is stopped (SIGSTOP)', did },
      here,
    )
    await lab.warmUp()
    const options = { timeout: 1000, connectTimeout: 0 }
    const [busy, silent] = await Promise.all([
      lab.connectAll(undefined, options),
      lab.connectAll(undefined, options),
    ])
    const ends = Promise.all(silent.map(({ ours }) => ours.ask('closed')))
    await stop(lab.ours, 2000, () => Promise.all(busy.map(({ theirs }) => theirs.ask('send', 1000))))
    for (const report of (await lab.within(10_000, ends)) ?? []) {
      t.is(report.error?.name, 'NetworkTimeoutError')
      lab.account.run(judgeEnd(report))
    }
    for (const { ours } of busy) t.is((await ours.ask('received', 1000)).received.count, 1000)
    for (const report of (await lab.within(
      10_000,
      Promise.all(busy.map(({ ours }) => ours.ask('closed'))),
    )) ?? []) {
      t.is(report.error?.name, 'NetworkTimeoutError')
      lab.account.run(judgeEnd(report))
    }
    await lab.finish()
  },
)

onLinux(
  'we are stopped for longer than timeout: a reset that came meanwhile is an error, and no orderly end',
  async (t) => {
    const did =
      'four connections with timeout 1000, which the peer resets while it is stopped for 2 s: NetworkError'
    const lab = await makeLab(
      t,
      __filename,
      { ids: ['REL-53'], fault: 'our process is stopped (SIGSTOP)', did },
      here,
    )
    await lab.warmUp()
    const pairs = await lab.connectAll(undefined, { timeout: 1000, connectTimeout: 0 })
    const ends = Promise.all(pairs.map(({ ours }) => ours.ask('closed')))
    await stop(lab.ours, 2000, () => Promise.all(pairs.map(({ theirs }) => theirs.ask('reset'))))
    for (const report of (await lab.within(10_000, ends)) ?? []) {
      const { name, code } = report.error ?? {}
      t.deepEqual({ name, code }, { name: 'NetworkError', code: 'ECONNRESET' }, JSON.stringify(report))
      lab.account.run(judgeEnd(report))
    }
    await lab.finish()
  },
)

testOfHosts(test)(
  'we are stopped for longer than connectTimeout: a connection that was made meanwhile is open',
  async (t) => {
    const did =
      'our client, plain: connectTimeout 1000, and the answer of the server comes while it is stopped for 2 s'
    const lab = await makeLab(t, __filename, {
      ids: ['REL-53'],
      fault: 'our process is stopped (SIGSTOP)',
      did,
    })
    await lab.warmUp()
    const kind = kindOf('client', false)
    const { agent, listener, port } = await lab.listen(kind)
    // The answer is on its way for longer than it takes to stop the process.
    await lab.wire.set({ delay: 300 })
    for (let round = 0; round < 2; round++) {
      const client = await lab.begin(kind, port, { connectTimeout: 1000 })
      await stop(lab.ours, 2000)
      const report = await client.ask('opened')
      t.deepEqual(report.types, ['open'], JSON.stringify(report))
      const theirs = new End(agent, await agent.ask('accept', listener))
      lab.account.run(judgeExchange(await exchange({ kind, ours: client, theirs }, 100_000), 100_000))
    }
    await agent.ask('closeListener', listener)
    await lab.finish()
  },
)

onLinux('our server is stopped: clients that came meanwhile are served afterwards', async (t) => {
  const count = 50
  const did = `${count} clients connect, and ${count} with TLS, while it is stopped for 2 s; then 100 kB each way with each`
  const lab = await makeLab(
    t,
    __filename,
    { ids: ['REL-53'], fault: 'our process is stopped (SIGSTOP)', did },
    here,
  )
  await lab.warmUp()
  const kinds = [kindOf('server', false), kindOf('server', true)]
  const listeners = await Promise.all(kinds.map((kind) => lab.listen(kind)))
  const clients = []
  await stop(lab.ours, 2000, async () => {
    for (const [index, { port }] of listeners.entries())
      for (let i = 0; i < count; i++) clients.push({ index, theirs: await lab.begin(kinds[index], port) })
  })
  const done = clients.map(async ({ index, theirs }) => {
    const { agent, listener } = listeners[index]
    // They come in any order: all clients send the same.
    const ours = new End(agent, await agent.ask('accept', listener))
    return exchange({ kind: kinds[index], ours, theirs }, 100_000)
  })
  for (const reports of (await lab.within(LIMIT_MS, Promise.all(done))) ?? [])
    lab.account.run(judgeExchange(reports, 100_000))
  for (const { agent, listener } of listeners) await agent.ask('closeListener', listener)
  await lab.finish()
})
