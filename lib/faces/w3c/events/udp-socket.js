'use strict'

// UDPSocket of the draft of 2013: datagrams are events.

const { attach, closeAtOnce, detach, receive } = require('../../../channel.js')
const { ArrayPrototypeShift, TypedArrayPrototypeGetBuffer } = require('../../../builtins.js')
const { Context } = require('../../../context.js')
const { copyOf, payloadLength } = require('../../../bytes.js')
const { requireArguments } = require('../../../convert.js')
const { domException } = require('../../../dom-exceptions.js')
const { HandlerTarget, defineInterface, retire } = require('../../../event-target.js')
const { EventKind } = require('../../../platform/native.js')
const { runSoon } = require('../../../platform/timers.js')
const { causeOf, isRefusal } = require('../../../streams/causes.js')
const { bindUdp, requireLength } = require('../../../udp-binding.js')
const { Groups, requireOpen, toDestination, toOptions } = require('../udp.js')
const { UDPMessageEvent, dispatch, tell } = require('./classes.js')
const { errorEvent, udpTypeOf } = require('./error-events.js')
const { SendOrder, toPayload } = require('./payloads.js')

const EVENTS = { handlers: ['open', 'message', 'drain', 'error'], answered: [] }

/** More than this many bytes pending, and `send` answers false: it is time to wait for `drain`. */
const HIGH_WATER = 65_536

/** Datagrams that the engine may tell before it is asked for more. */
const AT_ONCE = 256

class UDPSocket extends HandlerTarget {
  #options
  #readyState = 'opening'
  /** The native socket; `null` when it is closed. */
  #native = null
  #context = null
  #localAddress
  #localPort
  #groups = new Groups((cause) => this.#failed('udp_error', cause))
  #isSuspended = false
  /** What was under way when it was suspended. */
  #held = []
  /** How many datagrams the engine may still tell. */
  #credits = 0
  #order = new SendOrder()
  /** Datagrams that wait for the system: `{ bytes, host, port }`, of which the first was given to the engine. */
  #queue = []
  #queued = 0
  #drainDue = false

