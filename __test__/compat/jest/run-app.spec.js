'use strict'

// runApp of moz-tcp-socket-dev in Jest, in the `node` environment; in that of jsdom, jsdom itself does not load. Jest waits for what is left open, so that an app has to
// close with all it has.

const { TCPServerSocket } = require('moz-tcp-socket')
const { runApp } = require('moz-tcp-socket-dev')

const { runTwice } = require('../run-app.js')

/** Milliseconds: on a busy machine it takes jsdom a while to load. */
const LIMIT = 60_000

/** What an app does depends on the environment, of which each has its own test. */
const [inNode, inJsdom] = typeof TextEncoder === 'function' ? [test, () => {}] : [() => {}, test]

inJsdom('in the jsdom environment, runApp says what to do', async () => {
  await expect(runApp('app')).rejects.toThrow(/@jest-environment node/)
})

inNode(
  'an app runs, stores, closes, and runs again with what it stored',
  async () => {
    expect(await runTwice({ runApp, TCPServerSocket })).toEqual([
      { title: 'true,3,1', errors: [] },
      { title: 'true,3,2', errors: [] },
    ])
  },
  LIMIT,
)
