'use strict'

// REL-27. Newcomers in masses do not starve connections that are there already.

const { join } = require('node:path')

const test = require('ava')

const { ask } = require('../../fixtures/reliability/children.js')
const { serialWhere } = require('../../helpers/needs.js')
const { scope } = require('../../helpers/sockets.js')
const { attack, guardedServer } = require('../helpers/attacks.js')
const { openAccount } = require('../helpers/ledger.js')

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')

const [ESTABLISHED, MS] = [100, 3000]

/** Milliseconds. What the slowest of a hundred echoes may take, on a machine with nothing else to do; elsewhere that much more. */
const AT_ONCE = 100

const TRIES = 3

for (const secure of [false, true]) {
  // Established connections are plain: of TLS only the listener differs.
  onLinux(
    `REL-27: a storm of ${secure ? 'handshakes' : 'connects'} does not starve established connections`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-27'],
        fault: secure
          ? 'TLS handshakes at another listener of the process, as many as four clients can begin'
          : 'connects, as many as a process can make, more than 1000 each second',
        did: `${ESTABLISHED} connections that are there have their echo within ${AT_ONCE} ms (p99) meanwhile; every connect was accepted`,
      })
      const server = await guardedServer(own, { beside: secure })
      const measure = () => ask(own, join('..', 'faults', 'established.js'), [server.port, ESTABLISHED, MS])
      const calm = await measure()
      const before = await server.state()
      const began = performance.now()
      const storm = secure
        ? await attack(own, { port: server.second }, 'handshakes', 4)
        : await attack(own, server, 'connects', 50)
      const measured = []
      const limit = AT_ONCE + 2 * calm.p99
      while (measured.length < TRIES && !(Math.min(...measured) <= limit))
        measured.push((await measure()).p99)
      const done = await storm.done()
      const seconds = (performance.now() - began) / 1000
      const after = await server.state()
      const text = measured.map((time) => time.toFixed(1)).join(', ')
      t.log(
        `p99 ${text} ms, without ${calm.p99.toFixed(1)} ms; ${Math.round(done / seconds)} connects each second`,
      )
      t.true(Math.min(...measured) <= limit, `p99 ${text} ms, at most ${limit} ms`)
      const accepted = after.connects - before.connects - ESTABLISHED * measured.length
      t.true(accepted >= done, `${accepted} of ${done} accepted`)
      account.run({ runs: done })
      account.close()
    },
  )
}
