'use strict'

// A connection as the native binding has it (`TCPSocket` of binding.d.ts), over the bridge.

const { FACT, ORDER } = require('../bridge/protocol.js')
const { forget, newId, order, receive } = require('./connection.js')
const { EventKind } = require('./event-kind.js')
const { Incoming } = require('./incoming.js')
const { Outgoing } = require('./outgoing.js')
const { task } = require('./tasks.js')
const { detailsOf } = require('./tls.js')

/** Live sockets, by number: for what is sent in a turn. */
const sockets = new Map()

let makeAcceptedSocket

class TCPSocket {
  #id
  #channel
  #asStrings
  #incoming
  #outgoing
  #ends = null
  #tls = null
  #isClient
  /** From now on only bytes that came through TLS may be delivered. */
  #isSecure
  #wantsDrained = false
  /** `Closed` or `Failed` was told, or the socket was given back. */
  #isOver = false
  /** It was told to close: nobody wants bytes any more. */
  #isClosing = false

  constructor(channel, options, tls) {
    this.#channel = channel
    if (options.accepted === undefined) {
      const { host, port, asStrings, local, givenUp } = options
      this.#begin(newId(), asStrings, true, tls !== undefined)
      order(ORDER.Connect, this.#id, { host, port, local, givenUp, tls: tls?.number ?? 0 })
    } else {
      const { id, ends, tls: details } = options.accepted
      this.#begin(id, options.asStrings, false, options.isSecure)
      this.#ends = ends
      this.#tls = details
    }
    receive(this.#id, this)
  }

  #begin(id, asStrings, isClient, isSecure) {
    this.#id = id
    this.#asStrings = asStrings
    this.#isClient = isClient
    this.#isSecure = isSecure
    this.#incoming = new Incoming(id, (kind, content) => this.#deliver(kind, content))
    this.#outgoing = new Outgoing(id)
    sockets.set(id, this)
  }

  get id() {
    return this.#id
  }

  get unwritten() {
    return this.#outgoing.unwritten
  }

  ends() {
    return this.#ends
  }

  tlsDetails() {
    return this.#tls === null ? null : detailsOf(this.#tls)
  }

  /** Node.js keeps it, under the number of the socket. */
  tlsSession() {
    return this.#tls !== null && this.#isClient ? this.#id : null
  }

  /** A fact came. */
  take(kind, content) {
    if (this.#isOver) return
    if (kind === FACT.Written) {
      this.#outgoing.wrote(content)
      if (this.#wantsDrained) this.#reportDrained()
      return
    }
    if (kind === FACT.Secured) {
      this.#tls = content
      return
    }
    if ((kind === FACT.Data || kind === FACT.Ended) && this.#isClosing) return
    this.#incoming.add(kind, content)
  }

  /** The bridge is closed. */
  lost(failure) {
    if (this.#isOver) return
    this.#incoming.discardData()
    this.#incoming.add(FACT.Failed, failure)
  }

  #deliver(kind, content) {
    if (this.#isOver) return
    switch (kind) {
      case FACT.Opened:
        this.#ends = content.ends
        this.#tls = content.tls
        return this.#channel.dispatch(this.#id, EventKind.Opened)
      case FACT.Data:
        if (this.#isSecure && content[0] === 0) return this.#failAsInjected()
        return this.#channel.dispatch(this.#id, EventKind.Data, this.#value(content.subarray(1)))
      case FACT.Ended:
        return this.#channel.dispatch(this.#id, EventKind.Ended)
      case FACT.Closed:
        this.#over()
        return this.#channel.dispatch(this.#id, EventKind.Closed)
      case FACT.Failed:
        this.#over()
        return this.#channel.dispatch(this.#id, EventKind.Failed, content)
    }
  }

  /** What came in the clear before TLS began, and had not been delivered when it was asked for, must not look as if TLS had brought it. */
  #failAsInjected() {
    order(ORDER.CloseImmediately, this.#id)
    this.#over()
    this.#channel.dispatch(this.#id, EventKind.Failed, {
      name: 'SecurityError',
      class: 'SecurityProtocol',
      code: 0x805a1fff,
      detail: 'the peer sent bytes in the clear behind what TLS was begun for',
    })
  }

  #value(bytes) {
    if (!this.#asStrings) return bytes.slice().buffer
    let text = ''
    for (let at = 0; at < bytes.length; at += 8192)
      text += String.fromCharCode(...bytes.subarray(at, at + 8192))
    return text
  }

  #over() {
    this.#isOver = true
    sockets.delete(this.#id)
    forget(this.#id)
  }

  /** Tells the facade once, in a task of its own, when everything is written. */
  #reportDrained() {
    if (this.unwritten > 0) return
    this.#wantsDrained = false
    task(() => {
      if (!this.#isOver) this.#channel.dispatch(this.#id, EventKind.Drained)
    })
  }

  setConnectTimeout(milliseconds) {
    order(ORDER.ConnectTimeout, this.#id, milliseconds)
  }

  setIdleTimeout(milliseconds) {
    order(ORDER.IdleTimeout, this.#id, milliseconds)
  }

  /** Accepts a copy. */
  stage(bytes, start, end) {
    if (start < end) this.#outgoing.add(bytes.slice(start, end))
  }

  /** Passes on what was accepted. Returns what is not written. */
  flush(reportDrained) {
    this.#outgoing.flush()
    this.#wantsDrained = reportDrained
    if (reportDrained) this.#reportDrained()
    return this.unwritten
  }

  suspend() {
    this.#incoming.suspend()
    order(ORDER.Suspend, this.#id)
  }

  resume() {
    order(ORDER.Resume, this.#id)
    this.#incoming.resume()
  }

  upgrade(tls) {
    this.#isSecure = true
    if (this.#incoming.hasData) {
      // The first of them says what is wrong.
      this.#incoming.resume()
      return
    }
    this.#outgoing.thenOrder(() => order(ORDER.Upgrade, this.#id, tls.number))
  }

  close() {
    this.#isClosing = true
    this.#incoming.discardData()
    this.#outgoing.thenOrder(() => order(ORDER.Close, this.#id))
  }

  closeImmediately() {
    this.#isClosing = true
    this.#incoming.discardData()
    this.#outgoing.discard()
    order(ORDER.CloseImmediately, this.#id)
  }

  abort() {
    this.#isClosing = true
    this.#outgoing.discard()
    order(ORDER.Abort, this.#id)
  }

  reportClosed() {
    task(() => this.#channel.dispatch(this.#id, EventKind.Closed))
  }

  /** What was accepted before `close()` is still passed on: so the numbers are kept until Node.js says that it is closed. */
  release() {}

  keepAlive() {}

  static {
    makeAcceptedSocket = (channel, asStrings, isSecure, accepted) =>
      new TCPSocket(channel, { asStrings, isSecure, accepted })
  }
}

module.exports = { TCPSocket, makeAcceptedSocket, sockets }
