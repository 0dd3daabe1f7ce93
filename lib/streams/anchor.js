'use strict'

// What keeps a socket of streams from collection, and what happens when it is collected. The engine's events find their socket by its anchor.
// While the socket waits for one of them the anchor holds it, because a program may have nothing else of it than the promise that it
// awaits. A socket that waits for nothing belongs to whoever has it or one of its streams: when nobody does it can never be used again, so it is closed, with a warning.

const {
  FinalizationRegister,
  FinalizationRegistry,
  FinalizationUnregister,
  WeakRef,
  WeakRefDeref,
} = require('./builtins.js')
const { attach, detach, receive } = require('../channel.js')
const { EventKind } = require('../platform/native.js')
const { emitWarning } = require('../platform/process.js')

const collected = new FinalizationRegistry((anchor) => anchor.lost())

class Anchor {
  #handle
  #what
  #whenLost
  #weak
  /** The owner, while it waits for an event. */
  #held

  /**
   * @param owner whose `[receive]` takes the events
   * @param handle a native socket, listener or datagram socket
   * @param what what a warning calls it
   * @param whenLost called when the owner was collected and the handle is closed. It must not refer to the owner.
   */
  constructor(owner, handle, what, whenLost) {
    this.#handle = handle
    this.#what = what
    this.#whenLost = whenLost
    this.#held = owner
    this.#weak = new WeakRef(owner)
    FinalizationRegister(collected, owner, this, this)
    attach(handle.id, this)
  }

  /** `isWaiting`: for an event, so that `owner` is held until it has come. */
  hold(owner, isWaiting) {
    this.#held = isWaiting ? owner : null
  }

  /** The owner has no use for the handle any more: no event comes here. */
  letGo() {
    this.#held = this.#handle = this.#whenLost = null
    // A registry keeps what it will call with, and by way of an error that `closed` rejects with perhaps the owner.
    FinalizationUnregister(collected, this)
  }

  [receive](kind, a, b, c) {
    const owner = this.#held ?? WeakRefDeref(this.#weak)
    if (owner !== undefined) owner[receive](kind, a, b, c)
    else if (kind === EventKind.Closed || kind === EventKind.Failed) this.#over()
  }

  /** The owner was collected. */
  lost() {
    if (this.#handle === null) return
    emitWarning(
      `${this.#what} was dropped without being closed, and is closed now: nobody can use it any more.`,
      {
        code: 'MOZ_TCP_SOCKET_DROPPED',
      },
    )
    this.#handle.close()
    // Listeners and datagram sockets are closed at once, and tell nothing more.
    if (this.#handle.release === undefined) this.#over()
  }

  #over() {
    const handle = this.#handle
    if (handle === null) return
    this.#handle = null
    detach(handle.id)
    handle.release?.()
    this.#whenLost()
  }
}

module.exports = { Anchor }