  constructor(options = undefined) {
    super(EVENTS)
    this.#options = toOptions(options)
    this.#localAddress = this.#options.localAddress
    this.#localPort = this.#options.localPort
    let handle
    try {
      handle = bindUdp(this.#options)
    } catch (cause) {
      runSoon(() => this.#failed(udpTypeOf(cause), cause))
      return
    }
    this.#native = handle
    this.#context = new Context('UDPSOCKET', handle)
    handle.asStream(true)
    attach(handle.id, this)
    runSoon(() => this.#context.run(this.#open, this))
  }

  get localAddress() {
    return this.#localAddress
  }

  get localPort() {
    return this.#localPort
  }

  get remoteAddress() {
    return this.#options.remoteAddress
  }

  get remotePort() {
    return this.#options.remotePort
  }

  get addressReuse() {
    return this.#options.addressReuse
  }

  get loopback() {
    return this.#options.loopback
  }

  get bufferedAmount() {
    return this.#queued + this.#order.waiting
  }

  get readyState() {
    return this.#readyState
  }

  /** Answers false where so much is pending that it is time to wait for `drain`. */
  send(data, remoteAddress = undefined, remotePort = undefined) {
    requireArguments('UDPSocket.send', arguments.length, 1)
    const payload = toPayload(data)
    if (this.#readyState !== 'open') {
      throw domException('InvalidStateError', `send: the socket is ${this.#readyState}`)
    }
    const { host, port } = toDestination(remoteAddress, remotePort, this.#options)
    requireLength(payload.length, this.#localAddress)
    this.#order.add(
      payload,
      (bytes) => this.#send(bytes, host, port),
      (error) => this.#failed('udp_error', error),
    )
    const pending = this.bufferedAmount
    if (pending >= HIGH_WATER) this.#drainDue = true
    return pending <= HIGH_WATER
  }

  #send(bytes, host, port) {
    if (this.#native === null) return
    // The engine has one at a time that it could not send at once, and copies that.
    if (this.#queue.length === 0 && this.#native.write(bytes, host, port)) return this.#lookForDrain()
    const own = this.#queue.length === 0 ? null : copyOf(bytes)
    const length = payloadLength(bytes)
    this.#queue[this.#queue.length] = { bytes: own, length, host, port }
    this.#queued += length
  }

  /** The first of the queue was sent, or will never be. */
  #next() {
    for (;;) {
      this.#queued -= ArrayPrototypeShift(this.#queue).length
      if (this.#queue.length === 0) return this.#lookForDrain()
      const { bytes, host, port } = this.#queue[0]
      if (!this.#native.write(bytes, host, port)) return
    }
  }

  #lookForDrain() {
    if (!this.#drainDue || this.bufferedAmount > 0) return
    this.#drainDue = false
    runSoon(() => {
      if (this.#native !== null) this.#context.run(tell, undefined, this, 'drain')
    })
  }

  close() {
    if (this.#readyState === 'closed') return
    this.#readyState = 'closed'
    const handle = this.#native
    if (handle === null) return
    this.#native = null
    this.#queue = this.#held = []
    this.#queued = 0
    detach(handle.id)
    handle.close()
    this.#context.closed()
    retire(this)
  }

  [closeAtOnce]() {
    this.close()
  }

  suspend() {
    this.#isSuspended = true
    this.#ask()
  }

  resume() {
    this.#isSuspended = false
    if (this.#held.length > 0) this.#letGoSoon()
    else this.#ask()
  }

  /** Each in a task of its own. */
  #letGoSoon() {
    runSoon(() => {
      if (this.#isSuspended || this.#native === null || this.#held.length === 0) return
      this.#context.run(this.#message, this, ArrayPrototypeShift(this.#held))
      if (this.#held.length > 0) this.#letGoSoon()
      else this.#ask()
    })
  }

  joinMulticast(multicastGroupAddress) {
    requireArguments('UDPSocket.joinMulticast', arguments.length, 1)
    requireOpen(this.#readyState, 'joinMulticast')
    this.#groups.join(multicastGroupAddress)
  }

  leaveMulticast(multicastGroupAddress) {
    requireArguments('UDPSocket.leaveMulticast', arguments.length, 1)
    requireOpen(this.#readyState, 'leaveMulticast')
    this.#groups.leave(multicastGroupAddress)
  }

  ref() {
    this.#context?.keepAlive(true)
    return this
  }

  unref() {
    this.#context?.keepAlive(false)
    return this
  }

  #open() {
    if (this.#readyState !== 'opening') return
    this.#readyState = 'open'
    this.#localAddress = this.#native.localAddress
    this.#localPort = this.#native.localPort
    if (!this.#groups.opened(this.#native)) return
    tell(this, 'open')
    this.#ask()
  }

  /** Says how many datagrams may be told. */
  #ask() {
    if (this.#native === null || this.#readyState !== 'open') return
    const wanted = this.#isSuspended || this.#held.length > 0 ? 0 : AT_ONCE
    if (wanted > 0 && this.#credits * 2 > AT_ONCE) return
    this.#credits = wanted
    this.#native.want(wanted)
  }

  /** An event of the engine. */
  [receive](kind, a, b, c) {
    if (kind === EventKind.Datagram) this.#context.run(this.#onDatagram, this, a, b, c)
    else this.#context.run(this.#receive, this, kind, a)
  }

  #receive(kind, failure) {
    switch (kind) {
      case EventKind.Drained:
        return this.#next()
      case EventKind.WriteFailed:
        return this.#onWriteFailed(failure)
      case EventKind.Failed:
        return this.#onFailed(failure)
    }
  }

  #onDatagram(data, remoteAddress, remotePort) {
    this.#credits--
    if (this.#readyState !== 'open') return
    const message = { data: TypedArrayPrototypeGetBuffer(data), remoteAddress, remotePort }
    if (this.#isSuspended || this.#held.length > 0) this.#held[this.#held.length] = message
    else this.#message(message)
    this.#ask()
  }

  #message(message) {
    dispatch(this, new UDPMessageEvent('message', message))
  }

  #onWriteFailed(failure) {
    if (isRefusal(failure)) this.#next()
    else this.#onFailed(failure)
  }

  #onFailed(failure) {
    const cause = causeOf(failure)
    this.#failed(udpTypeOf(cause), cause)
  }

  #failed(type, cause) {
    if (this.#readyState === 'closed') return
    this.close()
    dispatch(this, errorEvent(type, cause))
  }
}

defineInterface(UDPSocket, {
  handlers: EVENTS.handlers,
  attributes: [
    'localAddress',
    'localPort',
    'remoteAddress',
    'remotePort',
    'addressReuse',
    'loopback',
    'bufferedAmount',
    'readyState',
  ],
  methods: ['send', 'close', 'suspend', 'resume', 'joinMulticast', 'leaveMulticast'],
})

module.exports = { UDPSocket }
