'use strict'

// The event classes. Each carries the shapes of both generations at once: contract section 5.3, decision Q-03.

const {
  Event,
  EventPrototypeComposedPath,
  EventPrototypeGetCurrentTarget,
  EventPrototypeGetEventPhase,
  EventPrototypeGetTarget,
} = require('./builtins.js')
const { requireArguments, toText, toUint32 } = require('./convert.js')
const { asInterface, isObject } = require('./interface.js')

/** `Event.AT_TARGET` */
const AT_TARGET = 2

let deliverTo
let isUnderWay

// Each has Gecko's `isInstance`, for its own code, which unlike `instanceof` asks nothing of a value, which may be anything.

/** An Event that can be given to a handler of its target without the cost of a full dispatch. */
class TargetedEvent extends Event {
  #target = null
  /** It is being given to a handler of `#target`. */
  #isUnderWay = false

  // Without it there is an implicit one, which in Node.js 20 spreads its arguments: see builtins.js.
  // oxlint-disable-next-line no-useless-constructor
  constructor(type, init) {
    super(type, init)
  }

  static {
    /**
     * Calls `deliver` while `event`, if it is one of ours, looks as if `target` dispatched it. Returns what that returns. It may be a
     * full dispatch: Node's EventTarget makes an event look so for the first of its listeners alone.
     */
    deliverTo = (target, event, deliver) => {
      if (!isObject(event) || !(#target in event)) return deliver()
      event.#target = target
      event.#isUnderWay = true
      try {
        return deliver()
      } finally {
        event.#isUnderWay = false
      }
    }

    /** Whether that is so of any value. */
    isUnderWay = (event) => isObject(event) && #isUnderWay in event && event.#isUnderWay
  }

  get target() {
    return EventPrototypeGetTarget(this) ?? this.#target
  }

  get srcElement() {
    return EventPrototypeGetTarget(this) ?? this.#target
  }

  get currentTarget() {
    return EventPrototypeGetCurrentTarget(this) ?? (this.#isUnderWay ? this.#target : null)
  }

  get eventPhase() {
    return this.#isUnderWay ? AT_TARGET : EventPrototypeGetEventPhase(this)
  }

  composedPath() {
    return this.#isUnderWay ? [this.#target] : EventPrototypeComposedPath(this)
  }
}

/** `open`, `data`, `drain` and `close` of a TCPSocket. */
class TCPSocketEvent extends TargetedEvent {
  #data

  constructor(type, init) {
    requireArguments('TCPSocketEvent constructor', arguments.length, 1)
    super(type, init)
    this.#data = init?.data ?? null
  }

  /** A `data` event's bytes: a string or an ArrayBuffer. An empty string otherwise. */
  get data() {
    return this.#data
  }

  static isInstance(value) {
    return isObject(value) && #data in value
  }
}

/** `error` of a TCPSocket or a TCPServerSocket. */
class TCPSocketErrorEvent extends TargetedEvent {
  #name
  #message
  #errorCode
  #data

  constructor(type, init) {
    requireArguments('TCPSocketErrorEvent constructor', arguments.length, 1)
    super(type, init)
    this.#name = toText(init?.name ?? '', 'name')
    this.#message = toText(init?.message ?? '', 'message')
    this.#errorCode = toUint32(init?.errorCode, 'errorCode')
    this.#data = init?.data ?? null
  }

  /** Gecko's name of the error, such as "ConnectionRefusedError". */
  get name() {
    return this.#name
  }

  /** Gecko's class of error: "Network", "SecurityProtocol" or "SecurityCertificate". */
  get message() {
    return this.#message
  }

  /** Gecko's nsresult. */
  get errorCode() {
    return this.#errorCode
  }

  /** An Error whose name is Gecko's and whose message says what failed. */
  get data() {
    return this.#data
  }

  /** What `console.log(event)` shows: Node's own form of events has only what all events have. */
  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    if (!(#name in this)) return this.constructor.name
    const { type, name, message, errorCode, data } = this
    return `TCPSocketErrorEvent ${inspect({ type, name, message, errorCode, data }, options)}`
  }

  static isInstance(value) {
    return isObject(value) && #name in value
  }
}

/** `connect` of a TCPServerSocket. */
class TCPServerSocketEvent extends TargetedEvent {
  #socket

  constructor(type, init) {
    requireArguments('TCPServerSocketEvent constructor', arguments.length, 1)
    super(type, init)
    this.#socket = init?.socket ?? null
  }

  /** The accepted TCPSocket. */
  get socket() {
    return this.#socket
  }

  /** The same, where the first generation's documentation put it. */
  get data() {
    return this.#socket
  }

  static isInstance(value) {
    return isObject(value) && #socket in value
  }
}

/** `message` of a UDPSocket. */
class UDPMessageEvent extends TargetedEvent {
  #remoteAddress
  #remotePort
  #data

  constructor(type, init) {
    requireArguments('UDPMessageEvent constructor', arguments.length, 1)
    super(type, init)
    this.#remoteAddress = toText(init?.remoteAddress ?? '', 'remoteAddress')
    this.#remotePort = toUint32(init?.remotePort, 'remotePort') & 0xffff
    this.#data = init?.data ?? null
  }

  /** The sender's IP address. */
  get remoteAddress() {
    return this.#remoteAddress
  }

  get remotePort() {
    return this.#remotePort
  }

  /** An ArrayBuffer of exactly the datagram's bytes. */
  get data() {
    return this.#data
  }

  static isInstance(value) {
    return isObject(value) && #remotePort in value
  }
}

asInterface(TCPSocketEvent, ['data'])
asInterface(TCPSocketErrorEvent, ['name', 'message', 'errorCode', 'data'])
asInterface(TCPServerSocketEvent, ['socket', 'data'])
asInterface(UDPMessageEvent, ['remoteAddress', 'remotePort', 'data'])

module.exports = {
  TCPSocketEvent,
  TCPSocketErrorEvent,
  TCPServerSocketEvent,
  UDPMessageEvent,
  deliverTo,
  isUnderWay,
}
