'use strict'

// Timers that keep no process alive, and tasks, which do. Not those of the global object, which may be a test runner's.

const { clearTimeout, setImmediate, setTimeout } = require('node:timers')

/** Calls `callback` after so many milliseconds. Returns what `stopTimer` takes. */
function startTimer(callback, milliseconds) {
  return setTimeout(callback, milliseconds).unref()
}

/** Calls `callback` in a task of its own, after the current one. */
function runSoon(callback) {
  setImmediate(callback)
}

module.exports = { startTimer, stopTimer: clearTimeout, runSoon }
