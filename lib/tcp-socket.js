'use strict'

// TCPSocket: the Firefox OS API over one native connection. The engine reports facts (bytes, the peer's end, all
// written, closed, failed); this file alone decides what they mean for `readyState` and which events fire.

const { whenAborted } = require('./aborts.js')
const {
  ArrayBuffer,
  ArrayBufferPrototypeGetByteLength,
  Uint8Array,
  TypedArrayPrototypeGetBuffer,
  clearTimeout,
  setTimeout,
} = require('./builtins.js')
const { payloadLength } = require('./bytes.js')
const { attach, detach, eventChannel, receive } = require('./channel.js')
const { Context } = require('./context.js')
const { requireArguments, toHost, toPayload, toPort, toText } = require('./convert.js')
const { makeDisposable } = require('./dispose.js')
const { errorEvent, reportLater, wrongState } = require('./errors.js')
const { HandlerTarget, defineInterface, fire, retire, whenWanted } = require('./event-target.js')
const { TCPSocketEvent } = require('./events.js')
const native = require('./native.js')
const { refuseLateOptions, toClientUpgrade, toServerUpgrade, toSocketOptions } = require('./options.js')
const { Outbox } = require('./outbox.js')
const { requirePermission } = require('./policy.js')
const { readSessionsWith } = require('./tls-session.js')
const { tlsDetails, wipe } = require('./tls.js')
const { SocketTransport } = require('./transport.js')

const { EventKind } = native

/** More than this many pending bytes, and `send` answers false. Reaching it makes a `drain` due (decision Q-01). */
const HIGH_WATER = 65536

/**
 * How long a socket is held back, in milliseconds. A held socket does not notice that its peer is gone, so a handler that waits
 * for `close` alone would otherwise keep it, and its descriptor, for ever.
 */
const LONGEST_HOLD = 10_000

/** Passed to the constructor in place of a host: makes a socket that was never connected. */
const MAKE = Symbol('make')

