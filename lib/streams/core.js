'use strict'

// What is between a connection of the engine and two streams. The faces that have streams (moz-tcp-socket/winter and others) are thin layers
// on this: what they do differently is in their profile.
//
// A connection has two sides, reading and writing. Each of them becomes final once: ended, failed, or given up. When both are, the
// connection is closed, and when that is told, `closed` settles.

const { Uint8Array } = require('../builtins.js')
const { attach, detach, engineOutbound, receive } = require('../channel.js')
const { Context } = require('../context.js')
const { EventKind, NOT_WRITTEN } = require('../platform/native.js')
const { deferred, handled, nothing } = require('../promises.js')
const { ReadableHalf } = require('./readable-half.js')
const { WritableHalf } = require('./writable-half.js')

/** Bytes that are written without a break, a small write counting for LEAST. Then the event loop has its turn, though the kernel would take more. */
const MOST_AT_ONCE = 1024 * 1024
const LEAST = 512

/** In milliseconds: how long a peer may take nothing of what is queued behind a close; and how long a closed socket may still connect. */
const STALLED = 30_000
const LONGEST_CONNECT = 10_000

const NO_BYTES = new Uint8Array(0)

/**
 * What a face is like.
 *
 * @typedef {object} Profile
 * @property {{ bytes: boolean, chunk: 'uint8array' | 'arraybuffer', highWaterMark: number }} readable
 * @property {{ strings: boolean, highWaterMark: number, countBytes: boolean }} writable
 * @property {boolean} halfOpen when the peer ends, our side stays open
 * @property {boolean} flushes `close()` sends what is queued; otherwise it drops it
 * @property {boolean} abortFails a writable that was aborted is a failure of the connection, for `closed`
 * @property {(failure: object) => Error} toError makes an error of what the engine tells
 * @property {(handle: object) => unknown} toInfo what `opened` fulfils with
 * @property {(why: 'closing' | 'closed' | 'ended' | 'upgraded') => Error} refusal why a stream can be used no more
 */

class StreamCore {
  #handle
  #id
  #profile
  #context
  #reading
  #writing
  #opened = deferred()
  #closed = deferred()
  /** 'opening', 'open', 'closing' (the engine was told to), 'over', or 'handed over' to the core of its TLS connection. */
  #state = 'opening'
  #isSecure
  /** It takes over a connection from its predecessor, as soon as TLS has begun; and whether its stream wants bytes before that. */
  #isUpgrade
  #isWanted = false
  #hasPeerEnded = false
  #writtenAtOnce = 0
  /** What is left to do when it is open. */
  #whenOpen = null
  /** Why it was closed, for what still waits. */
  #reason = undefined
  /** The core that has its connection after `upgrade`. */
  #successor = null
  /** The core that had this connection before, until what that wrote is out. */
  #predecessor = null
  #upgraded = nothing
  /** It is to be closed when it is open. */
  #closing = false
  /** Called when it is over. */
  #whenOver = nothing

