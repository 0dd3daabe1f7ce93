'use strict'

// TCPServerSocket: the Firefox OS API over one native listener. This file alone decides which events the engine's reports
// become, and what happens to a connection that nobody takes.

const { whenAborted } = require('./aborts.js')
const { ReflectConstruct } = require('./builtins.js')
const { attach, closeAtOnce, detach, eventChannel, receive } = require('./channel.js')
const { Context } = require('./context.js')
const { requireArguments, toBacklog, toPort } = require('./convert.js')
const { channels } = require('./diagnostics.js')
const { makeDisposable } = require('./dispose.js')
const { bindFailure, errorEvent } = require('./errors.js')
const { HandlerTarget, defineInterface, fire, retire, wants } = require('./event-target.js')
const { TCPServerSocketEvent } = require('./events.js')
const { holdFor } = require('./hold.js')
const { defineHidden, isObject } = require('./interface.js')
const native = require('./platform/native.js')
const { toServerOptions } = require('./options.js')
const { PROCESS_RIGHTS } = require('./policy.js')
const { TCPSocket, closeAccepted, makeAccepted } = require('./tcp-socket.js')

const { EventKind } = native

/** Passed to the constructor in place of a port: makes a server that `listenWith` has listen. */
const UNBOUND = Symbol('unbound')

const EVENTS = { handlers: ['connect', 'error'], answered: ['connect'] }

/** Makes a server of `Class` that listens where `rights` allow it, and accepts sockets of the class `Accepted`. */
let listenWith
/** Makes a server of `Class` whose `onconnect` gets the accepted socket itself, as the first generation's did. */
let makeFirstGeneration

class TCPServerSocket extends HandlerTarget {
  #native
  /** Names `#native` to the engine. */
  #id
  #localAddress
  #localPort
  #failedHandshakes = 0
  /** What accepted sockets are made with. */
  #options
  /** What class they are of: TCPSocket, or that of an application. */
  #Accepted = TCPSocket
  /** `onconnect` gets the socket, not an event (decision Q-27). */
  #passesSockets = false
  /** Where handlers run. */
  #context
  /** Takes back what follows an AbortSignal. */
  #unfollow = null

  constructor(port, options, backlog) {
    super(EVENTS)
    if (port === UNBOUND) return
    requireArguments('TCPServerSocket constructor', arguments.length, 1)
    this.#start(PROCESS_RIGHTS, port, options, backlog)
  }

  #start(rights, port, options, backlog) {
    rights.requirePermission()
    const localPort = toPort(port, 0)
    rights.requirePort(localPort)
    this.#options = toServerOptions(options)
    const connections = toBacklog(backlog)
    rights.requireListen(this.#options.address, localPort)
    this.#localAddress = this.#options.address
    this.#localPort = localPort
    if (this.#options.givenUp) {
      this.#native = this.#options = this.#context = null
      return
    }
    this.#listen(connections)
  }

  #listen(backlog) {
    const { address, binaryType, secure, config, ipv6Only, reusePort, tuning, signal } = this.#options
    const asStrings = binaryType === 'string'
    // What it does not have must not be found on Object.prototype.
    const place = {
      __proto__: null,
      address,
      port: this.#localPort,
      backlog,
      asStrings,
      ipv6Only,
      reusePort,
      tuning,
    }
    const channel = eventChannel()
    const unfollow = signal && whenAborted(signal, () => this.#close())
    try {
      this.#native = new native.TCPServerSocket(channel, place, secure ? config : undefined)
    } catch (error) {
      unfollow?.()
      throw bindFailure(error, address, this.#localPort)
    }
    this.#unfollow = unfollow
    this.#localAddress = this.#native.localAddress
    this.#localPort = this.#native.localPort
    this.#context = new Context('TCPSERVERSOCKET', this.#native)
    this.#id = this.#native.id
    attach(this.#id, {
      [receive]: (kind, a, b, c) => this.#receive(kind, a, b, c),
      [closeAtOnce]: () => this.#close(),
    })
    if (channels.serverListen.hasSubscribers) channels.serverListen.publish({ server: this })
  }

  get localAddress() {
    return this.#localAddress
  }

  get localPort() {
    return this.#localPort
  }

  get failedHandshakes() {
    if (this.#native !== null) this.#failedHandshakes = this.#native.failedHandshakes
    return this.#failedHandshakes
  }

  close() {
    this.#close()
  }

  /** For `close()`, and for a signal that aborts: that must not call what an application may have put in place of the method. */
  #close() {
    if (this.#native === null) return
    // The attribute can still be read afterwards.
    this.#failedHandshakes = this.#native.failedHandshakes
    detach(this.#id)
    this.#unfollow?.()
    this.#native.close()
    // There may be a private key among the options.
    this.#native = this.#options = null
    this.#context.closed()
    if (channels.serverClose.hasSubscribers) channels.serverClose.publish({ server: this })
    retire(this)
  }

  ref() {
    this.#context?.keepAlive(true)
    return this
  }

  unref() {
    this.#context?.keepAlive(false)
    return this
  }

  /** An event of the engine. */
  #receive(kind, a, b, c) {
    const handle = kind === EventKind.Accepted ? this.#onAccepted : this.#onFailed
    this.#context.run(handle, this, a, b, c)
  }

  #onAccepted(handle, host, port) {
    const socket = makeAccepted(this.#Accepted, handle, host, port, this.#options)
    if (channels.serverAccept.hasSubscribers) channels.serverAccept.publish({ server: this, socket })
    // A tool that was only to watch may have closed it.
    if (!wants(this, 'connect') || this.#native === null) {
      // Nobody could ever use it (decision Q-28).
      closeAccepted(socket)
      return
    }
    if (this.#passesSockets) {
      defineHidden(socket, 'socket', socket)
    }
    const event = new TCPServerSocketEvent('connect', { socket })
    const answers = { handler: undefined, listeners: [] }
    if (fire(this, 'connect', event, this.#passesSockets ? socket : event, answers)) holdFor(socket, answers)
    // A handler that threw did not take charge of the socket (decision Q-29).
    else closeAccepted(socket)
  }

  #onFailed(failure) {
    const event = errorEvent(failure)
    if (channels.serverError.hasSubscribers) channels.serverError.publish({ server: this, error: event.data })
    this.#close()
    fire(this, 'error', event)
  }

  /** Gecko's, for its own code. Unlike `instanceof`, it asks nothing of `value`, which may be anything. */
  static isInstance(value) {
    return isObject(value) && #localPort in value
  }

  static {
    listenWith = (rights, Class, Accepted, port, options, backlog) => {
      const server = ReflectConstruct(TCPServerSocket, [UNBOUND], Class)
      server.#Accepted = Accepted
      server.#start(rights, port, options, backlog)
      return server
    }

    makeFirstGeneration = (Class, port, options, backlog) => {
      const server = new Class(port, options, backlog)
      server.#passesSockets = true
      return server
    }
  }
}

defineInterface(TCPServerSocket, {
  handlers: EVENTS.handlers,
  attributes: ['localAddress', 'localPort', 'failedHandshakes'],
  methods: ['close', 'ref', 'unref'],
})

// It is closed when `close()` returns.
makeDisposable(TCPServerSocket, (_server, closed) => closed())

module.exports = { TCPServerSocket, listenWith, makeFirstGeneration }
