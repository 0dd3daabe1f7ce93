'use strict'

// Where events arrive from the engine, one task each, and find their socket. A live socket is held here, so that one
// that nobody else refers to still gets its events; a closed one is not.

const { SafeMap, Uint32Array, Uint8Array } = require('./builtins.js')
const native = require('./platform/native.js')
const { atExit, inLoop } = require('./platform/process.js')

const { EventKind } = native

/** The symbol under which sockets take their events: `socket[receive](kind, …)`. */
const receive = Symbol('receive')
/** The symbol under which they are closed together, see `closeAll`. */
const closeAtOnce = Symbol('closeAtOnce')

/** Numbers at the end of the engine's memory for datagrams: three for each of as many as can come at once. */
const TABLE = 3 * 32

const live = new SafeMap()
let channel
let outbound

// Kept by this module: the engine holds them only while a socket is live, so that it does not keep a test runner's
// sandbox from collection. What belongs to a kind of event is spelled out, because that is faster than `...details`.
const dispatch = (id, kind, a, b, c, d, e) => {
  if (kind === EventKind.Datagram) tellDatagram(id, a, b, c, d, e)
  else if (kind === EventKind.Datagrams) tellDatagrams(id, a, b, c)
  else live.get(id)?.[receive](kind, a, b, c)
}

/** The sender's host of the last datagram: the engine tells it when it changes. */
let lastHost
/** What the engine tells of many datagrams, and the memory that it is in. */
let table
let tableMemory

// A socket is told `(Datagram, data: Uint8Array, host, port)`, however it came. The data spans all of its ArrayBuffer.

function tellDatagram(id, memory, start, length, port, host) {
  if (host !== undefined) lastHost = host
  // Nothing that a program can change has a say in this, unlike in `slice`.
  const data = new Uint8Array(new Uint8Array(memory, start, length))
  live.get(id)?.[receive](EventKind.Datagram, data, lastHost, port)
}

function tellDatagrams(id, memory, count, hosts) {
  if (memory !== tableMemory) {
    table = new Uint32Array(memory)
    tableMemory = memory
  }
  let at = table.length - TABLE
  for (let i = 0; i < count; i++) {
    const start = table[at++]
    const length = table[at++]
    tellDatagram(id, memory, start, length, table[at++], hosts?.[i])
  }
}

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
