'use strict'

// What the facade asks of the process that it runs in, as it was when this package was loaded.

const { ArrayPrototypeIncludes, ReflectApply } = require('../builtins.js')

const { process } = globalThis
const { emitWarning, listeners, nextTick, on } = process

// The environment's own event loop watches which connections are ready, where it is libuv's and known to work: not in runtimes
// that only look like Node. Everywhere else, and with MOZ_TCP_SOCKET_DRIVER=tokio, the Tokio runtime watches.
const inLoop =
  !process.versions.bun && !process.versions.deno && process.env.MOZ_TCP_SOCKET_DRIVER !== 'tokio'

/** Calls `callback`, which does not throw, when what runs now is done. */
function soon(callback) {
  ReflectApply(nextTick, process, [callback])
}

/**
 * Calls `callback` when the process exits, once however often it is given. Nothing of a realm may stay with `process`, which outlives it: so
 * it has to be a function of the engine's, and an array of them would keep the whole realm.
 */
function atExit(callback) {
  if (ArrayPrototypeIncludes(ReflectApply(listeners, process, ['exit']), callback)) return
  ReflectApply(on, process, ['exit', callback])
}

/** The operating system, in Node's words. */
function platform() {
  return process.platform
}

module.exports = { atExit, emitWarning, inLoop, platform, soon }
