'use strict'

// What is between a connection of the engine and two streams. The faces that have streams (moz-tcp-socket/winter and others) are thin layers
// on this: what they do differently is in their profile.
//
// A connection has two sides, reading and writing. Each of them becomes final once: ended, failed, or given up. When both are, the
// connection is closed, and when that is told, `closed` settles.

const { Uint8Array } = require('../builtins.js')
const { detach, engineOutbound, receive } = require('../channel.js')
const { Context } = require('../context.js')
const { lendConnection } = require('../insides.js')
const { EventKind } = require('../platform/native.js')
const { deferred, nothing } = require('../promises.js')
const { Anchor } = require('./anchor.js')
const { byteChunks } = require('./byte-chunks.js')
const { Gate } = require('./gate.js')
const { Outcome } = require('./outcome.js')
const { Outflow } = require('./outflow.js')
const { ReadableHalf } = require('./readable-half.js')
const { Sides } = require('./sides.js')
const { WritableHalf } = require('./writable-half.js')

/** In milliseconds: how long a peer may take nothing of what is queued behind a close; and how long a closed socket may still connect. */
const STALLED = 30_000
const LONGEST_CONNECT = 10_000

const NO_OPTIONS = Object.freeze({ __proto__: null })

class StreamCore {
  #handle
  #id
  #profile
  #context
  #reading
  #writing
  #sides
  #outcome = new Outcome()
  /** Where its events arrive, from when the connection is its own. */
  #anchor = null
  /** 'opening', 'open', 'closing' (the engine was told to), 'over', or 'handed over' to the core of its TLS connection. */
  #state = 'opening'
  #isSecure
  /** Bytes are wanted. */
  #isWanted = false
  #hasPeerEnded = false
  #outflow
  #gate
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
   * @param {import('./profile.js').Profile} profile
   * @param isSecure TLS begins with the first byte
   */
  constructor(handle, profile, { isSecure = false, isOpen = false, predecessor = null } = NO_OPTIONS) {
    this.#handle = handle
    this.#id = handle.id
    this.#outflow = new Outflow(handle.id)
    this.#profile = profile
    this.#isSecure = isSecure
    this.#predecessor = predecessor
    // TLS has to begin before anything else may happen on a connection that was another core's.
    this.#gate = new Gate(predecessor !== null)
    this.#context = new Context('TCPSOCKET', handle)
    this.#reading = new ReadableHalf(profile.readable, {
      pull: (view, isAhead) => this.#pull(view, isAhead),
      cancelled: () => this.#cancelled(),
    })
    this.#writing = new WritableHalf(byteChunks(profile.writable), {
      write: (bytes) => this.#write(bytes),
      close: () => this.#shutdown(),
      aborted: (reason) => this.#aborted(reason),
    })
    this.#sides = new Sides(this.#reading, this.#writing)
    const keepHalfOpen = () => (this.#profile = { __proto__: null, ...this.#profile, halfOpen: true })
    lendConnection(this.#reading.stream, { handle, keepHalfOpen })
    if (predecessor !== null) return
    handle.asStream()
    this.#takeOver()
    if (!isOpen) return
    this.#open()
    this.#anchor?.hold(this, this.#isWaiting)
  }

  /** The connection is its own from here on. */
  #takeOver() {
    this.#anchor = new Anchor(this, this.#handle, this.#profile.name, this.#outcome.whenLost)
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

  /** Whether each side may still be used: what has ended cannot become TLS. */
  get isWhole() {
    return this.#sides.areWhole
  }

  /** Whether our side has ended, or failed. */
  get hasEndedWriting() {
    return this.#writing.isFinal
  }

  /** `callback` is called when the connection is over, or was handed over. */
  set whenOver(callback) {
    this.#whenOver = callback
  }

  keepAlive(keep) {
    if (this.#successor === null) this.#context.keepAlive(keep)
    else this.#successor.keepAlive(keep)
  }

  /** Whether an event is going to come that somebody may wait for. */
  get #isWaiting() {
    return this.#state !== 'open' || this.#isWanted || this.#writing.isBusy
  }

  // What the streams ask for.

  #pull(view, isAhead = false) {
    if (this.#gate.isShut) {
      if (!this.#isWanted) this.#gate.pass(() => this.#pull(undefined))
      this.#isWanted = true
    } else if (this.#state !== 'over') {
      this.#isWanted ||= !isAhead
      this.#anchor.hold(this, this.#isWaiting)
      // TLS reads only into memory for all that it has decrypted.
      engineOutbound().pull(this.#id, this.#isSecure ? undefined : view)
    }
  }

  #cancelled() {
    this.#isWanted = false
    if (this.#profile.cancelled) return this.#profile.cancelled()
    this.#gate.pass(() => this.#handle.discardInput())
    this.#settleWhenFinal()
  }

  #write(bytes) {
    if (this.#gate.isShut) {
      const copy = new Uint8Array(bytes)
      this.#gate.pass(() => this.#outflow.write(copy, false))
      return this.#waitForWriting(deferred())
    }
    if (this.#outflow.write(bytes, this.#state === 'open')) return undefined
    return this.#waitForWriting(deferred())
  }

  #waitForWriting(pending) {
    this.#anchor?.hold(this, true)
    return this.#writing.wait(pending)
  }

  #shutdown() {
    if (this.#state === 'closing' || this.#state === 'over') return undefined
    this.#gate.pass(() => this.#handle.shutdown())
    const pending = deferred()
    pending.isClose = true
    return this.#waitForWriting(pending)
  }

  #aborted(reason) {
    if (this.#profile.abortFails && reason !== undefined && reason !== null) this.#outcome.suggest(reason)
    this.#gate.pass(() => this.#handle.shutdownImmediately())
    this.#settleWhenFinal()
  }

  /**
   * Closes it: with what is queued, or without it, as the profile says. Locks do not matter. Returns `closed`. `reason` is what waits
   * is told, if there is one.
   */
  close(reason) {
    if (this.#successor !== null) return this.#outcome.closed
    if (this.#state === 'opening' && this.#profile.flushes && !this.#writing.isFlushed)
      this.#closeWhenOpen(reason)
    else if (this.#state === 'opening') this.#abandon(reason)
    else if (this.#state === 'open') this.#closeOpen(reason)
    return this.#outcome.closed
  }

  /** Ends our side, behind what was written. Where somebody holds its lock, it refuses what comes. */
  halfClose() {
    if (this.#state !== 'opening' && this.#state !== 'open') return
    this.#writing.closeBySelf(this.#profile.refusal('ended'), () => this.#handle?.shutdown())
  }

  /** Gives it up at once: `reason` is what everything fails with. */
  abort(reason) {
    if (this.#successor !== null) return this.#successor.abort(reason)
    if (this.#state !== 'opening' && this.#state !== 'open') return
    const wasOpen = this.#state === 'open'
    this.#close(reason)
    this.#outcome.refuse(reason)
    this.#sides.fail(reason)
    if (wasOpen) this.#handle.closeImmediately()
    else this.#handle.abort()
  }

  /** What was written is to be delivered: so it may take a while to connect, but not for ever. */
  #closeWhenOpen(reason) {
    if (this.#closing) return
    this.#closing = true
    this.#outcome.decide(undefined)
    this.#handle.setConnectTimeout(LONGEST_CONNECT)
    this.#gate.whenOpen(() => {
      if (this.#state === 'open') this.#closeOpen(reason)
    })
  }

  #abandon(reason) {
    this.#close(undefined)
    const error = reason ?? this.#profile.refusal('closed')
    this.#outcome.refuse(error)
    this.#sides.fail(error)
    this.#handle.abort()
  }

  /** From here on it is closing. `thrown` is what `closed` comes to, see `Outcome`. */
  #close(thrown) {
    this.#state = 'closing'
    const { isOne, abortFails } = this.#profile
    if (thrown === undefined && abortFails) this.#outcome.suggest(this.#sides.error)
    else if (thrown !== undefined || !isOne) this.#outcome.decide(thrown)
    this.#anchor?.hold(this, true)
  }

  #closeOpen(reason) {
    this.#close(undefined)
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
    const successor = new StreamCore(this.#handle, profile, {
      __proto__: null,
      isSecure: true,
      predecessor: this,
    })
    this.#successor = successor
    this.#upgraded = upgraded
    this.#anchor?.hold(this, true)
    const error = this.#profile.refusal('upgraded')
    // From here on plaintext is not to be read: what there is makes the upgrade fail.
    this.#handle.suspend()
    this.#reading.refuse(error)
    this.#writing.refuseLater(error)
    const begin = () => this.#writing.whenFlushed(() => this.#handOver(config))
    if (this.#state === 'open') begin()
    else this.#gate.whenOpen(begin)
    return successor
  }

  #handOver(config) {
    if (this.#state !== 'open') return
    this.#writing.refuse(this.#profile.refusal('upgraded'))
    this.#state = 'handed over'
    this.#anchor.letGo()
    this.#successor.#takeOver()
    this.#context.closed()
    this.#whenOver()
    this.#handle.upgrade(config)
    // When what was written is out, an event comes, which is a task of its own.
    this.#outflow.tellWhenOut()
  }

  // What the engine tells.

  [receive](kind, detail) {
    this.#outflow.rested()
    this.#context.run(this.#receive, this, kind, detail)
    if (this.#state !== 'over') this.#anchor.hold(this, this.#isWaiting)
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
        return this.#onFailedSide(this.#profile.toError(detail), true)
      case EventKind.WriteFailed:
        return this.#onFailedSide(this.#profile.toError(detail), false)
      case EventKind.Failed:
        return this.#onFailed(detail)
      case EventKind.Closed:
        return this.#onClosed()
    }
  }

  #open() {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#outcome.open(this.#profile.toInfo(this.#handle, this))
    this.#gate.open()
  }

  #onData(detail) {
    this.#isWanted = false
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
    predecessor.#outcome.settle(undefined)
  }

  #onReadEnd() {
    if (!this.#profile.halfOpen) this.halfClose()
    this.#settleWhenFinal()
  }

  #onFailedSide(error, isReading) {
    const { halfOpen, isOne } = this.#profile
    const both = isOne || (isReading && !halfOpen)
    if (isReading || both) this.#reading.fail(error)
    if (!isReading || both) this.#writing.fail(error)
    if (isReading && both) this.#handle.shutdownImmediately()
    this.#settleWhenFinal()
  }

  /** When both sides are final the connection is closed. */
  #settleWhenFinal() {
    if (!this.#sides.areFinal) return
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#anchor.hold(this, true)
      this.#handle.close()
    } else if (this.#state === 'opening') {
      this.#state = 'closing'
      this.#outcome.refuse(this.#profile.refusal('closed'))
      this.#handle.abort()
    }
  }

  #onFailed(failure) {
    const error = this.#profile.toError(failure)
    const isUnexpected = this.#state !== 'closing'
    if (this.#state === 'opening') this.#outcome.refuse(error)
    this.#sides.fail(error)
    if (isUnexpected) this.#outcome.suggest(error)
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
    this.#anchor.letGo()
    detach(this.#id)
    handle.release()
    this.#context.closed()
    this.#outcome.refuse(error)
    this.#passOn()
    this.#outcome.settle(this.#sides.error)
    this.#whenOver()
    if (this.#successor !== null) this.#successor.#neverBegan(error, this.#outcome)
  }

  /** The connection ended before TLS began. */
  #neverBegan(error, outcome) {
    if (this.#state !== 'closing') this.#outcome.refuse(error)
    this.#predecessor = null
    this.#sides.fail(error)
    this.#state = 'over'
    this.#outcome.follow(outcome)
    this.#whenOver()
  }
}

module.exports = { StreamCore }
