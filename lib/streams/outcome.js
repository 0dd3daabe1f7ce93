'use strict'

// What became of a connection, a listener or a datagram socket: its promises `opened` and `closed`.

const { deferred, handled } = require('../promises.js')

class Outcome {
  #opened = deferred()
  #closed = deferred()
  /** `{ thrown }`: what `closed` is going to reject with, where that is decided before it is over; it fulfils for `undefined`. */
  #decision = null

  constructor() {
    handled(this.#opened.promise)
    handled(this.#closed.promise)
  }

  get opened() {
    return this.#opened.promise
  }

  get closed() {
    return this.#closed.promise
  }

  /** Fulfils `closed`. It refers to nothing else while that is pending, so that whoever has it keeps nothing from collection. */
  get whenLost() {
    return this.#closed.resolve
  }

  /** It is open. `info` is what `opened` fulfils with. */
  open(info) {
    this.#opened.resolve(info)
  }

  /** It will never be open, unless it is. */
  refuse(error) {
    this.#opened.reject(error)
  }

  /** Whatever happens until it is over, `closed` will reject with `thrown`, or fulfil where that is `undefined`. */
  decide(thrown) {
    this.#decision = { thrown }
  }

  /** The same, unless it is decided already. */
  suggest(thrown) {
    this.#decision ??= { thrown }
  }

  /** It is over. `error` is what failed, if nothing was decided. */
  settle(error) {
    this.suggest(error)
    const { thrown } = this.#decision
    if (thrown === undefined) this.#closed.resolve()
    else this.#closed.reject(thrown)
  }

  /** This came to nothing because of `other`, which is settled. */
  follow(other) {
    this.suggest(other.#decision.thrown)
    this.settle()
  }
}

module.exports = { Outcome }
