'use strict'

// Worker threads that are terminated in the middle of traffic, over and over, while the main thread goes on (REL-04, REL-05, REL-07):
// what belongs to the environment that ends has to be gone, and nothing else may notice.

const test = require('ava')

const { newSeed } = require('../../fixtures/environments/random.js')
const { startPeers, stream } = require('../../fixtures/lifecycle/peers.js')
const { run } = require('../../fixtures/lifecycle/run-child.js')
const { openAccount } = require('../helpers/ledger.js')

/** In each of two processes, one after another. */
const ROUNDS = 100

let peers

test.before(async () => {
  peers = await startPeers(stream)
})

test.after.always(() => peers.stop())

for (const kind of ['plain', 'tls']) {
  test.serial(`two hundred workers are terminated during ${kind} traffic, and leave nothing`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-04', 'REL-05', 'REL-07'],
      fault: `worker.terminate() during ${kind} traffic`,
      did: 'at random moments and inside each handler; descriptors, threads and tasks counted after each',
    })
    const seen = new Set()
    for (const seed of [newSeed(), newSeed() + 1]) {
      t.log(`FAULT_SEED=${seed}`)
      const script = '../environments/worker-rounds.js'
      const { code, signal, stdout, stderr } = await run(script, [kind, ROUNDS, seed], {
        ...peers,
        mostMs: 140_000,
      })
      if (code !== 0) {
        const hangs = stderr.includes('it hangs')
        account.run({ hangs: Number(hangs), crashes: Number(!hangs) })
        t.fail(`code ${code}, signal ${signal}: ${stdout}${stderr}`)
        continue
      }
      const { codes, moments, left, silent } = JSON.parse(stdout)
      t.deepEqual(left, [])
      // The main thread exchanged messages in every round, each with the right content.
      account.run({ runs: ROUNDS, leaks: left.length, hangs: silent, crashes: ROUNDS - codes[1] })
      for (const moment of Object.keys(moments)) seen.add(moment)
    }
    // Every kind of moment came: six events, and any time.
    t.is(seen.size, 7)
    // The server has seen the end of each connection.
    await peers.idle()
    account.close()
  })
}