/** Makes the facade of a connection that a listener accepted. */
let makeAccepted
let holdBack
let letGo
let whenClosed

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
  /** What `localAddress` and the like tell. `null` until somebody asks, or it is closed. */
  #ends = null
  #bytesRead = 0
  #bytesWritten = 0
  /** Takes back what follows an AbortSignal. */
  #unfollow = null
  /** Calls of `suspend()` without their `resume()`. */
  #suspensions = 0
  /** How long connecting may take, by the options, in milliseconds; 0 is for ever. */
  #connectTimeout = 0
  /** How long the connection may be silent, in milliseconds; 0 is for ever. The engine knows of it unless the socket is held. */
  #idleTimeout = 0
  /** See `holdBack`: the timer that ends it. */
  #hold = null
  /** `drain` is due when nothing is pending. */
  #drainDue = false
  /** The peer will send no more; the socket closes when nothing is pending. */
  #peerEnded = false
  /** The application gave the connection up: that it fails as well is no news (decision Q-09). */
  #unwanted = false
  /** Where handlers run. */
  #context = null
  /** Who waits for the end, see `whenClosed`: functions. */
  #awaiting = null
  #transport = null

  constructor(host, port, options) {
    super()
    if (host === MAKE) return
    requireArguments('TCPSocket constructor', arguments.length, 2)
    requirePermission()
    this.#host = toText(host, 'host')
    const target = toHost(this.#host)
    this.#port = toPort(port, 1)
    this.#connect(target, toSocketOptions(options, target))
  }

  #connect(host, { secure, binaryType, tls, config, local, connectTimeout, idleTimeout, signal, givenUp }) {
    this.#ssl = secure
    this.#binaryType = binaryType
    this.#tlsOptions = tls
    this.#tlsConfig = config
    const place = { host, port: this.#port, asStrings: binaryType === 'string', local, givenUp }
    const channel = eventChannel()
    const unfollow = signal && !givenUp ? whenAborted(signal, () => this.#closeImmediately()) : null
    try {
      const handle = new native.TCPSocket(channel, place, secure ? config : undefined)
      if (connectTimeout > 0) handle.setConnectTimeout(connectTimeout)
      this.#connectTimeout = connectTimeout
      this.#idleTimeout = idleTimeout
      if (idleTimeout > 0) handle.setIdleTimeout(idleTimeout)
      this.#open(givenUp ? 'closing' : 'connecting', handle)
    } catch (error) {
      unfollow?.()
      throw error
    }
    this.#unfollow = unfollow
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

  get localAddress() {
    return this.#readEnds()?.localAddress ?? null
  }

  get localPort() {
    return this.#readEnds()?.localPort ?? null
  }

  get remoteAddress() {
    return this.#readEnds()?.remoteAddress ?? null
  }

  get remotePort() {
    return this.#readEnds()?.remotePort ?? null
  }

  get bytesRead() {
    return this.#bytesRead
  }

  get bytesWritten() {
    return this.#bytesWritten
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

  /** Not enumerable: Gecko had it for its own code alone. */
  get transport() {
    this.#transport ??= new SocketTransport(
      (kind, milliseconds) => this.#setTimeout(kind, milliseconds),
      this.#connectTimeout,
      this.#idleTimeout,
    )
    return this.#transport
  }

  send(data, byteOffset, byteLength) {
    requireArguments('TCPSocket.send', arguments.length, 1)
    const payload = toPayload(data, byteOffset, byteLength, this.#binaryType)
    if (this.#readyState !== 'open') throw wrongState('Socket not open.')
    const length = payloadLength(payload)
    const pending = this.#outbox.write(payload, length)
    this.#bytesWritten += length
    if (pending >= HIGH_WATER && !this.#drainDue) {
      this.#drainDue = true
      this.#outbox.wantDrain()
    }
    return pending <= HIGH_WATER
  }

  suspend() {
    if (this.#suspensions++ === 0 && this.#hold === null) this.#native?.suspend()
  }

  resume() {
    if (this.#suspensions === 0) {
      throw wrongState('Calling resume() on a connection that was not suspended.')
    }
    if (--this.#suspensions === 0 && this.#hold === null) this.#native?.resume()
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
      this.#closeImmediately()
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
    this.#closeImmediately()
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

  /** What `transport.setTimeout` leads to. `kind` is `'connect'` or `'idle'`; 0 milliseconds mean never. */
  #setTimeout(kind, milliseconds) {
    if (kind === 'idle') this.#setIdleTimeout(milliseconds)
    else if (this.#readyState === 'connecting') this.#native.setConnectTimeout(milliseconds)
  }

  #setIdleTimeout(milliseconds) {
    this.#idleTimeout = milliseconds
    if (this.#hold === null) this.#native?.setIdleTimeout(milliseconds)
  }

  /** What a signal leads to, too, whatever an application made of the method. */
  #closeImmediately() {
    // What `close()` still waits to send is given up as well.
    if (this.#readyState === 'open' || (this.#readyState === 'closing' && !this.#unwanted)) {
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
    // It failed, and `close` comes next.
    if (this.#readyState === 'closed' && kind !== EventKind.Closed) return
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
    this.#bytesRead += typeof data === 'string' ? data.length : ArrayBufferPrototypeGetByteLength(data)
    // Memory comes from the main realm; in another one, such as a jsdom sandbox, the class must be its own.
    const foreign = typeof data !== 'string' && !(data instanceof ArrayBuffer)
    this.#fire('data', foreign ? TypedArrayPrototypeGetBuffer(new Uint8Array(new Uint8Array(data))) : data)
  }

  #onDrained() {
    if (this.#outbox === null || this.#outbox.pending > 0) return
    this.#outbox.drained()
    if (this.#drainDue) {
      this.#drainDue = false
      this.#fire('drain')
      // Asked once more, the engine answers in a task of its own: `close` must not come in this one.
      if (this.#peerEnded && this.#readyState === 'open') this.#outbox.wantDrain()
    } else if (this.#peerEnded && this.#readyState === 'open') {
      this.#closeWhenDrained()
    }
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

  /** `error`, and `close` in the next task. Until then the socket stays live: it has an event to come. */
  #onFailed(failure) {
    if (this.#unwanted) return this.#finish()
    this.#end()
    fire(this, 'error', errorEvent(failure))
    try {
      this.#native.reportClosed()
    } catch (thrown) {
      reportLater(thrown)
      this.#finish()
    }
  }

  #finish() {
    this.#end()
    const handle = this.#native
    this.#native = null
    detach(this.#id)
    letGo(this)
    // So that applications can still use them.
    if (this.#ssl) this.#tlsSession = handle.tlsSession()
    handle.release()
    this.#context.end()
    this.#readTls(handle)
    this.#ends ??= handle.ends()
    this.#fire('close')
    this.#unfollow?.()
    this.#unfollow = null
    retire(this)
    const awaiting = this.#awaiting
    this.#awaiting = null
    for (let i = 0; i < (awaiting?.length ?? 0); i++) awaiting[i]()
  }

  /** From here on nothing can be sent or received. */
  #end() {
    this.#readyState = 'closed'
    this.#outbox?.discard()
    this.#outbox = null
    this.#forgetTlsOptions()
  }

  /** Keys may be among them, and applications keep sockets. */
  #forgetTlsOptions() {
    if (this.#tlsOptions !== null) wipe(this.#tlsOptions)
    this.#tlsOptions = this.#tlsConfig = null
  }

  #readEnds() {
    if (this.#native !== null && this.#readyState !== 'connecting') this.#ends ??= this.#native.ends()
    return this.#ends
  }

  #readTls(handle) {
    if (this.#ssl && this.#tls === null) this.#tls = tlsDetails(handle)
  }

  #fire(type, data = '') {
    fire(this, type, new TCPSocketEvent(type, { data }))
  }

  static {
    readSessionsWith((value) => {
      const isSocket = typeof value === 'object' && value !== null && #tlsSession in value
      if (!isSocket) return undefined
      return value.#native === null ? value.#tlsSession : value.#native.tlsSession()
    })

    makeAccepted = (handle, host, port, { binaryType, secure, config, idleTimeout }) => {
      const socket = new TCPSocket(MAKE)
      socket.#host = host
      socket.#port = port
      socket.#binaryType = binaryType
      socket.#ssl = secure
      socket.#accepted = true
      socket.#tlsConfig = config
      socket.#idleTimeout = idleTimeout
      if (idleTimeout > 0) handle.setIdleTimeout(idleTimeout)
      socket.#open('open', handle)
      return socket
    }

    /** Calls `callback` when `close` was fired, also where that was long ago. */
    whenClosed = (socket, callback) => {
      if (socket.#native === null) return callback()
      socket.#awaiting ??= []
      socket.#awaiting[socket.#awaiting.length] = callback
    }

    /**
     * As `suspend()`, which the application knows nothing of, until `letGo`, until somebody listens for `data`, or until
     * LONGEST_HOLD has passed. The peer may be active without being read, so nothing counts as silence meanwhile.
     */
    holdBack = (socket) => {
      if (socket.#hold !== null || socket.#native === null) return
      if (socket.#suspensions === 0) socket.#native.suspend()
      if (socket.#idleTimeout > 0) socket.#native.setIdleTimeout(0)
      socket.#hold = setTimeout(letGo, LONGEST_HOLD, socket).unref()
      whenWanted(socket, 'data', () => letGo(socket))
    }

    letGo = (socket) => {
      if (socket.#hold === null) return
      clearTimeout(socket.#hold)
      socket.#hold = null
      if (socket.#idleTimeout > 0) socket.#native?.setIdleTimeout(socket.#idleTimeout)
      if (socket.#suspensions === 0) socket.#native?.resume()
    }
  }
}

defineInterface(TCPSocket, {
  handlers: ['open', 'drain', 'data', 'error', 'close'],
  attributes: [
    'host',
    'port',
    'ssl',
    'tls',
    'bufferedAmount',
    'binaryType',
    'readyState',
    'localAddress',
    'localPort',
    'remoteAddress',
    'remotePort',
    'bytesRead',
    'bytesWritten',
  ],
  methods: ['send', 'suspend', 'resume', 'upgradeToSecure', 'close', 'closeImmediately', 'ref', 'unref'],
})

makeDisposable(TCPSocket, whenClosed)

module.exports = { TCPSocket, MAKE, holdBack, letGo, makeAccepted }
