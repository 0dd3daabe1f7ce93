'use strict'

// Where events arrive from the engine, one task each, and find their socket. A live socket is held here, so that one
// that nobody else refers to still gets its events; a closed one is not.

const { setImmediate } = require('node:timers')

const native = require('./native.js')

/** The symbol under which sockets take their events: `socket[receive](kind, …)`. */
const receive = Symbol('receive')

const live = new Map()
let channel

// Kept by this module: the engine holds them only while a socket is live, so that it does not keep a test runner's
// sandbox from collection.
const dispatch = (id, kind, ...details) => live.get(id)?.[receive](kind, ...details)
const defer = () => setImmediate(native.resumeDelivery)

/** This realm's channel. Made when first needed, because it starts a thread: loading the package does not. */
function eventChannel() {
  channel ??= new native.EventChannel(dispatch, defer)
  return channel
}

/** From now on events of `handle` go to `socket`. */
function attach(handle, socket) {
  live.set(handle.id, socket)
}

/** No event of `handle` goes anywhere any more. */
function detach(handle) {
  live.delete(handle.id)
}

module.exports = { eventChannel, attach, detach, receive }
