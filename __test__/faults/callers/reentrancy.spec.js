'use strict'

// Everything that a program can do, done in every handler, plain and with TLS, by everything through which its code can run there:
// attributes, listeners, nested events, microtasks, and the arguments of a call. It returns or throws what it always does, the events
// are those that always come, and what was sent arrives (REL-13). A process that exits there does so with its code (REL-02).

const test = require('ava')

const { openAccount } = require('../helpers/ledger.js')
const { ask, run } = require('./child.js')

const EVENTS = ['open', 'data', 'drain', 'error', 'close', 'connect']
const WAYS = [
  'a listener',
  'a listener after the attribute',
  'a microtask',
  'a nested event',
  'an argument of send',
]

for (const kind of ['plain', 'tls']) {
  test.serial(`whatever a program does in a handler of a ${kind} socket, the events are right`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-13', 'REL-14'],
      fault: 're-entrancy',
      did: `every action in every handler of a ${kind} socket, by every way into the program's code`,
    })
    const { runs, wrong, reported, actions } = await ask('reenter.js', [kind], { mostMs: 120_000 })
    t.deepEqual(wrong, [])
    t.deepEqual(reported.others, [])
    t.true(reported.uncaught > 0 && reported.unhandled > 0, JSON.stringify(reported))
    // All ways but one, which is over in the last two of the events.
    t.is(runs, actions * (8 * EVENTS.length - 2))
    account.run({ runs })
    account.close()
  })

  test.serial(
    `process.exit() in a handler of a ${kind} socket keeps its code, by whatever way`,
    async (t) => {
      const account = openAccount(t, __filename, {
        ids: ['REL-02'],
        fault: 'process.exit() in a handler',
        did: `every event of a ${kind} socket, by listeners, microtasks, nested events and arguments of a call`,
      })
      for (const event of EVENTS) {
        for (const way of WAYS) {
          const { code, signal, hangs, stdout, stderr } = await run('reenter.js', [kind, event, way], {
            mostMs: 20_000,
          })
          t.deepEqual(
            { code, signal, hangs, stdout, stderr },
            { code: 42, signal: null, hangs: false, stdout: 'exit 42\n', stderr: '' },
            `on${event}, by ${way}`,
          )
          account.run({ hangs: Number(hangs), crashes: Number(signal !== null && !hangs) })
        }
      }
      account.close()
    },
  )
}
