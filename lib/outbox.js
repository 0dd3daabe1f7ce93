'use strict'

// What a socket sends during a turn. Bytes are copied when `send` is called: most into an arena that all sockets share,
// very large pieces into the socket's own queue. When the turn ends, one native call for each socket passes everything on.
// The arena is the engine's: no JavaScript can reach it, detach it, or change what is in it.

const { TypeError } = require('./builtins.js')
const { fromLatin1 } = require('./bytes.js')
const { engineOutbound } = require('./channel.js')
const { reportLater, reportThrown } = require('./exceptions.js')
const { ARENA } = require('./platform/native.js')
const { atTurnEnd, currentTurn } = require('./turn.js')

/** From this size on, one copy into the socket's queue is cheaper than two. */
const DIRECT_BYTES = ARENA / 2

let arenaTop = 0
/**
 * Outboxes with bytes in the arena, or with something else to flush: the first `dirtyCount`. The array never shrinks,
 * because that would cost every turn a new one.
 */
const dirty = []
let dirtyCount = 0

class Outbox {
  #native
  #id
  /** Its bytes in the arena. */
  #start = 0
  #end = 0
  /** Bytes that the engine had not written when it was last asked; fewer by now, perhaps. */
  #unwritten = 0
  /** The turn in which `#pending` was last computed. */
  #computedIn = -1
  #pending = 0
  #drainWanted = false
  #dirty = false

  /** @param native the native socket, which has the `id` */
  constructor(native, id) {
    this.#native = native
    this.#id = id
  }

  /** Bytes accepted and not yet handed to the operating system. Exact, and shrinks between turns only. */
  get pending() {
    if (this.#pending === 0) return 0
    const turn = currentTurn()
    if (this.#computedIn !== turn) {
      this.#computedIn = turn
      if (this.#unwritten > 0) this.#unwritten = this.#native.unwritten
      this.#pending = this.#unwritten + (this.#end - this.#start)
    }
    return this.#pending
  }

  /** Accepts a byte string, or a Uint8Array, of `length`, whose memory is the caller's again afterwards. Returns `pending`. */
  write(payload, length) {
    const pending = this.pending + length
    if (length >= DIRECT_BYTES) {
      this.#moveToEngine()
      this.#native.stage(typeof payload === 'string' ? fromLatin1(payload) : payload, 0, length)
      this.#unwritten += length
    } else if (length > 0) {
      this.#copy(payload, length)
    }
    this.#pending = pending
    this.#computedIn = currentTurn()
    this.#flushLater()
    return pending
  }

  /** The engine shall report when everything is written, from the end of this turn on. */
  wantDrain() {
    this.#drainWanted = true
    this.#flushLater()
  }

  /** The report came. */
  drained() {
    this.#drainWanted = false
  }

  /** Lets the engine write everything now, before the turn ends. */
  flush() {
    const start = this.#start
    const end = this.#end
    this.#start = this.#end = 0
    try {
      this.#unwritten = engineOutbound().flush(this.#id, start, end, this.#drainWanted)
    } catch (thrown) {
      // Bytes are missing: nothing may follow them.
      this.#native.abort()
      throw thrown
    }
  }

  /** Gives the engine everything, which it writes after what it is told next, or when the turn ends. */
  stage() {
    this.#moveToEngine()
  }

  /** Forgets what the engine does not have yet. */
  discard() {
    this.#start = this.#end = this.#pending = 0
    this.#drainWanted = false
    this.#native = null
  }

  #flushLater() {
    if (this.#dirty) return
    this.#dirty = true
    dirty[dirtyCount++] = this
    currentTurn()
  }

  /** A place in the arena right behind this outbox's other bytes. */
  #reserve(length) {
    if (arenaTop + length > ARENA) emptyArena()
    if (this.#end !== arenaTop || this.#start === this.#end) {
      this.#moveToEngine()
      this.#start = arenaTop
    }
    const at = arenaTop
    arenaTop += length
    this.#end = arenaTop
    return at
  }

  /** Into the arena. What could not be copied must not be sent: other bytes are in its place. */
  #copy(payload, length) {
    const at = this.#reserve(length)
    const { writeText, writeBytes } = engineOutbound()
    let written = 0
    try {
      written = typeof payload === 'string' ? writeText(at, payload) : writeBytes(at, payload)
    } finally {
      if (written !== length) {
        arenaTop = at
        this.#end = at
      }
    }
    if (written !== length) throw new TypeError('send: the ArrayBuffer is detached, or has shrunk')
  }

  #moveToEngine() {
    if (this.#start === this.#end) return
    engineOutbound().stage(this.#id, this.#start, this.#end)
    this.#unwritten += this.#end - this.#start
    this.#start = this.#end = 0
  }

  static emptyArena() {
    for (let i = 0; i < dirtyCount; i++) dirty[i].#moveToEngine()
    arenaTop = 0
  }

  /** The turn has ended. */
  static flushAll() {
    // Nothing in here runs code that could send.
    for (let i = 0; i < dirtyCount; i++) {
      const outbox = dirty[i]
      dirty[i] = null
      outbox.#dirty = false
      if (outbox.#native === null) continue
      try {
        outbox.flush()
        outbox.#pending = outbox.#unwritten
      } catch (thrown) {
        reportLater(thrown)
      }
    }
    dirtyCount = arenaTop = 0
    reportThrown()
  }
}

const { emptyArena } = Outbox
atTurnEnd(Outbox.flushAll)

module.exports = { Outbox }
