'use strict'

// Promises that are settled from outside. In Node.js a rejection that nobody handles ends the process, where a browser prints a line: what
// an event settles must not end a program that goes by another one.

const { Promise, PromisePrototypeThen } = require('./builtins.js')

const nothing = () => {}

/** `{ promise, resolve, reject }` */
function deferred() {
  const made = { __proto__: null }
  made.promise = new Promise((resolve, reject) => {
    made.resolve = resolve
    made.reject = reject
  })
  return made
}

/** That `promise` is rejected ends no process, whether anybody looks or not. Returns it. */
function handled(promise) {
  PromisePrototypeThen(promise, undefined, nothing)
  return promise
}

module.exports = { deferred, handled, nothing }
