'use strict'

// What the network does to packets is TCP's to repair: whatever the fault, every byte arrives, once and in order, both ways, and no
// event tells of it (REL-52, REL-53). One list of faults, one transfer.

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { ALL_KINDS, KINDS, exchange, judgeExchange, makeLab } = require('../helpers/lab.js')

const MB = 1_000_000

/** Milliseconds after which a transfer is said to hang. */
const LIMIT_MS = 100_000

/** MiB by which the process with our sockets may grow, whatever passes through it. */
const MOST_GROWTH = 160

/** How long what interrupts a transfer lasts, in milliseconds. Longer than TCP waits before it sends again. */
const INTERRUPTION_MS = 1000

/** What wire.c counts of each fault. */
const COUNTS = { loss: 'lost', duplicate: 'doubled', reorder: 'reordered', damage: 'damaged' }

/** What the wire does to packets all the time. */
const onWire = (fault, bytes, faults) => ({
  fault,
  bytes,
  set: ({ wire }) => wire.set(faults),
  async struck({ wire }) {
    const counts = await wire.counts()
    return Object.keys(faults).every((name) => !(name in COUNTS) || counts[COUNTS[name]] > 0)
  },
})

/** A rate, as `tc` is told. */
const atRate = (fault, bytes, how) => ({
  fault: `${fault} (tbf)`,
  bytes,
  link: 'onCable',
  set: ({ first, second }) =>
    both(first, second, (host) => host.run(`tc qdisc replace dev cable root tbf ${how}`)),
  struck: ({ first }) => /overlimits [1-9]/.test(first.run('tc -s qdisc show dev cable')),
})

/**
 * `set` makes the fault before the connections are made, `struck` says afterwards whether anything came of it; `interrupt` makes one
 * while they are in use, and returns what ends it. `bytes` go each way over each connection.
 */
const FAULTS = [
  { fault: 'none', link: 'onCable', bytes: 100 * MB, kinds: ALL_KINDS },
  onWire('1 % loss', 100 * MB, { loss: 1 }),
  onWire('5 % loss', 20 * MB, { loss: 5 }),
  onWire('10 % loss', 4 * MB, { loss: 10 }),
  onWire('50 ms delay each way', 50 * MB, { delay: 50 }),
  onWire('20 ms delay, 15 ms more or less', 30 * MB, { delay: 20, jitter: 15 }),
  onWire('25 % of the packets overtake others', 30 * MB, { delay: 5, reorder: 25 }),
  onWire('20 % of the packets come twice', 100 * MB, { duplicate: 20 }),
  onWire('1 % of the packets are damaged', 30 * MB, { damage: 1 }),
  {
    ...onWire(
      '10 ms delay, 5 ms more or less, 2 % loss, 5 % come twice, 5 % overtake others, 1 % are damaged',
      3 * MB,
      { delay: 10, jitter: 5, loss: 2, duplicate: 5, reorder: 5, damage: 1 },
    ),
    kinds: ALL_KINDS,
  },
  atRate('a rate of 400 Mbit/s', 25 * MB, 'rate 400mbit burst 64kb latency 50ms'),
  atRate('a rate of 20 Mbit/s, and a queue of 10 packets', 2 * MB, 'rate 20mbit burst 16kb limit 15kb'),
  {
    fault: 'a firewall drops 5 % (nft)',
    bytes: 10 * MB,
    set: ({ first, second }) => both(first, second, (host) => host.filter('numgen random mod 100 < 5 drop')),
    struck: ({ first, second }) => first.sentAgain() > 0 && second.sentAgain() > 0,
  },
  {
    fault: 'a firewall drops everything for a second (nft)',
    link: 'onCable',
    bytes: 100 * MB,
    interrupt: ({ first }) => {
      first.filter('meta l4proto tcp drop')
      return () => first.filter()
    },
  },
  {
    fault: 'routers say for a second that the host is unreachable (ICMP)',
    link: 'onCable',
    bytes: 100 * MB,
    interrupt: ({ first, second }) => {
      both(first, second, (host) => host.filter('meta l4proto tcp reject with icmp type host-unreachable'))
      return () => both(first, second, (host) => host.filter())
    },
  },
  {
    fault: 'the wire is cut for a second',
    bytes: 100 * MB,
    interrupt: async ({ wire }) => {
      await wire.cut()
      return () => wire.join()
    },
  },
  {
    fault: 'nothing comes back for a second',
    bytes: 100 * MB,
    interrupt: async ({ wire }) => {
      await wire.cut('back')
      return () => wire.join('back')
    },
  },
  {
    fault: 'the interface goes down for a second, and up again',
    link: 'onCable',
    bytes: 100 * MB,
    interrupt: ({ first }) => {
      first.run('ip link set cable down')
      return () => first.run('ip link set cable up')
    },
  },
  {
    fault: 'packets of more than 1000 bytes vanish from one moment on (MTU black hole, tcp_mtu_probing=1)',
    bytes: 10 * MB,
    set: ({ first, second }) => both(first, second, (host) => host.set({ tcp_mtu_probing: 1 })),
    interrupt: async ({ wire }) => {
      await wire.set({ mtu: 1000 })
      return () => {}
    },
  },
]

function both(first, second, change) {
  change(first)
  change(second)
}

/** Sees to it that the transfer is interrupted, and not over before. Returns how many ends had not got everything. */
async function interruptTransfer(lab, pairs, { interrupt, bytes }) {
  await Promise.all(pairs.map(({ ours }) => ours.ask('received', bytes / 20)))
  const end = await interrupt(lab)
  const ends = pairs.flatMap(({ ours, theirs }) => [ours, theirs])
  const reports = await Promise.all(ends.map((oneEnd) => oneEnd.ask('report')))
  await sleep(INTERRUPTION_MS)
  await end()
  return reports.filter(({ received }) => received.count < bytes).length
}

for (const row of FAULTS) {
  const { fault, bytes, link, kinds = KINDS, set, struck, interrupt } = row
  testOfHosts(test.serial)(`every byte arrives, once and in order: ${fault}`, async (t) => {
    const whose =
      kinds === KINDS
        ? 'four connections: our client and our server'
        : 'six connections: our client, our server, and both ours'
    const did = `${bytes / MB} MB each way over each of ${whose}, plain and TLS; SHA-256 compared; at most ${MOST_GROWTH} MiB more memory`
    const lab = await makeLab(t, __filename, { ids: ['REL-52'], fault, did }, { link })
    await lab.warmUp(kinds)
    await set?.(lab)
    const pairs = await lab.connectAll(kinds)
    const transfers = pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, bytes)))
    if (interrupt) t.is(await interruptTransfer(lab, pairs, row), 2 * pairs.length, 'the transfers were over')
    for (const reports of await Promise.all(transfers))
      lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
    if (struck) t.true(await struck(lab), 'the fault never struck')
    const growth = Math.round(lab.growth() / 1024)
    t.true(growth <= MOST_GROWTH, `${growth} MiB`)
    await lab.finish()
  })
}
