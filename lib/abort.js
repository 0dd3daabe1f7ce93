'use strict'

// An application's AbortSignal, which may outlive everything here: nothing is left on it when it is not followed any more.

/** Calls `then` when `signal` is aborted, once, until the function that this returns is called. */
function follow(signal, then) {
  if (signal === undefined || signal.aborted) return () => {}
  const onAbort = () => then()
  signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

module.exports = { follow }
