'use strict'

// TCPSocket: the Firefox OS API over one native connection. The engine reports facts (bytes, the peer's end, all
// written, closed, failed); this file alone decides what they mean for `readyState` and which events fire.

const { attach, detach, eventChannel, receive } = require('./channel.js')
const { Context } = require('./context.js')
const { requireArguments, toHost, toPayload, toPort, toText } = require('./convert.js')
const { errorEvent, wrongState } = require('./errors.js')
const { HandlerTarget, defineInterface, fire } = require('./event-target.js')
const { TCPSocketEvent } = require('./events.js')
const native = require('./native.js')
const { refuseLateOptions, toClientUpgrade, toServerUpgrade, toSocketOptions } = require('./options.js')
const { Outbox } = require('./outbox.js')
const { requirePermission } = require('./policy.js')
const { readSessionsWith } = require('./tls-session.js')
const { tlsDetails, wipe } = require('./tls.js')

const { EventKind } = native

/** More than this many pending bytes, and `send` answers false. Reaching it makes a `drain` due (decision Q-01). */
const HIGH_WATER = 65536

/** Passed to the constructor in place of a host: makes a socket that was never connected. */
const MAKE = Symbol('make')

/** Makes the facade of a connection that a listener accepted. */
let makeAccepted

class TCPSocket extends HandlerTarget {
  #host = ''
  #port = 0
  #ssl = false
  #binaryType = 'string'
  #readyState = 'closed'
  #native = null
  /** Names `#native` to the engine. */
  #id = 0
  #outbox = null
  #accepted = false
  /** The TLS options it was made with, and what the engine made of them, or of the listener's. */
  #tlsOptions = null
  #tlsConfig
  #tls = null
  /** What `sessionFrom` of others takes up, when the socket is closed. */
  #tlsSession = null
  #suspensions = 0
  /** `drain` is due when nothing is pending. */
  #drainDue = false
  /** The peer will send no more; the socket closes when nothing is pending. */
  #peerEnded = false
  /** The application gave the connection up: that it fails as well is no news (decision Q-09). */
  #unwanted = false
  /** Where handlers run. */
  #context = null

