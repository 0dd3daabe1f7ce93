// runApp of moz-tcp-socket-dev in Vitest, in processes and in threads of both kinds; they end by themselves, so that an app has to
// close with all it has.

import { TCPServerSocket } from 'moz-tcp-socket'
import { runApp } from 'moz-tcp-socket-dev'
import { expect, test } from 'vitest'

import { runTwice } from '../run-app.js'

/** Milliseconds: on a busy machine it takes jsdom a while to load. */
const LIMIT = 60_000

test(
  'an app runs, stores, closes, and runs again with what it stored',
  async () => {
    expect(await runTwice({ runApp, TCPServerSocket })).toEqual([
      { title: 'true,3,1', errors: [] },
      { title: 'true,3,2', errors: [] },
    ])
  },
  LIMIT,
)
