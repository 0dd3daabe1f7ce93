'use strict'

// Descriptors that run out: who waits is served when there are some again, without a call of the application; and sockets that cannot
// be opened say so. accept-errors.spec.js and descriptors.spec.js of the reliability tests (REL-31, REL-33) show that nothing spins.

const { join } = require('node:path')

const test = require('ava')

const { ask } = require('../../fixtures/reliability/children.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { makePki } = require('../../helpers/pki.js')
const { scope } = require('../../helpers/sockets.js')
const { tlsServer } = require('../../helpers/tls-peers.js')
const { certificate } = require('../../helpers/pki-matrix.js')
const { guardedServer } = require('../helpers/attacks.js')
const { openAccount } = require('../helpers/ledger.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)

/** Descriptors of the server, and how many clients come at once. */
const [DESCRIPTORS, CLIENTS] = [64, 600]

const SIZE = 20_000

for (const secure of [false, true]) {
  withLimits(
    `REL-31: ten times more ${secure ? 'TLS ' : ''}clients than descriptors are all served, as others end`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-31', 'REL-175'],
        fault: `${DESCRIPTORS} descriptors for ${CLIENTS} clients that come at once`,
        did: `${secure ? 'TLS' : 'plain'} server: each of them got the echo of its ${SIZE} bytes, as descriptors returned; no call of the application`,
      })
      const server = await guardedServer(own, { secure, descriptors: DESCRIPTORS })
      const before = await server.state()
      const outcomes = await ask(own, join('..', 'faults', 'many-clients.js'), [server.port, CLIENTS, SIZE], {
        env: secure ? { CA: makePki().ca } : {},
      })
      let after = await server.state()
      for (const until = Date.now() + 10_000; after.sockets > before.sockets && Date.now() < until;)
        after = await server.state()
      t.log(
        `${JSON.stringify(outcomes)}; ${Math.round(after.cpuMs - before.cpuMs)} ms of CPU, ${after.failedHandshakes} handshakes made room`,
      )
      const { whole = 0, 'other bytes': wrong = 0 } = outcomes
      t.deepEqual(after.unknown, [])
      // A handshake that has been silent longest makes room, and its client hears of that.
      t.true(whole + after.failedHandshakes >= CLIENTS, JSON.stringify(outcomes))
      if (!secure) t.is(whole, CLIENTS)
      account.run({
        runs: CLIENTS,
        lostBytes: wrong * SIZE,
        leaks: Math.max(0, after.sockets - before.sockets),
      })
      account.close()
    },
  )
}

for (const [what, host, secure] of [
  ['an address', '127.0.0.1', false],
  ['a name', 'localhost', false],
  ['a name, with TLS', 'localhost', true],
]) {
  withLimits(
    `REL-33: sockets to ${what} for which there is no descriptor say so, and later ones work`,
    async (t) => {
      const own = scope(t)
      const count = 200
      const account = openAccount(t, __filename, {
        ids: ['REL-33'],
        fault: `60 descriptors for ${count} sockets to ${what}`,
        did: 'those that cannot be had fail with NetworkError and EMFILE, the others open; when they are closed, another one opens',
      })
      const { port } = secure
        ? await tlsServer(own, 'good')
        : await own.netServer({}, (peer) => peer.resume())
      const { opened, ended, last } = await ask(
        own,
        join('..', 'faults', 'exhausted-opens.js'),
        [host, port, count],
        {
          wrapper: ['prlimit', '--nofile=60:60'],
          env: secure ? { CA: certificate('root').ca } : {},
        },
      )
      const failures = ended.filter(({ types }) => types === 'error,close')
      const successes = ended.filter(({ types }) => types === 'open,close')
      t.log(`${opened} open; ${[...new Set(failures.map(({ message }) => message))].join(' | ')}`)
      t.is(failures.length + successes.length, count, JSON.stringify(ended))
      t.true(failures.length > 0)
      // Those of TLS wait for the certificates to trust, which are read once for all of them.
      if (!secure) t.true(successes.length > 0)
      for (const { name, code, message } of failures) {
        // A lookup without descriptors finds nothing, and says no more; by then there may be some again.
        if (host === 'localhost' && name === 'DomainNotFoundError') continue
        t.deepEqual({ name, code }, { name: 'NetworkError', code: 'EMFILE' }, message)
        t.regex(message, new RegExp(`(${host}.*|certificates to trust): .+`))
      }
      t.is(last.types, 'open,close', last.message)
      account.run({ runs: count })
      account.close()
    },
  )
}
