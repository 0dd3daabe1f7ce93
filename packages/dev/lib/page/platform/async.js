'use strict'

// Browsers have no asynchronous contexts.

class AsyncResource {
  runInAsyncScope(callback, self, ...args) {
    return Reflect.apply(callback, self, args)
  }
}

module.exports = { AsyncResource }
