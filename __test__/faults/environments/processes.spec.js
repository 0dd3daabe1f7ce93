'use strict'

// Processes that end in the middle of traffic: by process.exit, by themselves, by a signal, by an exception that nobody caught (REL-01,
// REL-03, REL-11). Three hundred of them, at random moments; each has to end as it was told to, and soon.

const test = require('ava')

const { newSeed, random } = require('../../fixtures/environments/random.js')
const { startPeers, stream } = require('../../fixtures/lifecycle/peers.js')
const { start } = require('../../fixtures/lifecycle/run-child.js')
const { openAccount } = require('../helpers/ledger.js')

/** How each way to end has to look from outside. */
const ENDS = {
  exit: { code: 7, signal: null },
  natural: { code: 9, signal: null },
  throw: { code: 1, signal: null, stderr: /Error: out of order\n/ },
  'throw in a handler': { code: 1, signal: null, stderr: /Error: out of order\n/ },
  reject: { code: 1, signal: null, stderr: /Error: out of order\n/ },
  'caught by a listener': { code: 0, signal: null },
  SIGTERM: { code: null, signal: 'SIGTERM' },
  SIGINT: { code: null, signal: 'SIGINT' },
  SIGKILL: { code: null, signal: 'SIGKILL' },
  'SIGTERM with a listener': { code: 0, signal: null },
}

const CHILDREN = 300
/** At the same time: the machine has something to do, and the moments are not always the same. */
const AT_ONCE = 3
const MOST_MS = 4000

let peers

test.before(async () => {
  peers = await startPeers(stream)
})

test.after.always(() => peers.stop())

/** One child. Resolves with what was wrong with its end, or undefined. */
async function end(kind, way, milliseconds) {
  const { child, result } = start('../environments/end-in-traffic.js', [kind, way, milliseconds], peers)
  const signal = /^SIG\w+/.exec(way)?.[0]
  if (signal) {
    child.stdout.once('data', () => child.kill(signal))
  }
  const ended = await result
  const wanted = ENDS[way]
  const said = wanted.stderr ?? /^$/
  if (ended.code !== wanted.code || ended.signal !== wanted.signal || !said.test(ended.stderr)) {
    return { hangs: ended.stderr.includes('it hangs'), ...ended }
  }
  const since = /^end (\d+)\n$/.exec(ended.stdout)?.[1] ?? 0
  if (ended.ended - since > MOST_MS) return { hangs: true, ...ended }
  return undefined
}

for (const kind of ['plain', 'tls']) {
  test.serial(`processes end as they are told to at any moment of ${kind} traffic`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-01', 'REL-03', 'REL-11'],
      fault: `processes that end during ${kind} traffic`,
      did: `${Object.keys(ENDS).length} kinds of end at random moments; exit code, signal and time compared`,
    })
    const seed = newSeed()
    t.log(`FAULT_SEED=${seed}`)
    const next = random(seed)
    const ways = Object.keys(ENDS)
    let left = CHILDREN / 2
    const lane = async () => {
      while (left > 0) {
        const way = ways[left-- % ways.length]
        const milliseconds = Math.floor(next() * 120)
        const wrong = await end(kind, way, milliseconds)
        account.run({ hangs: wrong?.hangs ? 1 : 0, crashes: wrong && !wrong.hangs ? 1 : 0 })
        if (wrong) t.fail(`${way} after ${milliseconds} ms: ${JSON.stringify(wrong)}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    // No connection of theirs is left.
    await peers.idle()
    account.close()
  })
}
