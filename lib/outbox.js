'use strict'

// What a socket sends during a turn. Bytes are copied when `send` is called: most into an arena that all sockets share,
// very large pieces into the engine. When the turn ends, one native call for each socket passes everything on.

const { engineFlush } = require('./channel.js')
const { reportLater, reportThrown } = require('./errors.js')
const { atTurnEnd, currentTurn } = require('./turn.js')

const arena = Buffer.allocUnsafeSlow(256 * 1024)

/** From this size on, one copy into the engine is cheaper than two. */
const DIRECT_BYTES = arena.length / 2

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

  /** Accepts a byte string, or a Uint8Array, whose memory is the caller's again afterwards. Returns `pending`. */
  write(payload) {
    const length = payload.length
    const pending = this.pending + length
    if (length >= DIRECT_BYTES) {
      this.#moveToEngine()
      this.#native.stage(typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload, 0, length)
      this.#unwritten += length
    } else if (length > 0) {
      const at = this.#reserve(length)
      if (typeof payload === 'string') arena.latin1Write(payload, at, length)
      else arena.set(payload, at)
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
    const [start, end] = [this.#start, this.#end]
    this.#start = this.#end = 0
    try {
      this.#unwritten = engineFlush(arena)(this.#id, start, end, this.#drainWanted)
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
    if (arenaTop + length > arena.length) emptyArena()
    if (this.#end !== arenaTop || this.#start === this.#end) {
      this.#moveToEngine()
      this.#start = arenaTop
    }
    const at = arenaTop
    arenaTop += length
    this.#end = arenaTop
    return at
  }

  #moveToEngine() {
    if (this.#start === this.#end) return
    this.#native.stage(arena, this.#start, this.#end)
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
