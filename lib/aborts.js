'use strict'

// What happens when an AbortSignal aborts. A program often has one signal for all of its life, and gives it to each of
// many sockets: so there is one listener on a signal, however many wait for it, and none when nobody does any more.

/** By signal: `{ actions, run }`, what is to be done and the listener that does it. */
const waiting = new WeakMap()

/** Calls `action` when `signal`, if there is one, aborts; not where it has already. Returns a function that takes that back. */
function whenAborted(signal, action) {
  if (signal === undefined || signal.aborted) return () => {}
  const { actions, run } = waiting.get(signal) ?? listen(signal)
  actions.add(action)
  return () => {
    if (!actions.delete(action) || actions.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', run)
  }
}

function listen(signal) {
  const actions = new Set()
  const run = () => {
    waiting.delete(signal)
    const due = [...actions]
    actions.clear()
    for (const action of due) action()
  }
  signal.addEventListener('abort', run, { once: true })
  const entry = { actions, run }
  waiting.set(signal, entry)
  return entry
}

module.exports = { whenAborted }
