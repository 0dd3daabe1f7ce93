'use strict'

// Promises that are settled from outside.

const { Promise, uncurryThis } = require('../builtins.js')

const then = uncurryThis(Promise.prototype.then)
const nothing = () => {}

/** `{ promise, resolve, reject }` */
function deferred() {
  const made = {}
  made.promise = new Promise((resolve, reject) => {
    made.resolve = resolve
    made.reject = reject
  })
  return made
}

/** That `promise` is rejected ends no process, whether anybody looks or not. Returns it. */
function handled(promise) {
  then(promise, undefined, nothing)
  return promise
}

module.exports = { deferred, handled, nothing }
