'use strict'

// Very many of everything: sockets opened and closed one batch after the other, opens in one turn, sends in one turn, listeners. Memory
// and descriptors are what they were, each socket ends as it must, and nothing takes forever. With MANY_SOCKETS=1000000 it is a
// million sockets; without, as many as fit into the time that they have.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

const test = require('ava')

const { closedPort } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { ask } = require('./child.js')

/** How many sockets there are in all, and milliseconds for them where nobody said how many. */
const WANTED = process.env.MANY_SOCKETS
const SOCKETS = Number(WANTED ?? 1_000_000)
const BUDGET = WANTED === undefined ? 20_000 : 3_600_000

/** MiB by which memory may be larger at the end than after the first of the measured batches: its allocator rounds up. */
const MOST_GROWTH = 24

const nodeArgs = ['--expose-gc']

async function server(t) {
  const child = fork(join(__dirname, 'many-server.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [{ port }] = await once(child, 'message')
  return {
    port,
    /** How many connections it has now. */
    async connections() {
      child.send('?')
      const [answer] = await once(child, 'message')
      return answer.connections
    },
    /** Resolves when it has none; in the end each must be gone. */
    async idle() {
      for (let tries = 0; tries < 500; tries++) {
        if ((await this.connections()) === 0) return 0
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return this.connections()
    },
  }
}

test.serial('sockets without number, opened and closed one after the other, leave nothing', async (t) => {
  t.timeout(BUDGET + 60_000)
  const peer = await server(t)
  const { done, seconds, samples, wrong } = await ask('many.js', ['churn', peer.port, SOCKETS, BUDGET], {
    nodeArgs,
    mostMs: BUDGET + 60_000,
  })
  const account = openAccount(t, __filename, {
    fault: 'a million sockets',
    did: 'opened and closed in batches of 500: when open, after a byte, immediately, and while connecting',
  })
  t.deepEqual(wrong, {})
  // By then what is made once is there.
  const first = samples[Math.min(2, samples.length - 1)]
  const last = samples.at(-1)
  const told = samples.filter((_, i) => i % Math.ceil(samples.length / 10) === 0 || i === samples.length - 1)
  t.log(`${done} sockets in ${seconds} s`, ...told.map((at) => `${at.done}: ${at.rss} MiB, ${at.fds} fds`))
  t.true(done >= Math.min(SOCKETS, 2000), `${done} sockets`)
  const grown = last.rss - first.rss
  const leaks = Number(grown > MOST_GROWTH) + Number(last.fds > 60)
  t.is(await peer.idle(), 0, 'connections of the peer')
  account.run({ runs: done, leaks })
  account.close()
})

for (const [what, limit, isTight] of [
  ['enough descriptors', 0, false],
  ['descriptors for a part of them', 3000, true],
]) {
  test.serial(`ten thousand opens in one turn, with ${what}, end with open or a clear error`, async (t) => {
    const COUNT = 10_000
    const ROUNDS = 4
    const account = openAccount(t, __filename, {
      fault: 'ten thousand opens in one turn',
      did: `a tenth of them to where nobody listens, with ${what}; then everything is closed; four times`,
    })
    const peer = await server(t)
    const result = await ask('many.js', ['opens', peer.port, await closedPort(), COUNT, ROUNDS], {
      nodeArgs,
      mostMs: 120_000,
      limit,
    })
    const { before, during, after, left, outcomes, threw, open, opening, ready } = result
    t.log(
      `${opening} ms to begin, ${ready} ms until open; ${JSON.stringify({ before, during, left, outcomes, threw })}`,
    )
    const count = (types) => outcomes[types] ?? 0
    const opened = count('open close')
    const refused = count('error:ECONNREFUSED close')
    const full = count('error:EMFILE close')
    const said = Object.values(threw).reduce((sum, n) => sum + n, 0)
    t.is(opened + refused + full + said, COUNT, JSON.stringify({ outcomes, threw }))
    t.is(opened, open)
    t.true(
      Object.keys(threw).every((message) => /descriptor|too many open files/i.test(message)),
      JSON.stringify(threw),
    )
    if (isTight) t.true(full + said > 0 && opened > 1000, JSON.stringify({ outcomes, threw }))
    else t.deepEqual([opened, refused], [COUNT * 0.9, COUNT * 0.1])
    t.true(after.fds <= before.fds + 20, `${after.fds} descriptors, ${before.fds} before`)
    t.is(await peer.idle(), 0, 'connections of the peer')
    // What allocators keep for the next ten thousand, or give back, is their affair; but what had leaked would be on top of the next
    // peak.
    const leaks = Number(left.at(-1).peak - left[0].peak > MOST_GROWTH) + Number(after.rss > left[0].peak + 8)
    account.run({ runs: ROUNDS * COUNT, leaks })
    account.close()
  })
}

test.serial('ten thousand sends of one byte in one turn arrive in order', async (t) => {
  const COUNT = 10_000
  const account = openAccount(t, __filename, {
    fault: 'ten thousand sends in one turn',
    did: 'one byte each',
  })
  const { wrong, inOrder, bytes, events, sending, pending } = await ask('many.js', ['sends', COUNT], {
    nodeArgs,
  })
  t.log(`${sending} ms, ${events} data events`)
  t.is(wrong, 0)
  t.true(sending < 2000, `${sending} ms`)
  t.true(events < 100, `${events} data events`)
  t.is(pending, 0)
  account.run({ runs: COUNT, lostBytes: COUNT - bytes, wrongOrders: Number(!inOrder) })
  account.close()
})

test.serial('ten thousand listeners are called in order, once, and go', async (t) => {
  const COUNT = 10_000
  const account = openAccount(t, __filename, {
    fault: 'ten thousand listeners',
    did: 'added, called and removed',
  })
  const { inOrder, calls, adding, removing, grown } = await ask('many.js', ['listeners', COUNT], {
    nodeArgs: [...nodeArgs, '--no-warnings'],
  })
  t.log(`${adding} ms to add, ${removing} ms to remove, ${grown} MiB`)
  t.deepEqual(calls, ['handler'])
  t.true(adding < 5000 && removing < 5000, `${adding} ms, ${removing} ms`)
  account.run({ runs: COUNT, wrongOrders: Number(!inOrder), leaks: Number(grown > 20) })
  account.close()
})
