'use strict'

// What makes the classes of the draft look like its interfaces, and the one thing that they all have besides: `await using`.

const { PromisePrototypeThen } = require('../../builtins.js')
const { showAttributes } = require('../../interface.js')
const { nothing } = require('../../promises.js')

/** Makes the `attributes` and `methods` of `Class` enumerable, and gives it the name that `toString` shows. */
function shape(Class, attributes, methods) {
  for (const name of [...attributes, ...methods]) {
    Object.defineProperty(Class.prototype, name, { enumerable: true })
  }
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true })
  showAttributes(Class, attributes)
}

/** Lets `await using` close an instance, whose `close()` returns a promise. Why it failed, whoever wants to know asks `closed`. */
function closeAsynchronously(Class) {
  if (Symbol.asyncDispose === undefined) return
  Object.defineProperty(Class.prototype, Symbol.asyncDispose, {
    value: function asyncDispose() {
      return PromisePrototypeThen(this.close(), nothing, nothing)
    },
    writable: true,
    configurable: true,
  })
}

module.exports = { closeAsynchronously, shape }
