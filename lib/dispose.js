'use strict'

// `using` and `await using`: what closes at the end of a block. Versions of Node without the symbols have no such blocks.

const { Promise } = require('./builtins.js')

const { dispose, asyncDispose } = Symbol

/** Makes instances of `Class` disposable. `whenClosed(instance, callback)` calls back when one that was told to close is closed. */
function makeDisposable(Class, whenClosed) {
  define(Class, dispose, {
    dispose() {
      this.close()
    },
  })
  define(Class, asyncDispose, {
    asyncDispose() {
      return new Promise((resolve) => {
        this.close()
        whenClosed(this, () => resolve())
      })
    },
  })
}

function define(Class, symbol, methods) {
  if (symbol === undefined) return
  const [value] = Object.values(methods)
  Object.defineProperty(Class.prototype, symbol, { value, writable: true, configurable: true })
}

module.exports = { makeDisposable }
