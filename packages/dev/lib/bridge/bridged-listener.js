'use strict'

// The part of a page's listener that is in Node.js.

const engine = require('moz-tcp-socket/engine')

const { FACT } = require('./protocol.js')

const { EventKind, TCPServerSocket } = engine.native

/** How often clients are counted whose handshakes failed, in milliseconds: there is no event of the engine's for that. */
const COUNT_EVERY = 100

class BridgedListener {
  #session
  #handle
  #nativeId
  #isSecure
  #counted = 0
  #timer

  /** Binds and listens, or throws what the engine does. */
  constructor(session, id, place, config) {
    this.#session = session
    this.id = id
    this.#handle = new TCPServerSocket(engine.eventChannel(), place, config)
    this.#nativeId = this.#handle.id
    this.#isSecure = config !== undefined
    this.localAddress = this.#handle.localAddress
    this.localPort = this.#handle.localPort
    engine.attach(this.#nativeId, this)
    if (this.#isSecure) this.#timer = setInterval(() => this.#count(), COUNT_EVERY).unref()
  }

  /** An event of the engine. */
  [engine.receive](kind, a, b, c) {
    if (kind === EventKind.Accepted) return this.#session.accept(this, a, b, c, this.#isSecure)
    this.close()
    this.#session.listenerFailed(this, a)
  }

  #count() {
    const { failedHandshakes } = this.#handle
    if (failedHandshakes === this.#counted) return
    this.#counted = failedHandshakes
    this.#session.tell(FACT.FailedHandshakes, this.id, failedHandshakes)
  }

  close() {
    if (this.#handle === null) return
    clearInterval(this.#timer)
    engine.detach(this.#nativeId)
    this.#handle.close()
    this.#handle = null
  }
}

module.exports = { BridgedListener }
