'use strict'

// What a process of a soak has, when what was closed is gone.

const { readdirSync } = require('node:fs')
const { setTimeout: delay } = require('node:timers/promises')

const { ownSockets } = require('../../__test__/fixtures/reliability/kernel.js')
const { liveConnections } = require('../../lib/platform/native.js')

/** Milliseconds until what was closed has to be gone. A connection lingers for five seconds after FIN. */
const SETTLED = 20_000

/** For as long as this nothing has to change, the first time. */
const QUIET = 6000

const linux = process.platform === 'linux'
const count = (directory) => (linux ? readdirSync(directory).length : NaN)

/** What this process has. */
function figures() {
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    descriptors: count('/proc/self/fd'),
    handles: liveConnections(),
    threads: count('/proc/self/task'),
    rss,
    heap: heapUsed + external,
  }
}

/** A state of TCP in which there is no connection. */
const LISTENING = 10

/** What this process has that may be too much, for a person to read. */
function connections() {
  if (!linux) return []
  const made = ownSockets().filter(({ state }) => state !== LISTENING)
  return made.map(
    ({ local, remote, state, unread, unacknowledged }) =>
      `from port ${local} to ${remote}, state ${state}, ${unread} bytes unread, ${unacknowledged} not acknowledged`,
  )
}

/**
 * The same when nothing is left that has yet to end, or the time for that is over. `before` are those of the first time, which there
 * must not be more of; then there are `connections` too.
 */
async function sample(before) {
  const until = Date.now() + SETTLED
  const limit = before ?? (await quiet(until))
  for (;;) {
    // Twice, because what is finalized in one collection lets go of more.
    for (let round = 0; round < 2; round++) {
      globalThis.gc()
      await delay(10)
    }
    const now = figures()
    const isTooMuch = now.handles > limit.handles || now.descriptors > limit.descriptors
    if (!isTooMuch) return now
    if (Date.now() > until) return { ...now, connections: connections() }
    await delay(100)
  }
}

/** Figures that have not changed for longer than anything lingers. */
async function quiet(until) {
  let last = figures()
  let since = Date.now()
  while (Date.now() < until && Date.now() - since < QUIET) {
    await delay(200)
    const now = figures()
    if (now.handles !== last.handles || now.descriptors !== last.descriptors) since = Date.now()
    last = now
  }
  return last
}

module.exports = { sample }
