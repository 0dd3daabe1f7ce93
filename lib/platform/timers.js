'use strict'

// Timers that keep no process alive. Not those of the global object, which may be a test runner's.

const { clearTimeout, setTimeout } = require('node:timers')

/** Calls `callback` after so many milliseconds. Returns what `stopTimer` takes. */
function startTimer(callback, milliseconds) {
  return setTimeout(callback, milliseconds).unref()
}

module.exports = { startTimer, stopTimer: clearTimeout }
