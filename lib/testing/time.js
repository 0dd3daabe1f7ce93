'use strict'

// Time for tests. Sockets live in real time, so what is here does too, when a test has put fake timers in place of the global
// ones. No timer keeps the process alive.

const { performance } = require('node:perf_hooks')
const { clearTimeout, setTimeout } = require('node:timers')

/** Milliseconds of a clock that nobody sets. */
const now = performance.now.bind(performance)

/** Milliseconds of the longest timer that Node.js has. */
const LONGEST = 2_147_483_647

/** Calls `callback` after `milliseconds`. Returns a function that takes that back. */
function after(milliseconds, callback) {
  const timer = setTimeout(callback, milliseconds).unref()
  return () => clearTimeout(timer)
}

/** Resolves after `milliseconds`, or as soon as `signal` aborts. */
function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = after(milliseconds, done)
    signal.addEventListener('abort', done)
  })
}

/** Bytes for each piece, and milliseconds after it, of a connection of `bytesPerSecond`. */
function paced({ bytesPerSecond, chunk = Math.max(1, Math.round(bytesPerSecond / 20)) }) {
  return { chunk, pause: (length) => (length * 1000) / bytesPerSecond }
}

module.exports = { LONGEST, after, now, paced, sleep }
