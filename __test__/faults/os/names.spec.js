'use strict'

// Names: a file of hosts with many dead addresses before one that lives, and a name server that stalls, fails or answers garbage, for
// hundreds of names at once. names.spec.js of the reliability tests (REL-54 … REL-57) has each of these for a few.

const { join } = require('node:path')
const { writeFileSync } = require('node:fs')

const test = require('ava')

const { ask } = require('../../fixtures/reliability/children.js')
const { whyNoDns, withDns } = require('../../helpers/dns/dns.js')
const { serialWhere } = require('../../helpers/needs.js')
const { temporaryDirectory } = require('../../helpers/peers.js')
const { scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')

const inNamespace = serialWhere(test, whyNoDns() === '', whyNoDns())

/** RFC 8305, and `ATTEMPT_DELAY` of src/net/names/connect.rs. */
const DELAY_MS = 250

/** Addresses that are attempted at a time, and what the oldest has at least: `MOST_ATTEMPTS` and `ATTEMPT_TIME` there. */
const [MOST_ATTEMPTS, ATTEMPT_MS] = [16, 4000]

/** `MOST_LOOKUPS` of src/net/names/resolve.rs. */
const MOST_LOOKUPS = 24

function tell(own, story, args, { mode = 'normal', timeout = 1, hosts = '' } = {}) {
  const env = { DNS_TIMEOUT: timeout, DNS_HOSTS: hosts }
  return ask(own, 'named.js', [story, ...args], { wrapper: withDns(mode), env })
}

/** Lines for `dead` addresses that are black holes, and one that works behind them: see `many.test` in dnsstub.py for the order. */
function hostsFile(own, name, dead) {
  const file = join(temporaryDirectory(own), 'hosts')
  const addresses = Array.from({ length: dead }, (_, i) => `127.0.0.${i < 16 ? 16 + i : 80 + i}`)
  const lines = ['127.0.0.1 localhost', ...addresses.map((address) => `${address} ${name}`)]
  lines.push(`127.0.0.200 ${name}`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

inNamespace('REL-54: sixteen dead addresses in the hosts file come before the one that lives', async (t) => {
  const own = scope(t)
  const account = openAccount(t, __filename, {
    ids: ['REL-54'],
    fault: 'a hosts file with 16 dead addresses of a name before one that lives',
    did: 'connected, in ten sockets at once, within 16 × 250 ms and what the machine needs; no attempt is left',
  })
  const hosts = hostsFile(own, 'fleet.example', 16)
  const { visits, accepted } = await tell(own, 'together', Array(10).fill('fleet.example'), { hosts })
  for (const { types, ms, message } of visits) {
    t.is(types, 'open,close', message)
    t.true(ms >= 16 * (DELAY_MS - 10), `${ms} ms: the dead ones came first`)
    t.true(ms < 3 * 16 * DELAY_MS, `${ms} ms`)
  }
  t.is(accepted, 10)
  account.run({ runs: 10 })
  account.close()
})

inNamespace('REL-54: of forty dead addresses each has its turn, and then the one that lives', async (t) => {
  const own = scope(t)
  const account = openAccount(t, __filename, {
    ids: ['REL-54'],
    fault: 'a hosts file with 40 dead addresses of a name before one that lives',
    did: 'connected; never more than 16 attempts at a time',
  })
  const hosts = hostsFile(own, 'fleet.example', 40)
  const times = [1000, 3000, 4500, 6000, 8000]
  const { counts, ms } = await tell(own, 'attempts', ['fleet.example', ...times], { hosts })
  t.log(`open after ${Math.round(ms)} ms; attempts: ${counts.map(({ count }) => count).join(', ')}`)
  for (const { count } of counts) t.true(count <= MOST_ATTEMPTS, `${count} attempts`)
  // Sixteen begin one after the other, and each of the others when the oldest has had its time.
  t.true(ms >= ATTEMPT_MS + 24 * (DELAY_MS - 10), `${ms} ms`)
  t.true(ms < 30_000, `${ms} ms`)
  account.run()
  account.close()
})

inNamespace(
  'REL-55: hundreds of names that do not exist, fail or are empty each fail, and good ones work',
  async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      ids: ['REL-55'],
      fault: 'a name server that answers NXDOMAIN, SERVFAIL or nothing of use',
      did: '300 such names at once: DomainNotFoundError each; 20 good names and an address beside them work',
    })
    const bad = Array.from({ length: 300 }, (_, i) => ['nx.test', 'fail.test', 'empty.test'][i % 3])
    const good = [...Array(20).fill('v4.test'), '127.0.0.1']
    const { visits, accepted } = await tell(own, 'together', [...bad, ...good])
    for (const { host, types, name, message } of visits.slice(0, bad.length)) {
      t.is(types, 'error,close', host)
      t.is(name, 'DomainNotFoundError')
      t.true(message.startsWith(`look up ${host}: `), message)
    }
    for (const { host, types, message } of visits.slice(bad.length))
      t.is(types, 'open,close', `${host}: ${message}`)
    t.is(accepted, good.length)
    account.run({ runs: visits.length })
    account.close()
  },
)

for (const mode of ['silent', 'garbage']) {
  inNamespace(
    `REL-55: with a name server that is ${mode}, forty names fail in time, and addresses work at once`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-55'],
        fault: `a name server ${mode === 'silent' ? 'that never answers' : 'that answers random bytes'}`,
        did: `40 names at once: DomainNotFoundError each, ${MOST_LOOKUPS} of them looked up at a time; addresses beside them work at once`,
      })
      const names = Array.from({ length: 40 }, (_, i) => `n${i}.v4.test`)
      const addresses = Array(5).fill('127.0.0.1')
      const { visits } = await tell(own, 'together', [...names, ...addresses], { mode })
      const ended = visits.map(({ ms }) => ms)
      t.log(`names ${Math.max(...ended)} ms, addresses ${Math.max(...ended.slice(names.length))} ms`)
      for (const { types, name, ms } of visits.slice(0, names.length)) {
        t.is(types, 'error,close')
        t.is(name, 'DomainNotFoundError')
        t.true(ms < 40_000, `${ms} ms`)
      }
      for (const { types, ms } of visits.slice(names.length)) {
        t.is(types, 'open,close')
        t.true(ms < 2000, `${ms} ms`)
      }
      account.run({ runs: visits.length })
      account.close()
    },
  )
}

inNamespace(
  'REL-55: two hundred lookups that are stuck block neither an address nor JavaScript',
  async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      ids: ['REL-55'],
      fault: 'a name server that never answers 200 names',
      did: `an address connects meanwhile, JavaScript is not blocked, at most ${MOST_LOOKUPS} threads wait; all end when closed`,
    })
    const { address, connecting, more, longest, types } = await tell(own, 'stuck', [200])
    t.log(`address ${address.ms} ms, ${more} threads more, longest gap ${Math.round(longest)} ms`)
    t.is(address.types, 'open,close')
    t.is(connecting, 200)
    t.true(more <= MOST_LOOKUPS + 4, `${more} threads more`)
    t.true(longest < 1000, `${longest} ms`)
    for (const one of types) t.true(['close', 'error,close'].includes(one), one)
    account.run({ runs: 200 })
    account.close()
  },
)
