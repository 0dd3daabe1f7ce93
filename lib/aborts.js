'use strict'

// What happens when an AbortSignal aborts. A program often has one signal for all of its life, and gives it to each of
// many sockets: so there is one listener on a signal, however many wait for it, and none when nobody does any more.

const {
  AbortSignal,
  AbortSignalPrototypeAddEventListener,
  AbortSignalPrototypeGetAborted,
  AbortSignalPrototypeRemoveEventListener,
  SafeSet,
  SafeWeakMap,
} = require('./builtins.js')
const { reportSoon } = require('./exceptions.js')
const { ABORT_LISTENER_OPTIONS } = require('./platform/abort-listener.js')

/** By signal: `{ actions, run }`, what is to be done and the listener that does it. */
const waiting = new SafeWeakMap()

/** Whether `signal` has aborted. Those of other libraries are asked in their own way, and may answer otherwise the next time. */
function isAborted(signal) {
  return signal instanceof AbortSignal ? AbortSignalPrototypeGetAborted(signal) : signal.aborted
}

/**
 * Calls `action` when `signal`, which has not aborted, does. Returns a function that takes that back, and does not throw. What an action
 * throws is reported, and keeps no other from being called.
 */
function whenAborted(signal, action) {
  const { actions, run } = waiting.get(signal) ?? listen(signal)
  actions.add(action)
  return () => {
    if (!actions.delete(action) || actions.size > 0) return
    waiting.delete(signal)
    try {
      if (signal instanceof AbortSignal) AbortSignalPrototypeRemoveEventListener(signal, 'abort', run)
      else signal.removeEventListener('abort', run)
    } catch (thrown) {
      reportSoon(thrown)
    }
  }
}

function listen(signal) {
  const actions = new SafeSet()
  const run = () => {
    waiting.delete(signal)
    const due = []
    actions.forEach((action) => (due[due.length] = action))
    actions.clear()
    for (let i = 0; i < due.length; i++) {
      try {
        due[i]()
      } catch (thrown) {
        reportSoon(thrown)
      }
    }
  }
  if (signal instanceof AbortSignal)
    AbortSignalPrototypeAddEventListener(signal, 'abort', run, ABORT_LISTENER_OPTIONS)
  else signal.addEventListener('abort', run, ABORT_LISTENER_OPTIONS)
  const entry = { actions, run }
  waiting.set(signal, entry)
  return entry
}

module.exports = { isAborted, whenAborted }
