'use strict'

// Whether a connection is read, and how long it may be silent. Three can have it not read: the application, with `suspend()`; this
// package, which holds a socket back whose handlers are not there yet (see hold.js); and what reads it in place of the application,
// such as moz-tcp-socket/node-stream. Each alone is enough.

const { wrongState } = require('./errors.js')
const { startTimer, stopTimer } = require('./platform/timers.js')

/**
 * How long a socket is held back, in milliseconds. A held socket does not notice that its peer is gone, so a handler that waits
 * for `close` alone would otherwise keep it, and its descriptor, for ever.
 */
const LONGEST_HOLD = 10_000

class Reading {
  /** The native socket; `null` before there is one, and when it is closed. */
  #native = null
  /** Calls of `suspend()` without their `resume()`. */
  #suspensions = 0
  /** How many of them have no effect, see `liftSuspensions`. */
  #lifted = 0
  #isWanted = true
  /** How long the connection may be silent, in milliseconds; 0 is for ever. The engine knows of it unless the socket is held back. */
  #idleTimeout = 0
  /** The timer that ends the holding back; `null` where nothing is held back. */
  #hold = null

  begin(handle, idleTimeout) {
    this.#native = handle
    this.#idleTimeout = idleTimeout
    if (idleTimeout > 0) handle.setIdleTimeout(idleTimeout)
  }

  /** The connection is closed. `suspend()` and `resume()` are still counted. */
  closed() {
    this.#native = null
    this.letGo()
  }

  suspend() {
    const was = this.#isRead
    this.#suspensions++
    this.#follow(was)
  }

  resume() {
    if (this.#suspensions === 0) {
      throw wrongState('Calling resume() on a connection that was not suspended.')
    }
    const was = this.#isRead
    this.#suspensions--
    if (this.#lifted > this.#suspensions) this.#lifted = this.#suspensions
    this.#follow(was)
  }

  /** Whatever the application has suspended so far is read, though it may still resume it. */
  liftSuspensions() {
    const was = this.#isRead
    this.#lifted = this.#suspensions
    this.#follow(was)
  }

  /** Whether the one that reads in place of the application wants more. */
  set isWanted(value) {
    const was = this.#isRead
    this.#isWanted = value
    this.#follow(was)
  }

  get #isRead() {
    return this.#suspensions === this.#lifted && this.#hold === null && this.#isWanted
  }

  /** Tells the engine, unless it is read as it `was`. */
  #follow(was) {
    if (was === this.#isRead) return
    if (was) this.#native?.suspend()
    else this.#native?.resume()
  }

  setIdleTimeout(milliseconds) {
    this.#idleTimeout = milliseconds
    if (this.#hold === null) this.#native?.setIdleTimeout(milliseconds)
  }

  /**
   * As `suspend()`, which the application knows nothing of, until `letGo()`, or until LONGEST_HOLD has passed. The peer may be active
   * without being read, so nothing counts as silence meanwhile. Returns false where the connection is closed, and there is nothing to hold.
   */
  holdBack() {
    if (this.#native === null) return false
    const was = this.#isRead
    if (this.#idleTimeout > 0) this.#native.setIdleTimeout(0)
    this.#hold = startTimer(() => this.letGo(), LONGEST_HOLD)
    this.#follow(was)
    return true
  }

  /** Takes the holding back away, if there is one. */
  letGo() {
    if (this.#hold === null) return
    stopTimer(this.#hold)
    this.#hold = null
    if (this.#idleTimeout > 0) this.#native?.setIdleTimeout(this.#idleTimeout)
    this.#follow(false)
  }
}

module.exports = { Reading }
