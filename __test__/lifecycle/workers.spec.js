'use strict'

// A worker ends as it is told to, leaves no descriptor, task or thread, and frees its ports at once, while the main
// thread carries on (REL-04, REL-05, REL-18).

const test = require('ava')

const { startPeers, stream } = require('../fixtures/lifecycle/peers.js')
const { ask } = require('../fixtures/lifecycle/run-child.js')

let peers

test.before(async () => {
  peers = await startPeers(stream)
})

test.after.always(() => peers.stop())

/** Runs workers.js, and checks how the workers ended and that nothing is left of them. */
async function check(t, args, code) {
  const { workers, before, after, leaks } = await ask('workers.js', args, { ...peers, mostMs: 100_000 })
  t.is(workers.length, args[2])
  for (const worker of workers) t.is(worker.code, code)
  t.is(leaks, 0, JSON.stringify({ before, after }))
  // Node keeps no thread of a worker; those for lookups and trust stores end later by themselves.
  if (before.threads) t.true(after.threads <= before.threads + 4, JSON.stringify({ before, after }))
  // The server sees the end of every connection as well.
  await peers.idle()
  return workers
}

for (const kind of ['plain', 'tls']) {
  test.serial(`a worker whose ${kind} sockets are closed ends by itself`, async (t) => {
    const workers = await check(t, [kind, 'natural', 3], 0)
    // Three flooding sockets, a listener, and both ends of a connection to it.
    for (const { tasks } of workers) t.true(tasks >= 6)
  })

  for (const event of ['open', 'data', 'drain', 'error', 'close', 'connect']) {
    test.serial(`process.exit in on${event} of a worker ends it, during ${kind} traffic`, async (t) => {
      await check(t, [kind, 'exit', 3, event], 7)
    })
  }

  test.serial(`a worker that is terminated during ${kind} traffic leaves nothing`, async (t) => {
    await check(t, [kind, 'terminate', 5], 1)
  })

  test.serial(
    `a worker that is terminated while a handler runs, during ${kind} traffic, leaves nothing`,
    async (t) => {
      await check(t, [kind, 'spin', 2], 1)
    },
  )

  test.serial(`workers that are terminated while their ${kind} sockets connect leave nothing`, async (t) => {
    await check(t, [kind, 'early', 5], 1)
  })

  test.serial(
    `fifty times a worker is terminated within 20 ms, and leaves no ${kind} socket, whenever that is`,
    async (t) => {
      await check(t, [kind, 'early', 1, '', 50], 1)
    },
  )

  test.serial(`twenty workers with ${kind} traffic live and end at the same time`, async (t) => {
    await check(t, [kind, 'natural', 20], 0)
  })
}
