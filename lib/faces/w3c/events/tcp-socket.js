'use strict'

// TCPSocket of the draft "Raw Socket API" of 2013, which has events where the later one has streams.

const { eventChannel, attach, closeAtOnce, detach, receive } = require('../../../channel.js')
const { Context } = require('../../../context.js')
const { requireArguments, toText } = require('../../../convert.js')
const { domException } = require('../../../dom-exceptions.js')
const { HandlerTarget, defineInterface, retire } = require('../../../event-target.js')
const { Outbox } = require('../../../outbox.js')
const native = require('../../../platform/native.js')
const { causeOf } = require('../../../streams/causes.js')
const { requirePermission } = require('../permissions.js')
const { requireLocal, toPort, toRemoteHost } = require('../places.js')
const { toClientOptions } = require('../tcp-options.js')
const { whenAborted } = require('../../../aborts.js')
const { MessageEvent, dispatch, tell } = require('./classes.js')
const { errorEvent, typeOf } = require('./error-events.js')
const { SendOrder, toPayload } = require('./payloads.js')

const { EventKind } = native

const EVENTS = { handlers: ['open', 'data', 'drain', 'error', 'close'], answered: [] }

/** More than this many bytes pending, and `send` answers false: it is time to wait for `drain`. */
const HIGH_WATER = 65_536

/** Passed to the constructor in place of an address: makes a socket of a connection that was accepted. */
const ACCEPTED = Symbol('accepted')

/** The socket of a native one, which a listener accepted. */
let makeAccepted

class TCPSocket extends HandlerTarget {
  /** The native socket; `null` when it is closed. */
  #native = null
  #context
  #outbox = null
  #order = new SendOrder()
  #readyState = 'opening'
  #remoteAddress
  #remotePort
  #localAddress = null
  #localPort = null
  #addressReuse = true
  #noDelay = true
  #drainDue = false
  #peerEnded = false
  /** `halfclose()` was called while it connected. */
  #endsWhenOpen = false
  /** A send has failed: later ones are ignored. */
  #hasFailed = false
  /** It was given up: that it fails as well is no news. */
  #isGivenUp = false
  #unfollow = null

  constructor(remoteAddress, remotePort, options = undefined) {
    super(EVENTS)
    if (remoteAddress === ACCEPTED) return
    requireArguments('TCPSocket constructor', arguments.length, 2)
    this.#remoteAddress = toText(remoteAddress, 'remoteAddress')
    this.#remotePort = toPort(remotePort, 'remotePort')
    const made = toClientOptions(options)
    requirePermission(
      'tcp',
      { remoteAddress: this.#remoteAddress, remotePort: this.#remotePort },
      'TCPSocket',
    )
    const host = toRemoteHost(this.#remoteAddress)
    if (made.localAddress !== null) requireLocal(made.localAddress, host)
    this.#connect(host, made)
  }

  #connect(host, { localAddress, localPort, addressReuse, noDelay, tuning, signal, givenUp, toConfig }) {
    this.#localAddress = localAddress
    this.#localPort = localPort
    this.#addressReuse = addressReuse
    this.#noDelay = noDelay
    const address = localAddress ?? undefined
    const local = { __proto__: null, address, port: localPort ?? 0, reuseAddress: addressReuse, tuning }
    const place = {
      __proto__: null,
      host,
      port: this.#remotePort,
      asStrings: false,
      local,
      givenUp: givenUp ? true : undefined,
    }
    this.#adopt(new native.TCPSocket(eventChannel(), place, toConfig?.(host)))
    if (givenUp) {
      this.#readyState = 'closing'
      this.#isGivenUp = true
    } else if (signal) this.#unfollow = whenAborted(signal, () => this.#closeAtOnce())
  }

  #adopt(handle) {
    this.#native = handle
    this.#context = new Context('TCPSOCKET', handle)
    attach(handle.id, this)
  }

  get remoteAddress() {
    return this.#remoteAddress
  }

  get remotePort() {
    return this.#remotePort
  }

  get localAddress() {
    return this.#localAddress
  }

  get localPort() {
    return this.#localPort
  }

  get addressReuse() {
    return this.#addressReuse
  }

  get noDelay() {
    return this.#noDelay
  }

  get readyState() {
    return this.#readyState
  }

  get bufferedAmount() {
    return (this.#outbox?.pending ?? 0) + this.#order.waiting
  }

  /** Answers false where so much is pending that it is time to wait for `drain`. */
  send(data) {
    requireArguments('TCPSocket.send', arguments.length, 1)
    const payload = toPayload(data)
    if (this.#readyState !== 'open') {
      throw domException('InvalidStateError', `send: the socket is ${this.#readyState}`)
    }
    if (this.#hasFailed) return true
    this.#outbox ??= new Outbox(this.#native, this.#native.id)
    this.#order.add(
      payload,
      (bytes) => this.#write(bytes),
      (error) => this.#sendFailed(error),
    )
    const pending = this.bufferedAmount
    if (pending >= HIGH_WATER) this.#drainDue = true
    this.#wantDrain()
    return pending <= HIGH_WATER
  }

  #write(bytes) {
    if (this.#outbox === null || this.#hasFailed) return
    this.#outbox.write(bytes, bytes.length)
    this.#wantDrain()
  }

  #wantDrain() {
    if (this.#drainDue) this.#outbox?.wantDrain()
  }

  close() {
    if (this.#readyState === 'open' || this.#readyState === 'halfclosed') {
      this.#readyState = 'closing'
      this.#order.whenEmpty(() => {
        if (this.#native === null) return
        this.#outbox?.flush()
        this.#native.close()
      })
    } else if (this.#readyState === 'opening') {
      this.#readyState = 'closing'
      this.#isGivenUp = true
      this.#native.abort()
    }
  }

