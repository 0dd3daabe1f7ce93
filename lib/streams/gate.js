'use strict'

// What has to wait until a connection is open. One that is to become TLS first is shut: nothing passes before that.

class Gate {
  #isShut
  #waiting = []

  /** @param isShut nothing passes before `open()` */
  constructor(isShut) {
    this.#isShut = isShut
  }

  get isShut() {
    return this.#isShut
  }

  /** Does `action` now, or when it is no longer shut, in order. */
  pass(action) {
    if (this.#isShut) this.whenOpen(action)
    else action()
  }

  /** Does `action` at `open()`, which is yet to come. */
  whenOpen(action) {
    this.#waiting[this.#waiting.length] = action
  }

  open() {
    this.#isShut = false
    const due = this.#waiting
    this.#waiting = []
    for (let i = 0; i < due.length; i++) due[i]()
  }
}

module.exports = { Gate }
