'use strict'

// Does things at random, several at a time, until it is told to rest; counts what came of them. Both processes of a soak use it: the one
// with the package in it, and the one with its peers.

const { setTimeout: delay } = require('node:timers/promises')

/** Milliseconds. What takes longer hangs. */
const MOST_MS = 60_000

/** Chance, from a seed: the same choices again, though not at the same moments. (mulberry32) */
function chance(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    /** A whole number from 0 to `below - 1`. */
    below: (below) => Math.floor(next() * below),
    pick: (things) => things[Math.floor(next() * things.length)],
  }
}

/** `{ done: { name: count }, bytes, lostBytes, problems: [text] }`, which is what a rest reports and begins anew. */
function tally() {
  return { done: {}, bytes: 0, lostBytes: 0, problems: [] }
}

class Lanes {
  #activities = []
  #count
  #running = []
  #isResting = true
  #tally = tally()

  /** As many things at a time as `count`. */
  constructor(count, { pick }) {
    this.#count = count
    this.pick = pick
  }

  /** Something to do, as much more often as `weight` is larger. `run` calls `moved` and `lost`; what it throws is a problem. */
  add(name, weight, run) {
    for (let time = 0; time < weight; time++) this.#activities.push({ name, run })
  }

  /** So many bytes arrived as they were sent. */
  moved(bytes) {
    this.#tally.bytes += bytes
  }

  /** So many did not. */
  lost(bytes) {
    this.#tally.lostBytes += bytes
  }

  problem(text) {
    this.#tally.problems.push(text)
  }

  go() {
    this.#isResting = false
    this.#running = Array.from({ length: this.#count }, () => this.#lane())
  }

  /** Resolves when nothing is under way, with what was done since `go`. */
  async rest() {
    this.#isResting = true
    await Promise.all(this.#running)
    const result = this.#tally
    this.#tally = tally()
    return result
  }

  async #lane() {
    while (!this.#isResting) {
      const { name, run } = this.pick(this.#activities)
      const timeUp = new AbortController()
      const late = delay(MOST_MS, 'late', { signal: timeUp.signal }).catch(() => {})
      try {
        if ((await Promise.race([run(), late])) === 'late') throw new Error(`hangs for ${MOST_MS} ms`)
      } catch (error) {
        this.problem(`${name}: ${error.message}`)
        // One that goes wrong at once would otherwise fill the report.
        await delay(100)
      }
      timeUp.abort()
      const { done } = this.#tally
      done[name] = (done[name] ?? 0) + 1
    }
  }
}

module.exports = { Lanes, chance }
