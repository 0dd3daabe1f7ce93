'use strict'

// 100 MB that are echoed to us through TLS while we stop reading again and again (REL-162): exact to the byte, and in little memory.

const { createHash } = require('node:crypto')
const { setTimeout: pause } = require('node:timers/promises')

const test = require('ava')

const { residentBytes } = require('../../fixtures/reliability/in-child.js')
const { SIDES, TRANSPORTS, meetNode } = require('../../helpers/both-sides.js')
const { scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')

const MIB = 1 << 20

const TOTAL = 100 * MIB
const PIECE = Buffer.alloc(MIB, 'one hundred of these are sent, each with its own number. ')

/** Of memory: what is on its way, at both ends, which are in this process, and what is not collected yet. Far less than TOTAL. */
const MOST_GROWTH = 64 * MIB

const STOPS = 20

for (const [transport, secure] of TRANSPORTS) {
  for (const side of SIDES) {
    test.serial(
      `REL-162: an echo of 100 MB to a reader that stops ${STOPS} times (${transport}, we are the ${side})`,
      async (t) => {
        t.timeout(120_000)
        const account = openAccount(t, __filename, {
          ids: ['REL-162'],
          fault: `a reader that stops, ${transport}`,
          did: `100 MB sent as the ${side}, echoed, and read with ${STOPS} suspensions`,
        })
        const own = scope(t)
        const { socket, events, peer } = await meetNode(own, side, { secure })
        peer.pipe(peer)
        const [sent, heard] = [createHash('sha256'), createHash('sha256')]
        let [bytes, stops, mostGrowth] = [0, 0, 0]
        const before = process.platform === 'linux' ? residentBytes() : 0
        const done = new Promise((resolve) => {
          socket.addEventListener('data', async ({ data }) => {
            heard.update(new Uint8Array(data))
            bytes += data.byteLength
            // The recorder must not keep them all.
            events.forgetData()
            events.events.length = 0
            if (before) mostGrowth = Math.max(mostGrowth, residentBytes() - before)
            if (bytes >= TOTAL) resolve()
            else if (bytes > (stops + 1) * (TOTAL / (STOPS + 1))) {
              stops++
              socket.suspend()
              const seen = bytes
              await pause(20)
              if (bytes !== seen) account.run({ runs: 0, wrongOrders: 1 })
              socket.resume()
            }
          })
        })
        for (let piece = 0; piece < TOTAL / MIB; piece++) {
          PIECE.writeUInt32BE(piece)
          sent.update(PIECE)
          if (socket.send(PIECE)) continue
          await new Promise((resolve) => socket.addEventListener('drain', resolve, { once: true }))
        }
        await done
        socket.close()
        await events.when(() => events.types.includes('close') || undefined)
        t.is(bytes, TOTAL)
        t.is(heard.digest('hex'), sent.digest('hex'))
        t.is(stops, STOPS)
        t.false(events.types.includes('error'))
        t.log(`grown by ${mostGrowth >> 20} MiB at most`)
        account.run({ lostBytes: TOTAL - bytes, leaks: mostGrowth > MOST_GROWTH ? 1 : 0 })
        account.close()
      },
    )
  }
}
