'use strict'

// Several processes with this package: workers of `node:cluster` and children of `child_process.fork`, on one port and beside live
// sockets (REL-42). The listeners do not go through the primary of a cluster; `reusePort` lets processes share a port.

const { existsSync } = require('node:fs')

const test = require('ava')

const { ask } = require('../../fixtures/lifecycle/run-child.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { openAccount } = require('../helpers/ledger.js')

const inLinux = serialWhere(test, process.platform === 'linux', 'Linux, for reusePort')

const clustered = (name, rounds = 0, options = {}) =>
  ask('../environments/cluster.js', [name, rounds], { mostMs: 60_000, ...options })
const forked = (...args) => ask('../environments/forks.js', args, { mostMs: 60_000 })

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0)

inLinux(
  'workers of a cluster that say reusePort share a port, and each serves some of the clients',
  async (t) => {
    const account = openAccount(t, __filename, {
      fault: 'two workers of node:cluster on one port',
      did: 'a conversation with each of 400 clients',
    })
    const { shares, failures, ends } = await clustered('together')
    account.run({ runs: 400, lostBytes: failures.length })
    t.deepEqual(failures, [])
    // The kernel spreads them by chance: fewer than 100 of 400 does not happen.
    for (const share of shares) t.true(share > 100, String(shares))
    t.is(sum(shares), 400)
    for (const end of ends) t.deepEqual(end, { code: 0, signal: null })
    account.close()
  },
)

inLinux('a worker that is killed takes its own connections with it, and no others', async (t) => {
  const account = openAccount(t, __filename, {
    fault: 'a worker of node:cluster is killed',
    did: 'connections of both workers watched; 300 clients later, with another in its place',
  })
  const { ofOne, lostOfOne, lostOfTwo, failures, onlyTwo, threeServes } = await clustered('killed')
  account.run({ runs: 360, lostBytes: failures.length, crashes: lostOfTwo })
  t.true(ofOne > 0)
  t.is(lostOfOne, ofOne)
  t.deepEqual(failures, [])
  t.true(onlyTwo)
  t.true(threeServes)
  account.close()
})

inLinux('without reusePort on both sides no process shares a port with another', async (t) => {
  const { refused, all, failures } = await clustered('alone')
  t.is(refused.length, 3)
  for (const { failed } of refused) t.like(failed, { code: 'EADDRINUSE' })
  t.deepEqual(failures, [])
  t.is(all, 50)
})

inLinux('a TLS session of another process is not resumed, and does no harm', async (t) => {
  const { resumed, failures } = await clustered('sessions')
  t.deepEqual(failures, [])
  t.is(resumed.other, 0)
})

/** A network namespace of the child's own, in which a listener that closes leaves who waits in its backlog to the others. */
const MIGRATING = [
  '--net',
  'sh',
  '-c',
  'ip link set lo up && echo 1 >/proc/sys/net/ipv4/tcp_migrate_req && exec "$0" "$@"',
  process.execPath,
]
const canMigrate =
  existsSync('/proc/sys/net/ipv4/tcp_migrate_req') && process.getuid() === 0 && hasTools('unshare', 'ip')

serialWhere(
  test,
  canMigrate,
  'Linux 5.14, root, unshare and ip',
)('workers are replaced one by one while clients come, and none of them is lost', async (t) => {
  const rounds = 10
  const account = openAccount(t, __filename, {
    fault: 'workers of node:cluster are replaced while clients come',
    did: 'each listener closes while connections wait in its backlog, with net.ipv4.tcp_migrate_req = 1',
  })
  const { served, failures } = await clustered('replaced', rounds, {
    execPath: 'unshare',
    nodeArgs: MIGRATING,
  })
  t.log(`${served} served`)
  account.run({ runs: rounds, lostBytes: sum(failures) })
  t.deepEqual(failures, {})
  // More came than there were replacements: each happened among clients.
  t.true(served > 10 * rounds)
  account.close()
})

test.serial('a socket cannot be sent to another process, and Node.js says so', async (t) => {
  const { thrown } = await clustered('handed')
  t.deepEqual(thrown, ['ERR_INVALID_HANDLE_TYPE', 'ERR_INVALID_HANDLE_TYPE'])
})

inLinux(
  'children that are forked inherit no socket, and the ones of their parent do not notice',
  async (t) => {
    const rounds = 15
    const account = openAccount(t, __filename, {
      ids: ['REL-42'],
      fault: 'child_process.fork beside live sockets',
      did: 'children that use the package and end by themselves, by process.exit and by SIGKILL',
    })
    const { wrongEnds, inherited, silent, failed } = await forked('beside', rounds)
    account.run({
      runs: rounds,
      crashes: wrongEnds.length,
      leaks: inherited,
      hangs: silent,
      lostBytes: failed.length,
    })
    t.deepEqual(wrongEnds, [])
    t.deepEqual(failed, [])
    account.close()
  },
)

inLinux('a parent and a child that say reusePort share a port, and the parent serves on alone', async (t) => {
  const { who, after } = await forked('server')
  t.is(who.parent + who.child, 100)
  t.true(who.parent > 0 && who.child > 0, JSON.stringify(who))
  t.deepEqual(after, { parent: 20, child: 0 })
})
