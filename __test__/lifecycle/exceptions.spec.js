'use strict'

// What a handler throws is an uncaught exception like any other: the process ends unless it listens for those, the
// listener gets the very value, and the socket carries on (REL-11).

const test = require('ava')

const { ask, run } = require('../fixtures/lifecycle/run-child.js')
const { echo, startPeers, stream } = require('../fixtures/lifecycle/peers.js')

const EVENTS = ['open', 'data', 'drain', 'error', 'close', 'connect']

let streamers
let echoers

test.before(async () => {
  streamers = await startPeers(stream)
  echoers = await startPeers(echo)
})

test.after.always(() => {
  streamers.stop()
  echoers.stop()
})

for (const kind of ['plain', 'tls']) {
  for (const event of EVENTS) {
    test.serial(
      `an exception in on${event}, during ${kind} traffic, ends the process with its stack`,
      async (t) => {
        const { code, signal, stdout, stderr } = await run('throw-in-handler.js', [kind, event], streamers)
        t.deepEqual({ code, signal, stdout }, { code: 1, signal: null, stdout: '' }, stderr)
        t.regex(stderr, /RangeError: dropped the ball\n\s+at .*clumsyHandler .*throw-in-handler\.js:\d+/)
      },
    )

    test.serial(
      `a caught exception in on${event}, during ${kind} traffic, changes nothing else`,
      async (t) => {
        const { reported, events, state } = await ask('throw-and-go-on.js', [kind, event], streamers)
        const byHandler = { which: 0, origin: 'uncaughtException' }
        const byListener = { which: 1, origin: 'uncaughtException' }
        t.deepEqual(reported, [byHandler, byListener])
        t.is(state, event === 'connect' ? 'server' : 'closed')
        const expected = { connect: [], error: ['error', 'close'] }
        t.deepEqual(events, expected[event] ?? ['open', 'close'])
      },
    )
  }

  test.serial(
    `an exception in any handler of a worker, during ${kind} traffic, is the worker's error, and nobody else's`,
    async (t) => {
      for (const event of EVENTS) {
        const { errors, code } = await ask('throw-in-worker.js', [kind, event], streamers)
        t.deepEqual(errors, [{ name: 'RangeError', message: 'dropped the ball' }], event)
        t.is(code, 1, event)
      }
    },
  )

  test.serial(`each exception is reported once, as it was thrown, and no ${kind} data is lost`, async (t) => {
    const { calls, uncaught, unhandled } = await ask('throw-every-third.js', [kind, 'throws'], echoers)
    t.is(calls, 30)
    t.deepEqual(uncaught, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    t.deepEqual(unhandled, [])
  })

  test.serial(
    `what an async handler rejects with is an unhandled rejection, and no ${kind} data is lost`,
    async (t) => {
      const { calls, uncaught, unhandled } = await ask('throw-every-third.js', [kind, 'rejects'], echoers)
      t.is(calls, 30)
      t.deepEqual(uncaught, [])
      t.deepEqual(unhandled, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    },
  )
}

test('an exception is reported in the asynchronous context of its handler, and takes none from what follows', async (t) => {
  const { closes, ...reported } = await ask('throw-with-context.js')
  t.deepEqual(reported, {
    'handler of A': 'A',
    'handler of B': 'B',
    listener: 'C',
    once: 'D',
    'handler that entered another context': 'entered',
    connect: 'S',
  })
  t.deepEqual(closes, ['A', 'B', 'C', 'D', 'S'])
})
