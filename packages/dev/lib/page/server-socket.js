'use strict'

// A listener as the native binding has it (`TCPServerSocket` of binding.d.ts), over the bridge.

const { FACT, ORDER } = require('../bridge/protocol.js')
const { call, newId, order, receive } = require('./connection.js')
const { EventKind } = require('./event-kind.js')
const { makeAcceptedSocket } = require('./socket.js')

class TCPServerSocket {
  #id = newId()
  #channel
  #asStrings
  #isSecure
  #isClosed = false
  localAddress
  localPort
  failedHandshakes = 0

  constructor(channel, { asStrings, ...place }, tls) {
    this.#channel = channel
    this.#asStrings = asStrings
    this.#isSecure = tls !== undefined
    const { localAddress, localPort } = call({ op: 'listen', id: this.#id, place, tls: tls?.number ?? 0 })
    this.localAddress = localAddress
    this.localPort = localPort
    receive(this.#id, this)
  }

  get id() {
    return this.#id
  }

  /** A fact came. */
  take(kind, content) {
    if (kind === FACT.FailedHandshakes) this.failedHandshakes = content
    else if (kind === FACT.Accepted) this.#accept(content)
    else if (kind === FACT.Failed) this.lost(content)
  }

  #accept({ host, port, ...accepted }) {
    const socket = makeAcceptedSocket(this.#channel, this.#asStrings, this.#isSecure, accepted)
    if (this.#isClosed) socket.closeImmediately()
    else this.#channel.dispatch(this.#id, EventKind.Accepted, socket, host, port)
  }

  lost(failure) {
    if (!this.#isClosed) this.#channel.dispatch(this.#id, EventKind.Failed, failure)
  }

  /** The port is free a moment later: Node.js has to be told. What was accepted meanwhile is turned away. */
  close() {
    this.#isClosed = true
    order(ORDER.CloseListener, this.#id)
  }

  keepAlive() {}
}

module.exports = { TCPServerSocket }
