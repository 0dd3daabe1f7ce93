'use strict'

// What is between a listener of the engine and a face that asks for one connection at a time. Nothing is accepted that nobody asked for: other
// connections wait in the kernel's backlog.

const { ArrayPrototypeShift } = require('../builtins.js')
const { detach, receive } = require('../channel.js')
const { Context } = require('../context.js')
const { EventKind } = require('../platform/native.js')
const { runSoon } = require('../platform/timers.js')
const { deferred } = require('../promises.js')
const { Anchor } = require('./anchor.js')
const { Outcome } = require('./outcome.js')

/**
 * What a face is like.
 *
 * @typedef {object} ListenerProfile
 * @property {string} name what a warning calls it
 * @property {(handle: object) => unknown} toInfo what `opened` fulfils with
 * @property {(socket: object, host: string, port: number) => unknown} toConnection what `accept()` fulfils with, of an accepted native socket
 * @property {() => Error} refusal why it accepts no more, where `close` is not told
 * @property {(failure: object) => Error} toError makes an error of what the engine tells
 */

class ListenerCore {
  #handle = null
  #context = null
  #anchor = null
  #outcome = new Outcome()
  #profile
  /** 'opening', 'open' or 'over'. */
  #state = 'opening'
  /** Calls of `accept` that wait, the first first. */
  #waiting = []
  #whenOver

  /**
   * @param bind makes the native listener, on demand; what it throws is what the promises reject with
   * @param {ListenerProfile} profile
   * @param whenOver called when it is over, before any promise tells, with what it failed by, if it did
   */
  constructor(bind, profile, whenOver) {
    this.#profile = profile
    this.#whenOver = whenOver
    let handle
    try {
      handle = bind()
    } catch (error) {
      runSoon(() => this.#end(error))
      return
    }
    this.#handle = handle
    this.#context = new Context('TCPSERVERSOCKET', handle)
    this.#anchor = new Anchor(this, handle, profile.name, this.#outcome.whenLost)
    runSoon(() => this.#open())
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

  keepAlive(keep) {
    this.#context?.keepAlive(keep)
  }

  /** The next connection. It rejects when this is closed, or fails, before there is one. */
  accept() {
    const next = deferred()
    this.#waiting[this.#waiting.length] = next
    if (this.#handle !== null) {
      this.#anchor.hold(this, true)
      this.#handle.demand()
    }
    return next.promise
  }

  /** Stops listening: the port is free when this returns. Calls of `accept` reject with `reason`. Returns `closed`, which fulfils. */
  close(reason = this.#profile.refusal()) {
    if (this.#state !== 'over') this.#finish(reason, undefined)
    return this.closed
  }

  #open() {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#outcome.open(this.#profile.toInfo(this.#handle))
    this.#anchor.hold(this, this.#waiting.length > 0)
  }

  [receive](kind, a, b, c) {
    this.#context.run(this.#receive, this, kind, a, b, c)
  }

  #receive(kind, a, b, c) {
    if (kind === EventKind.Accepted) this.#accepted(a, b, c)
    else if (kind === EventKind.Failed) this.#end(this.#profile.toError(a))
  }

  #accepted(socket, host, port) {
    const next = ArrayPrototypeShift(this.#waiting)
    this.#anchor.hold(this, this.#waiting.length > 0)
    next.resolve(this.#profile.toConnection(socket, host, port))
  }

  #end(error) {
    if (this.#state !== 'over') this.#finish(error, error)
  }

  #finish(reason, error) {
    this.#state = 'over'
    if (this.#handle !== null) {
      this.#anchor.letGo()
      detach(this.#handle.id)
      this.#handle.close()
      this.#context.closed()
      this.#handle = null
    }
    this.#whenOver(error)
    this.#outcome.refuse(reason)
    for (let i = 0; i < this.#waiting.length; i++) this.#waiting[i].reject(reason)
    this.#waiting = []
    this.#outcome.settle(error)
  }
}

module.exports = { ListenerCore }
