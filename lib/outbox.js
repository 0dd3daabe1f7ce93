'use strict'

// What a socket sends during a turn. Bytes are copied when `send` is called: small ones into an arena that all sockets
// share, large ones into the engine. When the turn ends, one native call for each socket passes everything on.

const { reportException } = require('./errors.js')
const { atTurnEnd, currentTurn } = require('./turn.js')

/** From this size on, one copy into the engine is cheaper than two small ones. */
const DIRECT_BYTES = 16 * 1024

const arena = Buffer.allocUnsafeSlow(64 * 1024)
let arenaTop = 0
/** Outboxes with bytes in the arena, or with something to flush. */
const dirty = new Set()

class Outbox {
  #native
  /** Its bytes in the arena. */
  #start = 0
  #end = 0
  /** The turn in which `#pending` was last read from the engine. */
  #sampledIn = -1
  #pending = 0
  #drainWanted = false

  constructor(native) {
    this.#native = native
  }

  /** Bytes accepted and not yet handed to the operating system. Exact, and shrinks between turns only. */
  get pending() {
    const turn = currentTurn()
    if (this.#sampledIn !== turn) {
      this.#sampledIn = turn
      this.#pending = this.#native.unwritten + (this.#end - this.#start)
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
    } else if (length > 0) {
      const at = this.#reserve(length)
      if (typeof payload === 'string') arena.latin1Write(payload, at, length)
      else arena.set(payload, at)
    }
    this.#pending = pending
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
    this.#native.flush(arena, start, end, this.#drainWanted)
  }

  /** Forgets what the engine does not have yet. */
  discard() {
    this.#start = this.#end = 0
    this.#drainWanted = false
    dirty.delete(this)
  }

  #flushLater() {
    if (dirty.size === 0) atTurnEnd(flushAll)
    dirty.add(this)
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
    if (this.#start !== this.#end) this.#native.stage(arena, this.#start, this.#end)
    this.#start = this.#end = 0
  }

  static moveToEngine(outbox) {
    outbox.#moveToEngine()
  }
}

function emptyArena() {
  for (const outbox of dirty) Outbox.moveToEngine(outbox)
  arenaTop = 0
}

function flushAll() {
  for (const outbox of dirty) {
    try {
      outbox.flush()
    } catch (thrown) {
      reportException(thrown)
    }
  }
  dirty.clear()
  arenaTop = 0
}

module.exports = { Outbox }
