'use strict'

// Timers, as the page has them before its first script, and tasks.

const { task } = require('../tasks.js')

const { clearTimeout, setTimeout } = globalThis

function startTimer(callback, milliseconds) {
  return setTimeout(callback, milliseconds)
}

function stopTimer(timer) {
  clearTimeout(timer)
}

module.exports = { startTimer, stopTimer, runSoon: task }