  constructor(host, port, options) {
    super()
    if (host === MAKE) return
    requireArguments('TCPSocket constructor', arguments.length, 2)
    requirePermission()
    this.#host = toText(host, 'host')
    const target = toHost(this.#host)
    this.#port = toPort(port, 1)
    const { secure, binaryType, tls, config } = toSocketOptions(options, target)
    this.#ssl = secure
    this.#binaryType = binaryType
    this.#tlsOptions = tls
    this.#tlsConfig = config
    const place = { host: target, port: this.#port, asStrings: binaryType === 'string' }
    this.#open('connecting', new native.TCPSocket(eventChannel(), place, secure ? config : undefined))
  }

  get host() {
    return this.#host
  }

  get port() {
    return this.#port
  }

  get ssl() {
    return this.#ssl
  }

  get tls() {
    if (this.#native !== null) this.#readTls(this.#native)
    return this.#tls
  }

  get bufferedAmount() {
    return this.#outbox?.pending ?? 0
  }

  get binaryType() {
    return this.#binaryType
  }

  get readyState() {
    return this.#readyState
  }

  send(data, byteOffset, byteLength) {
    requireArguments('TCPSocket.send', arguments.length, 1)
    const payload = toPayload(data, byteOffset, byteLength, this.#binaryType)
    if (this.#readyState !== 'open') throw wrongState('Socket not open.')
    const pending = this.#outbox.write(payload)
    if (pending >= HIGH_WATER && !this.#drainDue) {
      this.#drainDue = true
      this.#outbox.wantDrain()
    }
    return pending <= HIGH_WATER
  }

  suspend() {
    if (this.#suspensions++ === 0) this.#native?.suspend()
  }

  resume() {
    if (this.#suspensions === 0) {
      throw wrongState('Calling resume() on a connection that was not suspended.')
    }
    if (--this.#suspensions === 0) this.#native?.resume()
  }

  upgradeToSecure(options) {
    if (!this.#canUpgrade()) return refuseLateOptions(options, this.#accepted)
    const config = this.#accepted
      ? toServerUpgrade(options, this.#tlsConfig)
      : toClientUpgrade(options, {
          made: this.#tlsOptions,
          config: this.#tlsConfig,
          host: toHost(this.#host),
        })
    // A getter of the options may have been here meanwhile.
    if (!this.#canUpgrade()) return
    this.#ssl = true
    this.#forgetTlsOptions()
    try {
      // Not written before the upgrade has begun: the peer's hello, which answers it, must not count as plaintext.
      this.#outbox.stage()
      this.#native.upgrade(config)
    } catch (thrown) {
      // What follows must not leave in the clear.
      this.closeImmediately()
      throw thrown
    }
  }

  close() {
    if (this.#readyState === 'open') {
      this.#readyState = 'closing'
      this.#outbox.flush()
      this.#native.close()
    } else {
      this.#stopConnecting()
    }
  }

  closeImmediately() {
    if (this.#readyState === 'open') {
      this.#readyState = 'closing'
      this.#drainDue = false
      this.#unwanted = true
      this.#outbox.discard()
      this.#outbox = null
      this.#native.closeImmediately()
    } else {
      this.#stopConnecting()
    }
  }

  ref() {
    this.#context?.keepAlive(true)
    return this
  }

  unref() {
    this.#context?.keepAlive(false)
    return this
  }

  #canUpgrade() {
    if (this.#readyState !== 'open') throw wrongState('Socket not open.')
    return !this.#ssl
  }

  #stopConnecting() {
    if (this.#readyState === 'connecting') {
      this.#readyState = 'closing'
      this.#unwanted = true
      this.#native.abort()
    }
  }

  #open(readyState, handle) {
    this.#readyState = readyState
    this.#native = handle
    this.#id = handle.id
    this.#outbox = new Outbox(handle, this.#id)
    this.#context = new Context('TCPSOCKET', handle)
    attach(this.#id, this)
  }

  /** @internal An event of the engine. */
  [receive](kind, detail) {
    this.#context.run(this.#receive, this, kind, detail)
  }

  #receive(kind, detail) {
    switch (kind) {
      case EventKind.Data:
        return this.#onData(detail)
      case EventKind.Opened:
        if (this.#readyState !== 'connecting') return
        this.#readyState = 'open'
        return this.#fire('open')
      case EventKind.Drained:
        return this.#onDrained()
      case EventKind.Ended:
        this.#peerEnded = true
        return this.#closeWhenDrained()
      case EventKind.Closed:
        return this.#finish()
      case EventKind.Failed:
        return this.#onFailed(detail)
    }
  }

  #onData(data) {
    if (this.#readyState !== 'open') return
    // Memory comes from the main realm; in another one, such as a jsdom sandbox, the class must be its own.
    const foreign = typeof data !== 'string' && !(data instanceof ArrayBuffer)
    this.#fire('data', foreign ? new Uint8Array(new Uint8Array(data)).buffer : data)
  }

  #onDrained() {
    if (this.#outbox === null || this.#outbox.pending > 0) return
    this.#outbox.drained()
    if (this.#drainDue) {
      this.#drainDue = false
      this.#fire('drain')
    }
    if (this.#peerEnded && this.#readyState === 'open') this.#closeWhenDrained()
  }

  /** The peer ended: what was accepted is still delivered, a drain that is due comes, then the socket closes. */
  #closeWhenDrained() {
    if (this.#outbox.pending > 0 || this.#drainDue) {
      this.#outbox.wantDrain()
      return
    }
    this.#native.close()
    this.#finish()
  }

  #onFailed(failure) {
    const event = errorEvent(failure)
    this.#release()
    if (!this.#unwanted) fire(this, event)
    this.#fire('close')
  }

  #finish() {
    this.#release()
    this.#fire('close')
  }

  #release() {
    const handle = this.#native
    this.#readyState = 'closed'
    detach(this.#id)
    this.#native.release()
    this.#outbox?.discard()
    this.#outbox = this.#native = null
    this.#forgetTlsOptions()
    this.#context.end()
    // So that applications can still use them.
    this.#readTls(handle)
    if (this.#ssl) this.#tlsSession = handle.tlsSession()
  }

  /** Keys may be among them, and applications keep sockets. */
  #forgetTlsOptions() {
    if (this.#tlsOptions !== null) wipe(this.#tlsOptions)
    this.#tlsOptions = this.#tlsConfig = null
  }

  #readTls(handle) {
    if (this.#ssl && this.#tls === null) this.#tls = tlsDetails(handle)
  }

  #fire(type, data = '') {
    fire(this, new TCPSocketEvent(type, { data }))
  }

  static {
    readSessionsWith((value) => {
      const isSocket = typeof value === 'object' && value !== null && #tlsSession in value
      if (!isSocket) return undefined
      return value.#native === null ? value.#tlsSession : value.#native.tlsSession()
    })

    makeAccepted = (handle, host, port, { binaryType, secure, config }) => {
      const socket = new TCPSocket(MAKE)
      socket.#host = host
      socket.#port = port
      socket.#binaryType = binaryType
      socket.#ssl = secure
      socket.#accepted = true
      socket.#tlsConfig = config
      socket.#open('open', handle)
      return socket
    }
  }
}

defineInterface(TCPSocket, {
  handlers: ['open', 'drain', 'data', 'error', 'close'],
  attributes: ['host', 'port', 'ssl', 'tls', 'bufferedAmount', 'binaryType', 'readyState'],
  methods: ['send', 'suspend', 'resume', 'upgradeToSecure', 'close', 'closeImmediately', 'ref', 'unref'],
})

module.exports = { TCPSocket, MAKE, makeAccepted }
