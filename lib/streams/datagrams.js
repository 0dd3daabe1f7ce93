'use strict'

// What is between a datagram socket of the engine and two streams of messages. A socket has two sides, reading and writing, as a connection has:
// when both are final it is closed. There is no back-pressure on senders: what nobody reads waits here, a few datagrams, then in the kernel, and
// then it is lost.

const { ArrayPrototypeShift, TypedArrayPrototypeGetBuffer } = require('../builtins.js')
const { copyOf } = require('../bytes.js')
const { detach, receive } = require('../channel.js')
const { Context } = require('../context.js')
const { EventKind } = require('../platform/native.js')
const { runSoon } = require('../platform/timers.js')
const { deferred, nothing } = require('../promises.js')
const { Anchor } = require('./anchor.js')
const { Outcome } = require('./outcome.js')
const { ReadableHalf } = require('./readable-half.js')
const { Sides } = require('./sides.js')
const { WritableHalf } = require('./writable-half.js')

/** The stream asks for a message when somebody reads, and not before: that shows who waits for one. */
const MESSAGES = Object.freeze({ bytes: false, chunk: 'uint8array' })

const one = () => 1

const copyDatagram = (datagram) => ({ __proto__: null, ...datagram, data: copyOf(datagram.data) })

const NO_OPTIONS = Object.freeze({ __proto__: null })

/**
 * What a face is like.
 *
 * @typedef {object} DatagramProfile
 * @property {string} name what a warning calls a socket of it
 * @property {number} queued the most datagrams that wait here for a reader
 * @property {(() => void) | undefined} cancelled `readable` was cancelled. Without it that ends reading, and nothing else
 * @property {boolean} flushes `close()` sends what is queued; otherwise it drops it
 * @property {boolean} abortFails a writable that was aborted is a failure of the socket, for `closed`
 * @property {boolean} [ofViews] messages are made of Uint8Arrays, which costs less than of ArrayBuffers
 * @property {(data: ArrayBuffer | Uint8Array, host: string, port: number) => unknown} toMessage a chunk of `readable`
 * @property {(chunk: unknown) => { data: Uint8Array, host?: string, port?: number, family?: 4 | 6 }} toDatagram of a chunk of `writable`; it throws
 *   for what is none
 * @property {(failure: object) => Error} toError makes an error of what the engine tells
 * @property {(failure: object) => 'none' | 'writing' | 'all'} isFailureOf what a send that failed is a failure of, besides its write
 * @property {(handle: object, core: DatagramCore) => unknown} toInfo what `opened` fulfils with
 * @property {() => Error} refusal why a stream can be used no more
 */

class DatagramCore {
  #handle = null
  #context = null
  #anchor = null
  #profile
  #reading
  #writing
  #sides
  #outcome = new Outcome()
  /** 'opening', 'open', 'closing' (what is queued is sent) or 'over'. */
  #state = 'opening'
  /** Messages that nobody has read yet. */
  #queue = []
  /** Somebody reads. */
  #isWanted = false
  /** How many datagrams the engine may still tell. */
  #credits = 0
  /** Called when it is over, before any promise tells. */
  #whenOver = nothing