  /**
   * @param handle a native socket of which no event has been delivered
   * @param {Profile} profile
   * @param isSecure TLS begins with the first byte
   */
  constructor(handle, profile, { isSecure = false, isOpen = false, predecessor = null } = {}) {
    this.#handle = handle
    this.#id = handle.id
    this.#profile = profile
    this.#isSecure = isSecure
    this.#predecessor = predecessor
    this.#isUpgrade = predecessor !== null
    this.#context = new Context('TCPSOCKET', handle)
    this.#reading = new ReadableHalf(profile.readable, {
      pull: (view) => this.#pull(view),
      cancelled: () => this.#cancelled(),
    })
    this.#writing = new WritableHalf(profile.writable, {
      write: (bytes) => this.#write(bytes),
      close: () => this.#shutdown(),
      aborted: (reason) => this.#aborted(reason),
    })
    handled(this.#opened.promise)
    handled(this.#closed.promise)
    if (predecessor !== null) return
    handle.asStream()
    attach(this.#id, this)
    if (isOpen) this.#open()
  }

  get readable() {
    return this.#reading.stream
  }

  get writable() {
    return this.#writing.stream
  }

  get opened() {
    return this.#opened.promise
  }

  get closed() {
    return this.#closed.promise
  }

  get state() {
    return this.#state
  }

  /** Whether each side may still be used: what has ended cannot become TLS. */
  get isWhole() {
    return !this.#reading.isFinal && !this.#writing.isFinal
  }

  /** `callback` is called when the connection is over, or was handed over. */
  set whenOver(callback) {
    this.#whenOver = callback
  }

  keepAlive(keep) {
    if (this.#successor === null) this.#context.keepAlive(keep)
    else this.#successor.keepAlive(keep)
  }

  // What the streams ask for.

  #pull(view) {
    if (this.#isHeld) {
      if (!this.#isWanted) this.#whenUsable(() => this.#pull(undefined))
      this.#isWanted = true
    } else if (this.#state !== 'over') {
      // TLS reads only into memory for all that it has decrypted.
      engineOutbound().pull(this.#id, this.#isSecure ? undefined : view)
    }
  }

  #cancelled() {
    this.#whenUsable(() => this.#handle.discardInput())
    this.#settleWhenFinal()
  }

  #write(bytes) {
    if (this.#isHeld) {
      const copy = new Uint8Array(bytes)
      this.#whenUsable(() => engineOutbound().write(this.#id, copy, true))
      return this.#writing.wait(deferred())
    }
    const { length } = bytes
    this.#writtenAtOnce += length < LEAST ? LEAST : length
    const mustWait = this.#state !== 'open' || this.#writtenAtOnce > MOST_AT_ONCE
    const left = engineOutbound().write(this.#id, bytes, mustWait)
    if (left === 0 && !mustWait) return undefined
    if (left !== NOT_WRITTEN && !mustWait) engineOutbound().write(this.#id, NO_BYTES, true)
    return this.#writing.wait(deferred())
  }

  #shutdown() {
    if (this.#state === 'closing' || this.#state === 'over') return undefined
    this.#whenUsable(() => this.#handle.shutdown())
    const pending = deferred()
    pending.isClose = true
    return this.#writing.wait(pending)
  }

  #aborted(reason) {
    if (this.#profile.abortFails) this.#reason ??= { thrown: reason }
    this.#whenUsable(() => this.#handle.shutdownImmediately())
    this.#settleWhenFinal()
  }

  /** TLS has to begin before anything else may happen on the connection, which until then is another core's. */
  get #isHeld() {
    return this.#isUpgrade && this.#state === 'opening'
  }

  #whenUsable(action) {
    if (!this.#isHeld) return action()
    const before = this.#whenOpen
    this.#whenOpen = () => {
      before?.()
      action()
    }
  }

  /**
   * Closes it: with what is queued, or without it, as the profile says. Locks do not matter. Returns `closed`. `reason` is what waits
   * is told, if there is one.
   */
  close(reason) {
    if (this.#successor !== null) return this.#closed.promise
    if (this.#state === 'opening' && this.#profile.flushes && !this.#writing.isFlushed)
      this.#closeWhenOpen(reason)
    else if (this.#state === 'opening') this.#abandon(reason)
    else if (this.#state === 'open') this.#closeOpen(reason)
    return this.#closed.promise
  }

  /** Gives it up at once: `reason` is what everything fails with. */
  abort(reason) {
    if (this.#successor !== null) return this.#successor.abort(reason)
    if (this.#state !== 'opening' && this.#state !== 'open') return
    const wasOpen = this.#state === 'open'
    this.#state = 'closing'
    this.#reason = { thrown: reason }
    this.#opened.reject(reason)
    this.#reading.fail(reason)
    this.#writing.fail(reason)
    if (wasOpen) this.#handle.closeImmediately()
    else this.#handle.abort()
  }

  /** What was written is to be delivered: so it may take a while to connect, but not for ever. */
  #closeWhenOpen(reason) {
    if (this.#closing) return
    this.#closing = true
    this.#reason = { thrown: undefined }
    this.#handle.setConnectTimeout(LONGEST_CONNECT)
    const before = this.#whenOpen
    this.#whenOpen = () => {
      before?.()
      if (this.#state === 'open') this.#closeOpen(reason)
    }
  }

  #abandon(reason) {
    this.#state = 'closing'
    const error = reason ?? this.#profile.refusal('closed')
    this.#opened.reject(error)
    this.#reading.fail(error)
    this.#writing.fail(error)
    this.#reason = { thrown: undefined }
    this.#handle.abort()
  }

  #closeOpen(reason) {
    this.#state = 'closing'
    this.#reason = { thrown: undefined }
    this.#reading.end()
    if (!this.#profile.flushes) {
      this.#writing.fail(reason ?? this.#profile.refusal('closed'))
      this.#handle.closeImmediately()
      return
    }
    this.#handle.discardInput()
    this.#writing.refuseLater(reason ?? this.#profile.refusal('closing'))
    if (this.#writing.isFinal || this.#writing.isNearlyFlushed) {
      this.#handle.close()
      return
    }
    this.#handle.setIdleTimeout(STALLED)
    this.#writing.whenFlushed(() => this.#handle?.close())
  }

  /**
   * STARTTLS: what was written so far goes out as it is, then comes a handshake. Returns the core of the TLS connection. The streams
   * of this one are of no use any more. `config` is the engine's TlsConfig; `upgraded` is called before `closed` of this one fulfils.
   */
  upgrade(config, profile, upgraded) {
    const successor = new StreamCore(this.#handle, profile, { isSecure: true, predecessor: this })
    this.#successor = successor
    this.#upgraded = upgraded
    const error = this.#profile.refusal('upgraded')
    // From here on plaintext is not to be read: what there is makes the upgrade fail.
    this.#handle.suspend()
    this.#reading.refuse(error)
    this.#writing.refuseLater(error)
    const begin = () => this.#writing.whenFlushed(() => this.#handOver(config))
    if (this.#state === 'open') begin()
    else this.#whenOpen = begin
    return successor
  }

  #handOver(config) {
    if (this.#state !== 'open') return
    this.#writing.refuse(this.#profile.refusal('upgraded'))
    this.#state = 'handed over'
    attach(this.#id, this.#successor)
    this.#context.closed()
    this.#whenOver()
    this.#handle.upgrade(config)
    // When what was written is out, an event comes, which is a task of its own.
    engineOutbound().write(this.#id, NO_BYTES, true)
  }

  // What the engine tells.

  [receive](kind, detail) {
    this.#writtenAtOnce = 0
    this.#context.run(this.#receive, this, kind, detail)
  }

  #receive(kind, detail) {
    switch (kind) {
      case EventKind.Data:
        return this.#onData(detail)
      case EventKind.Drained:
        return this.#onDrained()
      case EventKind.Opened:
      case EventKind.Secured:
        return this.#open()
      case EventKind.Ended:
        this.#reading.end()
        return this.#onReadEnd()
      case EventKind.PeerEnded:
        this.#hasPeerEnded = true
        return this.#lookForEnd()
      case EventKind.ShutDown:
        this.#writing.ended()
        return this.#settleWhenFinal()
      case EventKind.ReadFailed:
        return this.#onReadFailed(this.#profile.toError(detail))
      case EventKind.WriteFailed:
        this.#writing.fail(this.#profile.toError(detail))
        return this.#settleWhenFinal()
      case EventKind.Failed:
        return this.#onFailed(detail)
      case EventKind.Closed:
        return this.#onClosed()
    }
  }

  #open() {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#opened.resolve(this.#profile.toInfo(this.#handle))
    const action = this.#whenOpen
    this.#whenOpen = null
    action?.()
  }

  #onData(detail) {
    if (this.#state === 'open') this.#reading.data(detail)
    if (this.#hasPeerEnded) this.#lookForEnd()
  }

  /**
   * The end of the peer is read by itself when nothing is before it. With TLS that cannot be told from bytes, and a chunk may have to be read
   * that nobody has asked for.
   */
  #lookForEnd() {
    if (this.#state !== 'open' || this.#reading.isFinal) return
    if (this.#isSecure || !this.#handle.hasUnread()) this.#pull(undefined)
  }

  #onDrained() {
    if (this.#predecessor === null) this.#writing.settle()
    else this.#passOn()
  }

  /** What the predecessor wrote is out. */
  #passOn() {
    const predecessor = this.#predecessor
    if (predecessor === null) return
    this.#predecessor = null
    predecessor.#upgraded()
    predecessor.#closed.resolve()
  }

  #onReadEnd() {
    if (!this.#profile.halfOpen && this.#state === 'open') {
      this.#writing.closeBySelf(this.#profile.refusal('ended'), () => this.#handle?.shutdown())
    }
    this.#settleWhenFinal()
  }

  #onReadFailed(error) {
    this.#reading.fail(error)
    if (!this.#profile.halfOpen) {
      this.#writing.fail(error)
      this.#handle.shutdownImmediately()
    }
    this.#settleWhenFinal()
  }

  /** When both sides are final the connection is closed. */
  #settleWhenFinal() {
    if (!this.#reading.isFinal || !this.#writing.isFinal) return
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#handle.close()
    } else if (this.#state === 'opening') {
      this.#state = 'closing'
      this.#opened.reject(this.#profile.refusal('closed'))
      this.#handle.abort()
    }
  }

  #onFailed(failure) {
    const error = this.#profile.toError(failure)
    const wasWanted = this.#state !== 'closing'
    if (this.#state === 'opening') this.#opened.reject(error)
    this.#reading.fail(error)
    this.#writing.fail(error)
    if (wasWanted) this.#reason ??= { thrown: error }
    this.#finish(error)
  }

  #onClosed() {
    this.#writing.ended()
    this.#writing.refuse(this.#profile.refusal('closed'))
    this.#finish(this.#profile.refusal('closed'))
  }

  /** Gives the connection back, and settles `closed`. */
  #finish(error) {
    const handle = this.#handle
    this.#state = 'over'
    detach(this.#id)
    handle.release()
    this.#context.closed()
    this.#opened.reject(error)
    this.#passOn()
    const thrown = this.#reading.error ?? this.#writing.error
    const outcome = this.#reason ?? (thrown === undefined ? undefined : { thrown })
    if (outcome?.thrown === undefined) this.#closed.resolve()
    else this.#closed.reject(outcome.thrown)
    this.#whenOver()
    if (this.#successor !== null) this.#successor.#neverBegan(error, outcome)
  }

  /** The connection ended before TLS began. */
  #neverBegan(error, outcome) {
    if (this.#state !== 'closing') this.#opened.reject(error)
    this.#predecessor = null
    this.#reading.fail(error)
    this.#writing.fail(error)
    this.#reason ??= outcome ?? { thrown: undefined }
    this.#state = 'over'
    if (this.#reason.thrown === undefined) this.#closed.resolve()
    else this.#closed.reject(this.#reason.thrown)
    this.#whenOver()
  }
}

module.exports = { StreamCore }