  /** For a signal that aborts, and the end of its window: nothing more is sent. */
  #closeAtOnce() {
    if (this.#readyState === 'opening') return this.close()
    if (this.#native === null || this.#hasFailed) return
    this.#isGivenUp = true
    this.#readyState = 'closing'
    this.#dropQueue()
    this.#native.closeImmediately()
  }

  [closeAtOnce]() {
    this.#closeAtOnce()
  }

  halfclose() {
    if (this.#readyState === 'opening') this.#endsWhenOpen = true
    else if (this.#readyState === 'open') this.#halfClose()
  }

  #halfClose() {
    this.#readyState = 'halfclosed'
    this.#order.whenEmpty(() => {
      if (this.#native === null || this.#readyState !== 'halfclosed') return
      this.#outbox?.flush()
      this.#native.shutdown()
      this.#closeWhenBothEnded()
    })
  }

  suspend() {
    this.#native?.suspend()
  }

  resume() {
    this.#native?.resume()
  }

  ref() {
    this.#context.keepAlive(true)
    return this
  }

  unref() {
    this.#context.keepAlive(false)
    return this
  }

  /** An event of the engine. */
  [receive](kind, detail) {
    this.#context.run(this.#receive, this, kind, detail)
  }

  #receive(kind, detail) {
    switch (kind) {
      case EventKind.Data:
        return this.#onData(detail)
      case EventKind.Opened:
        return this.#onOpened()
      case EventKind.Drained:
        return this.#onDrained()
      case EventKind.Ended:
        this.#peerEnded = true
        return this.#closeWhenBothEnded()
      case EventKind.Failed:
        return this.#onFailed(detail)
      case EventKind.Closed:
        return this.#onClosed()
    }
  }

  #onOpened() {
    if (this.#readyState !== 'opening') return
    this.#readyState = 'open'
    this.#setEnds()
    tell(this, 'open')
    if (this.#endsWhenOpen && this.#readyState === 'open') this.#halfClose()
  }

  #setEnds() {
    const ends = this.#native.ends()
    if (ends === null) return
    this.#localAddress = ends.localAddress
    this.#localPort = ends.localPort
  }

  #onData(data) {
    if (this.#readyState === 'open' || this.#readyState === 'halfclosed') {
      dispatch(this, new MessageEvent('data', { data }))
    }
  }

  #onDrained() {
    if (this.#outbox === null || this.bufferedAmount > 0) return
    this.#outbox.drained()
    if (!this.#drainDue) return this.#closeWhenBothEnded()
    this.#drainDue = false
    tell(this, 'drain')
    // Asked once more, the engine answers in a task of its own.
    if (this.#peerEnded) this.#outbox?.wantDrain()
  }

  /** No event tells that the peer has ended but `close`: so what was sent is delivered, and it closes. */
  #closeWhenBothEnded() {
    if (!this.#peerEnded || (this.#readyState !== 'open' && this.#readyState !== 'halfclosed')) return
    if (this.bufferedAmount > 0 || this.#drainDue) {
      if (this.#order.waiting > 0) this.#order.whenEmpty(() => this.#closeWhenBothEnded())
      else this.#outbox.wantDrain()
    } else {
      this.close()
    }
  }

  /** A Blob that could not be read. */
  #sendFailed(cause) {
    if (this.#native === null || this.#hasFailed) return
    this.#hasFailed = true
    this.#dropQueue()
    this.#fail('tcp_error', cause)
    this.#native.closeImmediately()
  }

  #onFailed(failure) {
    if (this.#hasFailed || this.#isGivenUp) return this.#onClosed()
    this.#hasFailed = true
    const cause = causeOf(failure)
    const wasOpening = this.#readyState === 'opening'
    this.#dropQueue()
    if (wasOpening) this.#release()
    this.#fail(wasOpening ? typeOf(cause) : 'tcp_connection_lost', cause)
    // `close` is a task of its own.
    if (!wasOpening) this.#native?.reportClosed()
  }

  #fail(type, cause) {
    this.#readyState = 'closed'
    dispatch(this, errorEvent(type, cause))
  }

  #dropQueue() {
    this.#outbox?.discard()
    this.#outbox = null
    this.#drainDue = false
  }

  #onClosed() {
    if (this.#native === null) return
    this.#dropQueue()
    this.#release()
    this.#readyState = 'closed'
    tell(this, 'close')
    retire(this)
  }

  #release() {
    const handle = this.#native
    this.#native = null
    this.#unfollow?.()
    this.#unfollow = null
    detach(handle.id)
    handle.release()
    this.#context.closed()
  }

  // Not for applications, so not a static of a public class.
  static {
    makeAccepted = (handle) => {
      const socket = new TCPSocket(ACCEPTED)
      const { remoteAddress, remotePort } = handle.ends() ?? { __proto__: null }
      socket.#remoteAddress = remoteAddress
      socket.#remotePort = remotePort
      socket.#readyState = 'open'
      socket.#adopt(handle)
      socket.#setEnds()
      return socket
    }
  }
}

defineInterface(TCPSocket, {
  handlers: EVENTS.handlers,
  attributes: [
    'remoteAddress',
    'remotePort',
    'localAddress',
    'localPort',
    'addressReuse',
    'noDelay',
    'readyState',
    'bufferedAmount',
  ],
  methods: ['send', 'close', 'halfclose', 'suspend', 'resume'],
})

module.exports = { TCPSocket, makeAccepted }
