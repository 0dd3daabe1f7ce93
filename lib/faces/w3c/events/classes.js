'use strict'

// The events of the draft of 2013, and how they are dispatched: by the EventTarget itself, so that each looks like any other event.

const { Event, FunctionPrototypeCall } = require('../../../builtins.js')
const { requireArguments, toText, toUint32 } = require('../../../convert.js')
const { HandlerTarget } = require('../../../event-target.js')
const { shape } = require('../shape.js')

/** A sandbox may lack it. */
const { MessageEvent = class MessageEvent extends Event {} } = globalThis

/** Failed sockets tell why. */
class SocketErrorEvent extends Event {
  #error

  constructor(type, init = undefined) {
    requireArguments('SocketErrorEvent constructor', arguments.length, 1)
    super(type, init)
    this.#error = init?.error ?? null
  }

  /** `{ name, type, message }` */
  get error() {
    return this.#error
  }

  // The examples of the draft look here.

  get name() {
    return this.#error?.name ?? ''
  }

  get message() {
    return this.#error?.message ?? ''
  }
}

/** `connect` of a server. */
class ConnectEvent extends Event {
  #connectedSocket

  constructor(type, init = undefined) {
    requireArguments('ConnectEvent constructor', arguments.length, 1)
    super(type, init)
    this.#connectedSocket = init?.connectedSocket ?? null
  }

  get connectedSocket() {
    return this.#connectedSocket
  }
}

/** `message` of a UDPSocket. */
class UDPMessageEvent extends Event {
  #data
  #remoteAddress
  #remotePort

  constructor(type, init = undefined) {
    requireArguments('UDPMessageEvent constructor', arguments.length, 1)
    super(type, init)
    this.#data = init?.data ?? null
    this.#remoteAddress = toText(init?.remoteAddress ?? '', 'remoteAddress')
    this.#remotePort = toUint32(init?.remotePort, 'remotePort') & 0xffff
  }

  get data() {
    return this.#data
  }

  get remoteAddress() {
    return this.#remoteAddress
  }

  get remotePort() {
    return this.#remotePort
  }
}

shape(SocketErrorEvent, ['error', 'name', 'message'], [])
shape(ConnectEvent, ['connectedSocket'], [])
shape(UDPMessageEvent, ['data', 'remoteAddress', 'remotePort'], [])

const { dispatchEvent } = HandlerTarget.prototype

/** Not the method of `target`, which may be a subclass's own. What handlers throw is an uncaught exception, and stops nothing. */
function dispatch(target, event) {
  FunctionPrototypeCall(dispatchEvent, target, event)
}

/** Has `target` dispatch an event that says nothing but its type. */
function tell(target, type) {
  dispatch(target, new Event(type))
}

module.exports = { ConnectEvent, MessageEvent, SocketErrorEvent, UDPMessageEvent, dispatch, tell }
