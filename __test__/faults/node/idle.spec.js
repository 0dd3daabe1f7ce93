'use strict'

// A connection on which nothing happens for longer than a minute (REL-141): where no `timeout` was asked for there is none.

const { setTimeout: pause } = require('node:timers/promises')

const test = require('ava')

const { SIDES, TRANSPORTS, after, meetNode } = require('../../helpers/both-sides.js')
const { receive, scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')

const IDLE_MS = 65_000

// All at the same time.
for (const [transport, secure] of TRANSPORTS) {
  for (const side of SIDES) {
    test(`REL-141: a connection that is idle for ${IDLE_MS / 1000} seconds stays open (${transport}, we are the ${side})`, async (t) => {
      t.timeout(2 * IDLE_MS)
      const account = openAccount(t, __filename, {
        ids: ['REL-141'],
        fault: `silence, ${transport}`,
        did: `idle for ${IDLE_MS / 1000} seconds as the ${side}, then a question and its answer`,
      })
      const { socket, events, peer } = await meetNode(scope(t), side, { secure })
      await pause(IDLE_MS)
      t.deepEqual(events.types, after(side))
      t.is(socket.readyState, 'open')
      socket.send('still here?')
      t.is(String(await receive(peer, 11)), 'still here?')
      peer.end('yes')
      t.deepEqual(await events.closed(), after(side, 'close'))
      account.run({ lostBytes: 3 - events.bytes })
      account.close()
    })
  }
}
