'use strict'

// Where events arrive from the engine, one task each, and find their socket. A live socket is held here, so that one
// that nobody else refers to still gets its events; a closed one is not.

const { SafeMap } = require('./builtins.js')
const native = require('./platform/native.js')
const { atExit, inLoop } = require('./platform/process.js')

/** The symbol under which sockets take their events: `socket[receive](kind, …)`. */
const receive = Symbol('receive')
/** The symbol under which they are closed together, see `closeAll`. */
const closeAtOnce = Symbol('closeAtOnce')

const live = new SafeMap()
let channel
let outbound

// Kept by this module: the engine holds them only while a socket is live, so that it does not keep a test runner's
// sandbox from collection. What belongs to a kind of event is spelled out, because that is faster than `...details`.
const dispatch = (id, kind, a, b, c) => live.get(id)?.[receive](kind, a, b, c)

/** This realm's channel. Made when first needed, because it starts a thread: loading the package does not. */
function eventChannel() {
  if (channel === undefined) {
    channel = new native.EventChannel(dispatch, inLoop)
    // What closed sockets have sent must not be lost to a `process.exit()`. An engine knows its own sockets only, and all realms that
    // share it share the function.
    atExit(native.settleClosed)
  }
  return channel
}

/** The engine's memory for what this realm's sockets send in a turn, and the functions on it: see src/binding/outbound.rs. */
function engineOutbound() {
  outbound ??= eventChannel().outbound()
  return outbound
}

/** From now on events of the native socket `id` go to `socket`. */
function attach(id, socket) {
  live.set(id, socket)
}

/** No event of the native socket `id` goes anywhere any more. */
function detach(id) {
  live.delete(id)
}

/** Closes every socket and listener of this realm at once: its window is closed, or its test is over. */
function closeAll() {
  live.forEach((socket) => socket[closeAtOnce]?.())
}

module.exports = { closeAll, closeAtOnce, eventChannel, engineOutbound, attach, detach, receive }
