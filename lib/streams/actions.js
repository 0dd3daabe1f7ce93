'use strict'

// What is to be done later, in order.

class Actions {
  #all = []

  add(action) {
    this.#all[this.#all.length] = action
  }

  /** Does it all, once. */
  run() {
    const due = this.#all
    this.#all = []
    for (let i = 0; i < due.length; i++) due[i]()
  }
}

module.exports = { Actions }
