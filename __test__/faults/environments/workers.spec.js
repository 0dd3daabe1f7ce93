'use strict'

// Worker threads that are terminated in the middle of traffic, over and over, while the main thread goes on (REL-04, REL-05, REL-07):
// what belongs to the environment that ends has to be gone, and nothing else may notice.

const test = require('ava')

const { newSeed } = require('../../fixtures/environments/random.js')
const { startPeers, stream } = require('../../fixtures/lifecycle/peers.js')
const { run } = require('../../fixtures/lifecycle/run-child.js')
const { openAccount } = require('../helpers/ledger.js')

const ROUNDS = 200

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
    const seed = newSeed()
    t.log(`FAULT_SEED=${seed}`)
    const script = '../environments/worker-rounds.js'
    const { code, signal, stdout, stderr } = await run(script, [kind, ROUNDS, seed], {
      ...peers,
      mostMs: 200_000,
    })
    if (code !== 0) {
      account.run({
        crashes: stderr.includes('it hangs') ? 0 : 1,
        hangs: stderr.includes('it hangs') ? 1 : 0,
      })
      t.fail(`code ${code}, signal ${signal}: ${stdout}${stderr}`)
      return account.close()
    }
    const { codes, moments, left, silent } = JSON.parse(stdout)
    t.log(JSON.stringify(moments))
    // The main thread exchanged messages in every round, each with the right content.
    account.run({ runs: ROUNDS, leaks: left.length, hangs: silent, crashes: ROUNDS - codes[1] })
    t.deepEqual(left, [])
    // Every kind of moment came.
    t.is(Object.keys(moments).length, 7)
    // The server has seen the end of each connection.
    await peers.idle()
    account.close()
  })
}
