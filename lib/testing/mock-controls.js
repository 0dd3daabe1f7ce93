'use strict'

// What a test drives a mock socket or server with: `socket.mock`, `server.mock`.

const { inspect } = require('node:util')

const { failureOf } = require('./failures.js')
const { toBytes, toOptions, toPort } = require('./values.js')

class SocketControl {
  #socket
  #handle
  /** Bytes that `send` accepted. */
  #sent = []

  constructor(socket, handle) {
    this.#socket = socket
    this.#handle = handle
  }

  /** For the mock: `send` accepted these bytes. */
  record(bytes) {
    if (bytes !== null) this.#sent.push(bytes)
  }

  /** All that `send` accepted, as a byte string. */
  get sent() {
    return this.sentBytes.toString('latin1')
  }

  /** The same as a Buffer. */
  get sentBytes() {
    return Buffer.concat(this.#sent)
  }

  /** Forgets what was sent, and returns it as a byte string. */
  takeSent() {
    const { sent } = this
    this.#sent = []
    return sent
  }

  /** Whether `suspend()` is in effect. */
  get isSuspended() {
    return this.#handle.isSuspended
  }

  /** Milliseconds, as options or `transport` have set them. */
  get timeouts() {
    const { connectTimeout: connect, idleTimeout: idle } = this.#handle
    return { connect, idle }
  }

  /** The connection is there: `open` fires. `tls` is what `socket.tls` tells, where that is secure. */
  open(options = {}) {
    const { tls, ...ends } = toOptions('open', options, [
      'tls',
      'localAddress',
      'localPort',
      'remoteAddress',
      'remotePort',
    ])
    this.#require('open', ['connecting'])
    this.#handle.opened({ ends, tls })
    this.#handle.report(this.#handle.kinds.Opened)
    return this
  }

  /** These bytes come: `data` fires, while suspended later. */
  data(data) {
    const bytes = toBytes('data', data)
    this.#require('data', ['open', 'closing'])
    if (bytes.length === 0) throw new RangeError('data: there is nothing in no bytes')
    const { asStrings } = this.#handle
    this.#handle.arrive(
      this.#handle.kinds.Data,
      asStrings ? bytes.toString('latin1') : new Uint8Array(bytes).buffer,
    )
    return this
  }

  /** What is sent stays pending from now on, until `drain()`. */
  hold() {
    this.#handle.isHeld = true
    return this
  }

  /** What is pending is written. Resolves when that is so, and `drain` has fired where it was due. */
  drain() {
    this.#require('drain', ['open', 'closing'])
    this.#handle.isHeld = false
    return this.#handle.drained()
  }

  /** The connection fails: `error` fires, and `close` in a task of its own. */
  error(name, options = {}) {
    const failure = failureOf(name, toOptions('error', options, ['message', 'code', 'reason']))
    this.#require('error', ['connecting', 'open', 'closing'])
    this.#handle.report(this.#handle.kinds.Failed, failure)
    return this
  }

  /**
   * The peer ends: `close` fires, as soon as nothing is pending. Where the application has closed already, that is complete now,
   * and `close` fires.
   */
  close() {
    this.#require('close', ['open', 'closing'])
    if (this.#socket.readyState === 'closing') this.#handle.closed()
    else this.#handle.arrive(this.#handle.kinds.Ended)
    return this
  }

  #require(name, states) {
    const { readyState } = this.#socket
    if (states.includes(readyState)) return
    throw new Error(
      `mock.${name}(): the socket is "${readyState}", and must be ${states.map((each) => `"${each}"`).join(' or ')}`,
    )
  }

  [inspect.custom]() {
    return `SocketControl ${inspect({ readyState: this.#socket.readyState, sent: this.sent })}`
  }
}

class ServerControl {
  #handle
  #accept

  constructor(handle, accept) {
    this.#handle = handle
    this.#accept = accept
  }

  /** A client connects: `connect` fires. Returns the socket that was accepted, whose `mock` is the client's side. */
  connect(options = {}) {
    const { host = '127.0.0.1', port } = toOptions('connect', options, ['host', 'port'])
    if (port !== undefined) toPort('connect: port', port, 1)
    this.#require('connect')
    return this.#accept({ host, port })
  }

  /** The listener fails: it is closed, and `error` fires. */
  error(name, options = {}) {
    const failure = failureOf(name, toOptions('error', options, ['message', 'code', 'reason']))
    this.#require('error')
    this.#handle.report(this.#handle.kinds.Failed, failure)
    return this
  }

  #require(name) {
    if (this.#handle.isClosed) throw new Error(`mock.${name}(): the server is closed`)
  }
}

class UdpControl {
  #socket
  #handle

  constructor(socket, handle) {
    this.#socket = socket
    this.#handle = handle
  }

  /** `{ data, remoteAddress, remotePort }` of each datagram that was sent. */
  get sent() {
    return [...this.#handle.sent]
  }

  /** The multicast groups that were joined, and not left again. */
  get groups() {
    return [...this.#handle.groups]
  }

  /** A datagram comes: `message` fires. */
  message(data, options = {}) {
    const bytes = toBytes('message', data)
    const { remoteAddress = '127.0.0.1', remotePort = 9 } = toOptions('message', options, [
      'remoteAddress',
      'remotePort',
    ])
    toPort('message: remotePort', remotePort, 1)
    this.#require('message')
    this.#handle.arrive(new Uint8Array(bytes).buffer, remoteAddress, remotePort)
    return this
  }

  /** It fails: it is closed, and `closed` rejects. */
  error(name, options = {}) {
    const failure = failureOf(name, toOptions('error', options, ['message', 'code', 'reason']))
    this.#require('error')
    this.#handle.report(this.#handle.kinds.Failed, failure)
    return this
  }

  #require(name) {
    const { readyState } = this.#socket
    if (readyState !== 'open')
      throw new Error(`mock.${name}(): the socket is "${readyState}", and must be "open"`)
  }
}

module.exports = { ServerControl, SocketControl, UdpControl }
