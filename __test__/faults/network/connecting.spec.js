'use strict'

// What can be between a client and a server that cannot be reached, and what the client is told of it (REL-50, REL-51); and what only
// delays it. Plain, and with TLS from the first byte.

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { KINDS, exchange, judgeEnd, judgeExchange, makeLab } = require('../helpers/lab.js')

const CLIENTS = KINDS.filter(({ role }) => role === 'client')

const SOON_MS = 10_000

/** Where nobody is. */
const ELSEWHERE = '10.99.0.1'

const answers = (how) => ({
  fault: `a firewall answers: ${how} (nft)`,
  set: ({ second }) => second.filter(`meta l4proto tcp reject with ${how}`),
})
const route = (how) => ({
  fault: `the route there says: ${how} (ip route)`,
  set: ({ first }) => first.run(`ip route add ${how} ${ELSEWHERE}/32`),
  host: ELSEWHERE,
})
const blackHole = {
  fault: 'a firewall drops everything (nft)',
  set({ first, second }) {
    first.set({ tcp_syn_retries: 1 })
    second.filter('drop')
  },
}

const REFUSED = { name: 'ConnectionRefusedError', code: 'ECONNREFUSED' }
const HOST_UNREACHABLE = { name: 'ConnectionRefusedError', code: 'EHOSTUNREACH' }
const NET_UNREACHABLE = { name: 'ConnectionRefusedError', code: 'ENETUNREACH' }
const OVERDUE = { name: 'NetworkTimeoutError', code: undefined }

const FAULTS = [
  { fault: 'nobody listens', set: (lab, listeners) => close(listeners), expected: REFUSED },
  { ...answers('tcp reset'), expected: REFUSED },
  { ...answers('icmp type port-unreachable'), expected: REFUSED },
  { ...answers('icmp type host-unreachable'), expected: HOST_UNREACHABLE },
  { ...answers('icmp type net-unreachable'), expected: NET_UNREACHABLE },
  { ...answers('icmp type prot-unreachable'), expected: { name: 'NetworkError', code: 'ENOPROTOOPT' } },
  { ...answers('icmp type host-prohibited'), expected: HOST_UNREACHABLE },
  { ...answers('icmp type net-prohibited'), expected: NET_UNREACHABLE },
  { ...answers('icmp type admin-prohibited'), expected: HOST_UNREACHABLE },
  { fault: 'there is no route', host: ELSEWHERE, expected: NET_UNREACHABLE },
  { ...route('unreachable'), expected: HOST_UNREACHABLE },
  { ...route('prohibit'), expected: { name: 'ConnectionRefusedError', code: 'EACCES' } },
  { ...route('throw'), expected: NET_UNREACHABLE },
  { ...route('blackhole'), expected: { name: 'NetworkError', code: 'EINVAL' } },
  {
    fault: 'no host answers to the address (ARP)',
    host: '10.78.0.77',
    expected: HOST_UNREACHABLE,
    least: 1000,
  },
  {
    ...blackHole,
    did: 'tcp_syn_retries=1',
    expected: { name: 'NetworkTimeoutError', code: 'ETIMEDOUT' },
    least: 2500,
  },
  {
    ...blackHole,
    did: 'connectTimeout 700',
    options: { connectTimeout: 700 },
    expected: OVERDUE,
    least: 700,
    most: 2900,
  },
  { ...blackHole, did: 'timeout 700', options: { timeout: 700 }, expected: OVERDUE, least: 700, most: 2900 },
]

async function close(listeners) {
  for (const { agent, listener } of listeners) await agent.ask('closeListener', listener)
}

for (const {
  fault,
  did = 'without options',
  set,
  host,
  options,
  expected,
  least = 0,
  most = SOON_MS,
} of FAULTS) {
  testOfHosts(test)(`connecting fails with ${expected.name}: ${fault}; ${did}`, async (t) => {
    const line = {
      ids: ['REL-50', 'REL-51'],
      fault,
      did: `connecting, plain and with TLS, ${did}: ${expected.name}`,
    }
    const lab = await makeLab(t, __filename, line)
    await lab.warmUp(CLIENTS)
    const listeners = await Promise.all(CLIENTS.map((kind) => lab.listen(kind)))
    await set?.(lab, listeners)
    const began = performance.now()
    const ends = CLIENTS.map(async (kind, index) => {
      const client = await lab.begin(kind, listeners[index].port, host ? { ...options, host } : options)
      return client.ask('closed')
    })
    for (const report of (await lab.within(most, Promise.all(ends))) ?? []) {
      const took = performance.now() - began
      const { name, code } = report.error ?? {}
      t.deepEqual({ name, code }, expected, JSON.stringify(report))
      t.true(took >= least, `${took} ms`)
      lab.account.run(judgeEnd(report, 'error close'))
    }
    await lab.finish()
  })
}

/** `until` lets the connection come about, half a second after it was begun. */
const DELAYS = [
  {
    fault: 'everything is lost for half a second, the first SYN included',
    set: ({ wire }) => wire.cut(),
    until: ({ wire }) => wire.join(),
  },
  {
    fault: 'no SYN-ACK comes back for half a second',
    set: ({ wire }) => wire.cut('back'),
    until: ({ wire }) => wire.join('back'),
  },
  {
    fault: 'a firewall drops everything for half a second',
    set: ({ second }) => second.filter('drop'),
    until: ({ second }) => second.filter(),
  },
  {
    fault: 'large packets vanish for half a second: the TLS handshake stands still',
    set: ({ wire }) => wire.set({ mtu: 200 }),
    until: ({ wire }) => wire.set({ mtu: 65_535 }),
  },
]

for (const { fault, set, until } of DELAYS) {
  testOfHosts(test)(`connecting takes longer, and succeeds: ${fault}`, async (t) => {
    const line = {
      ids: ['REL-52'],
      fault,
      did: 'our client and our server, plain and TLS, connect meanwhile; 100 kB each way',
    }
    const lab = await makeLab(t, __filename, line)
    await lab.warmUp()
    await set(lab)
    const connecting = lab.connectAll()
    await sleep(500)
    await until(lab)
    for (const pair of (await lab.within(SOON_MS, connecting)) ?? []) {
      const reports = await exchange(pair, 100_000)
      lab.account.run(judgeExchange(reports, 100_000))
    }
    await lab.finish()
  })
}
