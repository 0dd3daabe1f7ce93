'use strict'

// The asynchronous context of a socket or listener: handlers run in the context of the code that made it, so that
// AsyncLocalStorage and test runners can tell whose event it is. Tools that look for open handles ask `hasRef`.

const { AsyncResource } = require('node:async_hooks')

class Context extends AsyncResource {
  /** The socket is open and keeps the process alive. */
  alive = true

  hasRef() {
    return this.alive
  }
}

module.exports = { Context }
