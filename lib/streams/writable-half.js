'use strict'

// The writable side of a socket as a WritableStream. One chunk at a time goes down, and its write is done when the kernel has all of it.

const {
  AbortSignalPrototypeAddEventListener,
  ArrayPrototypeShift,
  PromisePrototypeThen,
} = require('../builtins.js')
const {
  WritableControllerError,
  WritableControllerGetSignal,
  WritableStream,
  WritableStreamClose,
  WritableStreamGetLocked,
} = require('./builtins.js')
const { deferred, handled } = require('../promises.js')

const ONCE = { __proto__: null, once: true }

const { promise: RESOLVED, resolve } = deferred()
resolve()

class WritableHalf {
  #controller
  #owner
  #convert
  #isFinal = false
  #error = undefined
  /** Chunks that the stream has accepted, and those that it is done with. */
  #accepted = 0
  #done = 0
  /** What waits for the two to be the same. */
  #flushed = null
  /** The write, or close, that is under way: `{ resolve, reject }`. */
  #pending = null
  /** Why chunks are refused that come from now on. */
  #refusal = undefined
  /** How many chunks are accepted before the first that is refused. */
  #mostAccepted = Infinity
  #copy
  /** The stream is not ready for another chunk before the next task of promises: it was made, or a write is done. */
  #isBetween = false
  /** Of chunks that were accepted and are not written yet: of those that have to wait what is to be written of them, else `undefined`. */
  #taken = []
  stream

  /**
   * @param highWaterMark the size of what it takes before it asks to wait
   * @param sizeOf `(chunk)`: the size of a chunk
   * @param convert `(chunk)`: what is written of a chunk; `undefined` for nothing. It throws for what is no chunk
   * @param copy `(converted)`: a copy of that, for a chunk that has to wait: its memory is the program's again when `write` returns
   * @param owner `write(converted)` and `close()` return a promise, or nothing when they are done; `aborted(reason)`
   */
  constructor({ highWaterMark, sizeOf, convert, copy }, owner) {
    this.#owner = owner
    this.#convert = convert
    this.#copy = copy
    const sink = {
      __proto__: null,
      start: (controller) => {
        this.#controller = controller
        // A write that is under way does not hold up an abort.
        const signal = WritableControllerGetSignal(controller)
        AbortSignalPrototypeAddEventListener(signal, 'abort', () => this.#giveUp(signal.reason), ONCE)
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#owner.close(),
      abort: (reason) => {
        if (this.#isFinal) return
        this.#isFinal = true
        owner.aborted(reason)
      },
    }
    const size = (chunk) => {
      const waits = this.#isBetween || this.#accepted !== this.#done
      this.#taken[this.#taken.length] = waits ? this.#take(chunk) : undefined
      this.#accepted++
      return sizeOf(chunk)
    }
    this.stream = new WritableStream(sink, { __proto__: null, highWaterMark, size })
    this.#rest()
  }

  get isFinal() {
    return this.#isFinal
  }

  get error() {
    return this.#error
  }

  /** A write, or the close, is under way. */
  get isBusy() {
    return this.#pending !== null
  }

  /** At most the chunk that is under way is not done. */
  get isNearlyFlushed() {
    return this.#accepted - this.#done <= 1
  }

  #rest() {
    if (this.#isBetween) return
    this.#isBetween = true
    PromisePrototypeThen(RESOLVED, () => (this.#isBetween = false))
  }

  #take(chunk) {
    try {
      const converted = this.#convert(chunk)
      return { __proto__: null, converted: converted && this.#copy(converted) }
    } catch (thrown) {
      return { __proto__: null, thrown, isNone: true }
    }
  }

  #write(chunk) {
    const taken = ArrayPrototypeShift(this.#taken)
    if (this.#done >= this.#mostAccepted) throw this.#refusal
    let converted
    try {
      if (taken?.isNone) throw taken.thrown
      converted = taken === undefined ? this.#convert(chunk) : taken.converted
    } catch (thrown) {
      // The stream fails by it, so this side of the connection has to end as well.
      this.#isFinal = true
      this.#error = thrown
      this.#owner.aborted(thrown)
      throw thrown
    }
    const written = converted === undefined ? undefined : this.#owner.write(converted)
    if (written === undefined) this.#wrote()
    return written
  }

  #wrote() {
    this.#done++
    this.#rest()
    if (this.isFlushed && this.#flushed !== null) this.#flush()
  }

  /** Nothing is under way that is not refused. */
  get isFlushed() {
    return this.#done >= this.#accepted || this.#done >= this.#mostAccepted
  }

  #flush() {
    const flushed = this.#flushed
    this.#flushed = null
    flushed()
  }

  /** Something is under way until `settle` is called, or it fails. Returns its promise. */
  wait(pending) {
    this.#pending = pending
    return pending.promise
  }

  /** What was under way is done. */
  settle() {
    const pending = this.#pending
    if (pending === null) return
    this.#pending = null
    if (!pending.isClose) this.#wrote()
    pending.resolve()
  }

  #giveUp(reason) {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    pending.reject(reason)
    // The stream aborts no sink that it was closing.
    if (!pending.isClose || this.#isFinal) return
    this.#isFinal = true
    this.#owner.aborted(reason)
  }

  /** Calls `callback` when all that was accepted so far is written, or never will be. */
  whenFlushed(callback) {
    this.#flushed = callback
    if (this.#isFinal || this.isFlushed) this.#flush()
  }

  /** What is accepted from now on is refused with `error`, behind what was accepted before. */
  refuseLater(error) {
    this.#refusal = error
    this.#mostAccepted = this.#accepted
    // An idle stream says so at once.
    if (this.#done === this.#accepted) this.refuse(error)
  }

  /** Writes fail with `error` from now on, and the one that is under way. */
  refuse(error) {
    this.#taken = []
    this.#giveUp(error)
    WritableControllerError(this.#controller, error)
  }

  fail(error) {
    if (this.#isFinal) return
    this.#isFinal = true
    this.#error = error
    this.refuse(error)
    if (this.#flushed !== null) this.#flush()
  }

  /** Our side is ended: what is under way is done. */
  ended() {
    this.#isFinal = true
    this.settle()
    if (this.#flushed !== null) this.#flush()
  }

  /**
   * Closes it by itself, behind what was accepted. Where somebody holds the lock the stream cannot say that it is closed: it refuses with
   * `error` then, and `end` is called.
   */
  closeBySelf(error, end) {
    if (this.#isFinal) return
    if (!WritableStreamGetLocked(this.stream)) {
      handled(WritableStreamClose(this.stream))
      return
    }
    this.#refusal = error
    this.#mostAccepted = this.#accepted
    this.whenFlushed(() => {
      if (this.#isFinal) return
      this.refuse(error)
      end()
    })
  }
}

module.exports = { WritableHalf }
