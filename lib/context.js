'use strict'

// The asynchronous context of a live socket or listener: handlers run in the context of the code that made it, so that
// AsyncLocalStorage and test runners can tell whose event it is. Tools that look for open handles ask `hasRef`.

const { uncurryThis } = require('./builtins.js')
const { reportThrown } = require('./exceptions.js')
const { AsyncResource } = require('./platform/async.js')

const runInAsyncScope = uncurryThis(AsyncResource.prototype.runInAsyncScope)

class Context extends AsyncResource {
  #handle
  #keepsAlive = true

  /** @param handle the native socket or listener */
  constructor(type, handle) {
    super(type)
    this.#handle = handle
  }

  /** Runs `self`'s answer to an event of the engine, with its details. What handlers throw meanwhile is reported afterwards. */
  run(answer, self, a, b, c, d) {
    runInAsyncScope(this, answer, self, a, b, c, d)
    reportThrown()
  }

  /** Whether the process stays alive for the socket. Without effect when it is closed. */
  keepAlive(keep) {
    if (this.#handle === null) return
    this.#handle.keepAlive(keep)
    this.#keepsAlive = keep
  }

  /** The socket is closed. */
  closed() {
    this.#handle = null
    this.#keepsAlive = false
  }

  hasRef() {
    return this.#keepsAlive
  }
}

module.exports = { Context }
