'use strict'

// Ports and addresses that cannot be had, for real, in network namespaces: no port left to connect from, ports and addresses that are
// somebody else's, no permission, no way to the host; which families a listener serves, and what a child process inherits.

const { join } = require('node:path')

const test = require('ava')

const { ask } = require('../../fixtures/reliability/children.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { unshared, whyNotUnshared } = require('../helpers/unshared.js')

const inNamespace = serialWhere(
  test,
  whyNotUnshared() === '' && hasTools('ss', 'setpriv'),
  whyNotUnshared() || 'ss and setpriv',
)

const PORTS = 20
const COUNT = 60

const FEW_PORTS = `echo 50000 ${50_000 + PORTS - 1} >/proc/sys/net/ipv4/ip_local_port_range`

/** What the process may do, except to use the ports of administrators. */
const UNPRIVILEGED = ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service']

function tell(own, story, args = [], wrapper = unshared()) {
  return ask(own, join('..', 'faults', 'ports.js'), [story, ...args], { wrapper })
}

for (const [what, host, secure, bound, code] of [
  ['an address', '127.0.0.1', false, false, 'EADDRNOTAVAIL'],
  ['a name', 'localhost', false, false, 'EADDRNOTAVAIL'],
  ['TLS', 'localhost', true, false, 'EADDRNOTAVAIL'],
  ['a "localAddress"', '127.0.0.1', false, true, 'EADDRINUSE'],
]) {
  inNamespace(
    `REL-38: without a port left to connect from, sockets to ${what} fail, and work when there is one`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-38'],
        fault: `${PORTS} ephemeral ports for ${COUNT} sockets, to ${what}`,
        did: `those without a port fail with ${code}; another destination, listening, and later sockets work`,
      })
      const { opened, failures, elsewhere, listening, ended, again, left } = await tell(
        own,
        'exhausted',
        [COUNT, host, secure, bound],
        unshared(FEW_PORTS),
      )
      t.log(`${opened} open; ${failures[0]?.name}: ${failures[0]?.message}`)
      t.true(opened > 0 && opened <= PORTS, `${opened} open`)
      t.is(opened + failures.length, COUNT)
      for (const failure of failures) {
        t.is(failure.types, 'error,close')
        t.is(failure.code, code)
        t.true(['ConnectionRefusedError', 'NetworkError'].includes(failure.name), failure.name)
        t.regex(failure.message, new RegExp(`${host} port 8000|127\\.0\\.0\\.1`))
      }
      if (!bound) t.is(elsewhere, 'open,close')
      t.is(listening, 'listens')
      for (const types of ended) t.is(types, 'open,close')
      t.is(again, 'open,close')
      account.run({ runs: COUNT, leaks: Math.max(0, left) })
      account.close()
    },
  )
}

inNamespace(
  'REL-36: ports, addresses and hosts that are not for us are errors that say so, and others work',
  async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      ids: ['REL-36', 'REL-51'],
      fault: 'EACCES, EADDRINUSE, EADDRNOTAVAIL, EHOSTUNREACH and ENETUNREACH of the kernel, in a namespace',
      did: 'listening and connecting, each with its error; the next try elsewhere works',
    })
    const routes = 'ip route add prohibit 10.10.0.0/16\nip route add unreachable 10.11.0.0/16'
    const seen = await tell(
      own,
      'no way',
      ['10.10.0.1', '10.11.0.1', '10.12.0.1'],
      [...unshared(routes), ...UNPRIVILEGED],
    )
    t.log(JSON.stringify(seen, null, 1))
    const code = (failure) => failure.code
    t.deepEqual(seen.hosts.map(code), ['EACCES', 'EHOSTUNREACH', 'ENETUNREACH'])
    for (const { types, name, message } of seen.hosts) {
      t.is(types, 'error,close')
      t.is(name, 'ConnectionRefusedError')
      t.regex(message, /^connect to 10\.1\d\.0\.1 port 8000/)
    }
    for (const [what, expected, named] of [
      ['localPort 80', 'EACCES', /\b80\b/],
      // The kernel refuses that only when it connects.
      ['localPort 9000', ['EADDRINUSE', 'EADDRNOTAVAIL'], /port 8000/],
      ['localAddress 192.0.2.7', 'EADDRNOTAVAIL', /192\.0\.2\.7/],
      ['listen 80', 'EACCES', /:80\b/],
      ['listen 8000', 'EADDRINUSE', /:8000\b/],
      ['listen at 192.0.2.7', 'EADDRNOTAVAIL', /192\.0\.2\.7/],
    ]) {
      t.true([expected].flat().includes(seen[what].code), `${what}: ${seen[what].code}`)
      t.regex(seen[what].message, named, what)
      if (what.startsWith('listen')) t.is(seen[what].syscall, 'listen')
      else t.is(seen[what].types, 'error,close')
    }
    t.is(seen['listen 8080'], 'listens')
    t.is(seen.visit, 'open,close')
    account.run({ runs: 9, leaks: Math.max(0, seen.more) })
    account.close()
  },
)

const BOTH = { '127.0.0.1': 'works', '::1': 'works' }

inNamespace(
  'REL-40: a listener serves IPv4 by default, and both families at "::", also where there is no IPv6',
  async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      ids: ['REL-40'],
      fault: 'a machine with both families, and one without IPv6',
      did: 'listening by default, at "::" and at "::" with "ipv6Only", ten times each; connecting to 127.0.0.1 and ::1',
    })
    for (let run = 0; run < 10; run++) {
      const seen = await tell(own, 'families')
      t.deepEqual(seen.default, { local: ['0.0.0.0'], '127.0.0.1': 'works', '::1': 'ECONNREFUSED' })
      t.deepEqual(seen['::'], { local: ['*'], ...BOTH })
      t.deepEqual(seen[':: alone'], { local: ['[::]'], '127.0.0.1': 'ECONNREFUSED', '::1': 'works' })
      account.run({ runs: 3 })
    }
    const without = await tell(
      own,
      'families',
      [],
      unshared(
        'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6\necho 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6',
      ),
    )
    t.log(JSON.stringify(without))
    t.deepEqual(without.default.local, ['0.0.0.0'])
    t.is(without.default['127.0.0.1'], 'works')
    t.is(without.default['::1'], 'EADDRNOTAVAIL')
    account.run({ runs: 3 })
    account.close()
  },
)

inNamespace('REL-41: a child process inherits no descriptor of ours', async (t) => {
  const own = scope(t)
  const account = openAccount(t, __filename, {
    ids: ['REL-41'],
    fault: 'a child process that is started while sockets of all kinds are there',
    did: 'looked at its descriptors: none is a socket, an epoll set or an eventfd',
  })
  const { own: ours, child } = await tell(own, 'inherited')
  t.true(ours >= 6, `${ours} sockets`)
  // Node gives its children pipes and sockets as standard streams.
  const others = child.filter((line) => /socket:|anon_inode:/.test(line) && !/ [012] -> /.test(line))
  account.run({ leaks: others.length })
  t.deepEqual(others, [])
  account.close()
})