  /**
   * @param bind makes the native datagram socket; what it throws is what the promises reject with
   * @param {DatagramProfile} profile
   * @param isConnected it is to be connected: the engine tells when it is
   */
  constructor(bind, profile, { isConnected = false } = NO_OPTIONS) {
    this.#profile = profile
    this.#reading = new ReadableHalf(MESSAGES, {
      pull: () => this.#pull(),
      cancelled: () => this.#cancelled(),
    })
    const { toDatagram: convert } = profile
    this.#writing = new WritableHalf(
      { highWaterMark: 1, sizeOf: one, convert, copy: copyDatagram },
      {
        write: (datagram) => this.#write(datagram),
        close: () => this.#ended(),
        aborted: (reason) => this.#aborted(reason),
      },
    )
    this.#sides = new Sides(this.#reading, this.#writing)
    let handle
    try {
      handle = bind()
    } catch (error) {
      runSoon(() => this.#fail(error))
      return
    }
    this.#handle = handle
    handle.asStream()
    this.#context = new Context('UDPSOCKET', handle)
    this.#anchor = new Anchor(this, handle, profile.name, this.#outcome.whenLost)
    if (!isConnected) runSoon(() => this.#open())
  }

  get readable() {
    return this.#reading.stream
  }

  get writable() {
    return this.#writing.stream
  }

  get opened() {
    return this.#outcome.opened
  }

  get closed() {
    return this.#outcome.closed
  }

  get state() {
    return this.#state
  }

  set whenOver(callback) {
    this.#whenOver = callback
  }

  keepAlive(keep) {
    this.#context?.keepAlive(keep)
  }

  // What the streams ask for.

  #pull() {
    if (this.#queue.length > 0) {
      this.#reading.give(ArrayPrototypeShift(this.#queue))
    } else {
      this.#isWanted = true
      this.#hold()
    }
    this.#ask()
  }

  /** Lets the engine tell more, where half of what may wait here is read. */
  #ask() {
    const { queued } = this.#profile
    const room = queued - this.#queue.length
    if (this.#state !== 'open' || this.#reading.isFinal || this.#credits * 2 > room) return
    // Of those that it may tell some are on their way.
    this.#handle.wantMore(room - this.#credits)
    this.#credits = room
  }

  #cancelled() {
    if (this.#profile.cancelled) return this.#profile.cancelled()
    this.#isWanted = false
    this.#queue = []
    this.#credits = 0
    this.#handle?.want(0)
    this.#settleWhenFinal()
  }

  #write({ data, host, port, family }) {
    // What it was made of may have closed the socket.
    if (this.#handle === null) throw this.#profile.refusal()
    if (this.#handle.write(data, host, port, family)) return undefined
    const waiting = this.#writing.wait(deferred())
    this.#hold()
    return waiting
  }

  /** Our side is ended, of which no peer hears. */
  #ended() {
    this.#writing.ended()
    this.#settleWhenFinal()
  }

  #aborted(reason) {
    if (this.#profile.abortFails && reason !== undefined && reason !== null) this.#outcome.suggest(reason)
    this.#settleWhenFinal()
  }

  /** While somebody waits for an event, it is not collected. */
  #hold() {
    if (this.#state !== 'over')
      this.#anchor?.hold(this, this.#state !== 'open' || this.#isWanted || this.#writing.isBusy)
  }

  /** Closes it, whatever is locked: reads that wait are done. Returns `closed`, which fulfils. */
  close() {
    if (this.#state === 'opening') {
      this.#outcome.decide(undefined)
      this.#fail(this.#profile.refusal())
    } else if (this.#state === 'open') {
      this.#closeOpen()
    }
    return this.closed
  }

  #closeOpen() {
    this.#state = 'closing'
    if (this.#profile.abortFails) this.#outcome.suggest(this.#sides.error)
    else this.#outcome.decide(undefined)
    this.#hold()
    this.#reading.end()
    const error = this.#profile.refusal()
    if (this.#profile.flushes) {
      this.#writing.refuseLater(error)
      this.#writing.whenFlushed(() => this.#finish(error))
    } else {
      this.#finish(error)
    }
  }

  /** Gives it up at once: `reason` is what everything fails with. */
  abort(reason) {
    if (this.#state === 'over') return
    this.#outcome.decide(reason)
    this.#fail(reason)
  }

  /** When both sides are final it is closed. */
  #settleWhenFinal() {
    if (this.#state === 'open' && this.#sides.areFinal) {
      this.#finish(this.#profile.refusal())
    }
  }

  // What the engine tells.

  [receive](kind, a, b, c) {
    this.#context.run(this.#receive, this, kind, a, b, c)
    this.#hold()
  }

  #receive(kind, a, b, c) {
    switch (kind) {
      case EventKind.Datagram:
        return this.#onDatagram(a, b, c)
      case EventKind.Opened:
        return this.#open()
      case EventKind.Drained:
        return this.#writing.settle()
      case EventKind.WriteFailed:
        return this.#onWriteFailed(a)
      case EventKind.ReadFailed:
      case EventKind.Failed:
        return this.#fail(this.#profile.toError(a))
    }
  }

  #open() {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#outcome.open(this.#profile.toInfo(this.#handle, this))
    this.#ask()
    this.#hold()
  }

  #onDatagram(data, host, port) {
    this.#credits--
    if (this.#reading.isFinal) return
    const { ofViews } = this.#profile
    const bytes = ofViews ? data : TypedArrayPrototypeGetBuffer(data)
    const message = this.#profile.toMessage(bytes, host, port)
    if (this.#isWanted) {
      this.#isWanted = false
      this.#reading.give(message)
    } else {
      this.#queue[this.#queue.length] = message
    }
    this.#ask()
  }

  #onWriteFailed(failure) {
    const of = this.#profile.isFailureOf(failure)
    if (of === 'none') return this.#writing.settle()
    const error = this.#profile.toError(failure)
    if (of === 'all') return this.#fail(error)
    this.#writing.fail(error)
    this.#settleWhenFinal()
  }

  #fail(error) {
    if (this.#state === 'over') return
    this.#sides.fail(error)
    this.#finish(error)
  }

  /** Gives the descriptor back. What still waits is refused with `error`. */
  #finish(error) {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#queue = []
    if (this.#handle !== null) {
      this.#anchor.letGo()
      detach(this.#handle.id)
      this.#handle.close()
      this.#context.closed()
      this.#handle = null
    }
    this.#whenOver(error)
    this.#writing.refuse(error)
    this.#outcome.refuse(error)
    this.#outcome.settle(this.#sides.error)
  }
}

module.exports = { DatagramCore }
