'use strict'

// REL-54 … REL-57: names that resolve to many addresses, to nothing, late or never, in a network namespace of its own
// with a small DNS server and two black holes.

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { whyNoDns, withDns } = require('../helpers/dns/dns.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const inNamespace = serialWhere(test, whyNoDns() === '', whyNoDns())

/** RFC 8305, and `ATTEMPT_DELAY` of src/net/names/connect.rs. */
const DELAY_MS = 250

/** What a stuck lookup may add to the end of a process. The resolver would wait for seconds. */
const MOST_MORE_MS = 300

/** `MOST_LOOKUPS` of src/net/names/resolve.rs. */
const MOST_LOOKUPS = 24

/** Resolves with what `named.js` says of a story. */
function tell(t, story, args = [], { mode = 'normal', timeout = 2 } = {}) {
  const options = { wrapper: withDns(mode), env: { DNS_TIMEOUT: timeout } }
  return ask(scope(t), 'named.js', [story, ...args], options)
}

inNamespace(
  'REL-54, REL-145: a dead IPv6 address beside a good IPv4 one costs a quarter of a second',
  async (t) => {
    const { visits, accepted } = await tell(t, 'in turn', Array(5).fill('dual.test'))
    const times = visits.map(({ ms }) => ms)
    t.log(`connected after ${times.join(', ')} ms`)
    for (const { types } of visits) t.is(types, 'open,close')
    t.is(accepted, 5)
    t.true(Math.min(...times) <= 600, `${times} ms`)
    t.true(Math.min(...times) >= DELAY_MS - 10, 'the first address had its time')
  },
)

inNamespace(
  'REL-54: addresses are tried 250 ms apart, and a slow one is not given up for the next',
  async (t) => {
    const { counts, ms } = await tell(t, 'attempts', ['many.test', 100, 1100, 2100, 3100])
    t.log(`open after ${Math.round(ms)} ms; attempts: ${counts.map(({ count }) => count).join(', ')}`)
    for (const { taken, count } of counts) {
      const most = Math.ceil(taken / DELAY_MS) + 1
      t.true(count <= most, `${count} attempts after ${taken} ms`)
    }
    t.true(counts.at(-1).count >= 8, 'all of them go on')
    // Sixteen black holes come first.
    t.true(ms >= 16 * (DELAY_MS - 10) && ms < 3 * 16 * DELAY_MS, `${ms} ms`)
  },
)

inNamespace('REL-54: of two good addresses one is connected to, once', async (t) => {
  const hosts = ['both.test', 'both.test', 'v6.test', 'v4.test']
  const { visits, accepted } = await tell(t, 'in turn', hosts)
  for (const { types } of visits) t.is(types, 'open,close')
  // On a machine so busy that the first address had not answered in its time, the second one was tried as well.
  const late = visits.filter(({ ms }) => ms >= DELAY_MS - 50).length
  t.true(accepted >= 4 && accepted <= 4 + late, `${accepted} connections, ${late} late`)
})

inNamespace('REL-54: close() ends every attempt, and no stray connection arrives later', async (t) => {
  const { ofMany, ofDual, visits, accepted, attempts } = await tell(t, 'close while connecting')
  t.deepEqual(ofMany, ['close'])
  t.deepEqual(ofDual, ['close'])
  for (const { types } of visits) t.is(types, 'open,close')
  t.is(accepted, visits.length)
  t.is(attempts, 0)
})

inNamespace('REL-55: names that do not exist, fail or have no address are DomainNotFoundError', async (t) => {
  const { visits, accepted } = await tell(t, 'together', ['nx.test', 'fail.test', 'empty.test'])
  for (const { host, types, name, message, ms } of visits) {
    t.is(types, 'error,close', host)
    t.is(name, 'DomainNotFoundError', host)
    t.true(message.startsWith(`look up ${host}: `), message)
    t.true(ms < 8000, `${host}: ${ms} ms`)
  }
  t.is(accepted, 0)
})

inNamespace(
  'REL-55: a slow name works, one that is never answered fails, and neither is in the way',
  async (t) => {
    const { visits } = await tell(t, 'together', ['slow.test', 'never.test', 'v4.test', '127.0.0.1'])
    const [slow, never, v4, address] = visits
    t.log(visits.map(({ host, ms }) => `${host} ${ms} ms`).join(', '))
    t.is(slow.types, 'open,close')
    t.true(slow.ms >= 2900 && slow.ms < 12_000)
    t.is(never.types, 'error,close')
    t.is(never.name, 'DomainNotFoundError')
    t.true(never.ms < 30_000)
    for (const { types, ms } of [v4, address]) {
      t.is(types, 'open,close')
      t.true(ms < slow.ms)
    }
  },
)

for (const mode of ['silent', 'garbage']) {
  inNamespace(
    `REL-55: with a server that is ${mode} a name fails in the time the system allows`,
    async (t) => {
      const { visits } = await tell(t, 'together', ['v4.test', '127.0.0.1'], { mode, timeout: 1 })
      const [name, address] = visits
      t.log(`${name.ms} ms: ${name.message}`)
      t.is(name.types, 'error,close')
      t.is(name.name, 'DomainNotFoundError')
      t.true(name.ms < 20_000)
      t.is(address.types, 'open,close')
    },
  )
}

for (const count of [20, 60]) {
  inNamespace(
    `REL-55: ${count} lookups that are stuck block neither JavaScript nor an address`,
    async (t) => {
      const { address, connecting, more, name, longest, types } = await tell(t, 'stuck', [count], {
        timeout: 1,
      })
      t.log(
        `address ${address.ms} ms, name ${name.ms} ms, ${more} threads more, longest gap ${Math.round(longest)} ms`,
      )
      t.is(address.types, 'open,close')
      t.is(connecting, count, 'all of them still wait when the address is connected')
      t.true(more <= MOST_LOOKUPS + 4, `${more} threads more`)
      t.is(name.types, 'open,close', 'a good name gets its turn')
      t.true(longest < 1000, `${longest} ms`)
      for (const one of types) t.true(['close', 'error,close'].includes(one), one)
    },
  )
}

inNamespace(
  'REL-55: lookups that were given up keep their place, so that a thread is left for TLS',
  async (t) => {
    const { types, ms, more } = await tell(t, 'given up', [60], { timeout: 5 })
    t.is(types, 'error,close')
    t.true(more <= MOST_LOOKUPS + 6, `${more} threads more`)
    t.true(ms < 4000, `${ms} ms`)
  },
)

for (const [story, code] of [
  ['exit', 7],
  ['natural end', 0],
]) {
  inNamespace(
    `REL-56: a lookup that is stuck does not hold up the end of the process (${story})`,
    async (t) => {
      const args = [story, 3, 'never.test', '127.0.0.1']
      const { times, codes } = await tell(t, 'end after', args, { timeout: 8 })
      const [stuck, others] = Object.values(times)
      t.log(`${stuck} ms, without a lookup ${others} ms`)
      t.deepEqual(codes, [code])
      // The best of each: what else a machine does only adds.
      t.true(Math.min(...stuck) <= Math.min(...others) + MOST_MORE_MS, `${stuck} ms, not ${others} ms`)
    },
  )
}

inNamespace('REL-57: close() during a lookup or a connect gives one close and never open', async (t) => {
  const hosts = [
    'v4.test',
    'dual.test',
    'slow.test',
    'never.test',
    'nx.test',
    'dead.test',
    '127.0.0.1',
    '127.0.0.16',
  ]
  const seen = await tell(t, 'close after', hosts)
  t.log(JSON.stringify(seen))
  t.deepEqual(Object.keys(seen), ['close'])
  t.true(seen.close >= hosts.length * 2)
})

inNamespace('REL-58: an internationalized name is looked up by its A-label', async (t) => {
  const { visits } = await tell(t, 'in turn', [
    'bücher.test',
    'BÜCHER.test',
    'xn--bcher-kva.test',
    'v4.test.',
  ])
  for (const { host, types } of visits) t.is(types, 'open,close', host)
})

inNamespace('REL-58: a link-local address with its interface can be connected to', async (t) => {
  const { visits, accepted } = await tell(t, 'link-local')
  t.is(visits[0].types, 'open,close', visits[0].message)
  t.is(visits[1].types, 'error,close')
  t.is(accepted, 1)
})
