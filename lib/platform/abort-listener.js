'use strict'

// How to listen to an AbortSignal so that nobody before us can keep the event from us.

const { addAbortListener } = require('node:events')

/**
 * How `addAbortListener` listens, where it exists (Node.js 20.5): with a symbol of Node's own, because of which
 * `stopImmediatePropagation()` of an earlier listener does not keep the event from this one. That function itself is not used, since
 * it calls whatever method the signal has now.
 */
function listenerOptions() {
  let options
  const signal = {
    aborted: false,
    addEventListener: (_type, _listener, given) => (options = given),
    removeEventListener() {},
  }
  try {
    addAbortListener?.(signal, () => {})
  } catch {
    // Another runtime, which wants a signal of its own.
  }
  return { __proto__: null, ...options, once: true }
}

module.exports = { ABORT_LISTENER_OPTIONS: listenerOptions() }
