'use strict'

// A promise that is settled from outside, once, and that nobody has to look at: in Node.js a rejection that nobody handles ends the
// process, where a browser prints a line. What is settled by an event must not end a program that goes by another one.

const { Promise, PromisePrototypeThen } = require('./builtins.js')

const ignore = () => {}

class Settlement {
  #fulfil
  #reject
  promise

  constructor() {
    this.promise = new Promise((fulfil, reject) => {
      this.#fulfil = fulfil
      this.#reject = reject
    })
    PromisePrototypeThen(this.promise, undefined, ignore)
  }

  fulfil(value) {
    this.#fulfil(value)
  }

  reject(reason) {
    this.#reject(reason)
  }
}

module.exports = { Settlement }
