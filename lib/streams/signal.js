'use strict'

// An AbortSignal gives up a socket of streams. A signal may live as long as its program, and keeps no socket from collection.

const { whenAborted } = require('../aborts.js')
const { WeakRef, WeakRefDeref } = require('./builtins.js')

/**
 * `core.abort(reason)` when `signal` aborts, or now where it `hasAborted`. `otherwise()` makes a reason where a signal of another library
 * has none.
 */
function followSignal(core, signal, hasAborted, otherwise) {
  const reason = () => signal.reason ?? otherwise()
  if (hasAborted) return core.abort(reason())
  const weak = new WeakRef(core)
  core.whenOver = whenAborted(signal, () => WeakRefDeref(weak)?.abort(reason()))
}

module.exports = { followSignal }
