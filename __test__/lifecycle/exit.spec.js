'use strict'

// The process ends when it is told to, and as it is told to, whatever the sockets are doing (REL-01, REL-02).

const test = require('ava')

const { flood, startPeers, stream } = require('../fixtures/lifecycle/peers.js')
const { run } = require('../fixtures/lifecycle/run-child.js')

/** No end may take longer, from the exit on. In practice it takes milliseconds. */
const MOST_MS = 4000

let flooders
let streamers

test.before(async () => {
  flooders = await startPeers(flood)
  streamers = await startPeers(stream)
})

test.after.always(() => {
  flooders.stop()
  streamers.stop()
})

/** Lets a process end after each of these times, one after another. */
async function exits(t, kind, times) {
  for (const milliseconds of times) {
    const { code, signal, stdout, stderr, ended } = await run(
      'exit-at-random.js',
      [kind, milliseconds],
      flooders,
    )
    const what = `after ${milliseconds} ms: ${stderr}`
    t.deepEqual({ code, signal }, { code: 7, signal: null }, what)
    const [, exitAt] = stdout.match(/^exit (\d+)\n$/)
    t.true(ended - exitAt < MOST_MS, what)
  }
}

for (const kind of ['plain', 'tls']) {
  test.serial(`process.exit during ${kind} traffic keeps its code, at any moment`, async (t) => {
    // Two at a time: the machine has something to do, and the moments are not always the same.
    await Promise.all([
      exits(t, kind, [0, 2, 5, 12, 20, 30, 45, 60]),
      exits(t, kind, [0, 1, 4, 8, 15, 25, 35, 55]),
    ])
  })

  for (const event of ['open', 'data', 'drain', 'error', 'close', 'connect']) {
    test.serial(
      `process.exit in on${event}, during ${kind} traffic, is the last thing that runs`,
      async (t) => {
        const results = await Promise.all(
          [1, 2, 3].map(() => run('exit-in-handler.js', [kind, event], streamers)),
        )
        for (const { code, signal, stdout, stderr, ended } of results) {
          t.deepEqual({ code, signal, stderr }, { code: 42, signal: null, stderr: '' })
          t.regex(stdout, /^exit 42 \d+\n$/)
          t.true(ended - stdout.split(' ')[2] < MOST_MS)
        }
      },
    )
  }

  test.serial(`a process whose ${kind} sockets are closed ends by itself, with its exit code`, async (t) => {
    for (let round = 0; round < 3; round++) {
      const { code, signal, stdout, stderr, ended } = await run('natural-end.js', [kind], streamers)
      t.deepEqual({ code, signal, stderr }, { code: 9, signal: null, stderr: '' })
      const [, closedAt] = stdout.match(/^closed (\d+)\nexit 4 true\n$/)
      t.true(ended - closedAt < MOST_MS, stdout)
    }
  })
}
