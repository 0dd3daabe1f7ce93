'use strict'

// Peers that want to do harm, beside a client that behaves: what they cost is bounded, and it does not wait for them. docs/design.md
// has the bounds of each resource; strangers.spec.js (reliability) and silent-clients.spec.js (tls) have the descriptors.

const test = require('ava')

const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { scope } = require('../../helpers/sockets.js')
const { assertServed, attack, clientHello, guardedServer, waits } = require('../helpers/attacks.js')
const { openAccount } = require('../helpers/ledger.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)

const KiB = 1024
const MiB = 1024 * KiB

/** What a process that is busy takes for other things than peers: its heap grows before it is collected. */
const BUSY = 24 * MiB

/** Sockets that are not of attackers: listener, clients that behave. */
const SPARE = 40

/** Accepted connections that may wait for the application: see src/net/listen/listener.rs. */
const UNDELIVERED = 128

/** Connections after FIN that one environment keeps: see src/net/lingering.rs. */
const MOST_LINGERING = 512

/**
 * `each` is what one of them may cost in memory; where they come again and again, `held` is how many sockets they may have at a
 * moment, else each has one.
 */
const ATTACKS = [
  { kind: 'silent', what: 'peers that never write', count: 1000, each: 16 * KiB },
  {
    kind: 'slow',
    what: 'peers that write a byte each half second (slow loris)',
    count: 1000,
    each: 16 * KiB,
  },
  { kind: 'ended', what: 'peers that ended, and do not read', count: 500, each: 16 * KiB },
  { kind: 'tiny', what: 'a flood of segments of one byte', count: 50, each: 64 * KiB },
  {
    kind: 'unread',
    what: 'peers that send without a pause, and never read the echo',
    count: 100,
    each: 256 * KiB,
  },
  {
    kind: 'connects',
    what: 'a flood of connects',
    count: 100,
    each: 64 * KiB,
    held: MOST_LINGERING + UNDELIVERED,
  },
  {
    kind: 'resets',
    what: 'connects and resets in the same instant',
    count: 100,
    each: 64 * KiB,
    held: UNDELIVERED,
  },
  {
    kind: 'words and resets',
    what: 'connects, a word and a reset',
    count: 100,
    each: 64 * KiB,
    held: UNDELIVERED,
  },
]

const SECURE_ATTACKS = [
  { kind: 'silent', what: 'peers that never write', count: 1000, each: 16 * KiB },
  {
    kind: 'slow',
    what: 'peers that write a byte of their ClientHello each half second',
    count: 1000,
    each: 64 * KiB,
  },
  {
    kind: 'silent hellos',
    what: 'peers that are silent after their ClientHello',
    count: 500,
    each: 128 * KiB,
  },
  {
    kind: 'hellos',
    what: 'peers that are gone after their ClientHello, again and again',
    count: 20,
    each: 256 * KiB,
    held: 200,
  },
  {
    kind: 'garbage',
    what: 'random bytes in place of TLS, again and again',
    count: 50,
    each: 128 * KiB,
    held: 200,
  },
  {
    kind: 'resets',
    what: 'connects and resets in the same instant',
    count: 100,
    each: 64 * KiB,
    held: UNDELIVERED,
  },
]

for (const [secure, attacks] of [
  [false, ATTACKS],
  [true, SECURE_ATTACKS],
]) {
  for (const { kind, what, count, each, held } of attacks) {
    withLimits(`${secure ? 'TLS, ' : ''}${what}: bounded memory, and others are served`, async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        fault: `${count} ${what}`,
        did: `${secure ? 'TLS' : 'plain'} server; memory grew by less than ${BUSY / MiB} MiB and ${each / KiB} KiB for each; a client that behaves was served within 100 ms (p99)`,
      })
      // The longest deadline there is, so that nobody is helped by it.
      const server = await guardedServer(own, {
        secure,
        ...(secure ? { handshakeTimeout: 600_000 } : {}),
      })
      const calm = await waits(own, server)
      const before = await server.state()
      const attackers = await attack(own, server, kind, count, secure ? { HELLO: await clientHello() } : {})
      await assertServed(t, own, server, calm)
      const done = await attackers.done()
      const after = await server.state()
      const grown = after.resident - before.resident
      const more = after.sockets - before.sockets
      t.log(
        `${done} times; ${(grown / KiB / count).toFixed(1)} KiB each, ${(grown / MiB).toFixed(1)} MiB in all; ${more} sockets; ${after.errors} errors, ${after.failedHandshakes} handshakes failed`,
      )
      t.true(done >= count, 'the attack took place')
      t.true(grown <= BUSY + count * each, `${grown} bytes`)
      t.true(more <= (held ?? count) + SPARE, `${more} sockets`)
      t.deepEqual(after.unknown, [])

      // Whoever attacked is gone, and so is all that they held.
      attackers.child.kill('SIGKILL')
      let last = await server.state()
      for (const until = Date.now() + 30_000; last.sockets > before.sockets && Date.now() < until;)
        last = await server.state()
      account.run({ runs: done, leaks: Math.max(0, last.sockets - before.sockets) })
      account.close()
    })
  }
}

for (const secure of [false, true]) {
  withLimits(`${secure ? 'TLS, ' : ''}a "timeout" ends peers that never write`, async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      fault: '1000 peers that never write',
      did: `${secure ? 'TLS' : 'plain'} server whose application set ${secure ? '"handshakeTimeout"' : '"timeout"'}; none of them is left after it`,
    })
    const server = await guardedServer(own, secure ? { secure, handshakeTimeout: 2000 } : { timeout: 2000 })
    const before = await server.state()
    await attack(own, server, 'silent', 1000)
    const dropped = (state) => (secure ? state.failedHandshakes : state.errors)
    let last = await server.state()
    // The last of them is told of a moment after its descriptor is closed.
    const isDone = () => last.sockets <= before.sockets && dropped(last) >= 1000
    for (const until = Date.now() + 30_000; !isDone() && Date.now() < until;) last = await server.state()
    t.is(last.sockets, before.sockets)
    t.is(dropped(last), 1000)
    account.run({ runs: 1000 })
    account.close()
  })
}
