'use strict'

// `using` and `await using`: what closes at the end of a block. Versions of Node without the symbols have no such blocks.

const { dispose, asyncDispose } = Symbol

/** Makes instances of `Class` disposable. `closed(instance)` resolves when one that was told to close is closed. */
function makeDisposable(Class, closed) {
  define(Class, dispose, {
    dispose() {
      this.close()
    },
  })
  define(Class, asyncDispose, {
    async asyncDispose() {
      this.close()
      await closed(this)
    },
  })
}

function define(Class, symbol, methods) {
  if (symbol === undefined) return
  const [value] = Object.values(methods)
  Object.defineProperty(Class.prototype, symbol, { value, writable: true, configurable: true })
}

module.exports = { makeDisposable }
