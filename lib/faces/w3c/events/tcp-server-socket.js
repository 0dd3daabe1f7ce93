'use strict'

// TCPServerSocket of the draft of 2013: each connection is an event. While it is suspended, connections wait in the backlog.

const { attach, closeAtOnce, detach, receive } = require('../../../channel.js')
const { Context } = require('../../../context.js')
const { HandlerTarget, defineInterface, retire, wants } = require('../../../event-target.js')
const { runSoon } = require('../../../platform/timers.js')
const native = require('../../../platform/native.js')
const { causeOf } = require('../../../streams/causes.js')
const { listenAt } = require('../listening.js')
const { requirePermission } = require('../permissions.js')
const { toServerOptions } = require('../tcp-options.js')
const { ConnectEvent, dispatch, tell } = require('./classes.js')
const { errorEvent, typeOf } = require('./error-events.js')
const { makeAccepted } = require('./tcp-socket.js')

const { EventKind } = native

const EVENTS = { handlers: ['open', 'connect', 'error', 'connecterror'], answered: [] }

class TCPServerSocket extends HandlerTarget {
  /** The native listener; `null` when it is closed. */
  #native = null
  #context = null
  #readyState = 'opening'
  #localAddress
  #localPort
  #addressReuse
  #isSuspended = false
  /** A connection was asked for, and has not come yet. */
  #isAsking = false
  /** One that came while it was suspended. */
  #held = null

  constructor(options = undefined) {
    super(EVENTS)
    const made = toServerOptions(options)
    const { localAddress, localPort, addressReuse } = made
    requirePermission('tcp-server', { localAddress, localPort }, 'TCPServerSocket')
    this.#localAddress = localAddress
    this.#localPort = localPort
    this.#addressReuse = addressReuse
    const { handle, cause } = listenAt(made)
    if (handle === undefined) {
      runSoon(() => this.#failed(cause))
      return
    }
    this.#native = handle
    this.#context = new Context('TCPSERVERSOCKET', handle)
    attach(handle.id, this)
    runSoon(() => this.#context.run(this.#open, this))
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

  get readyState() {
    return this.#readyState
  }

  close() {
    if (this.#readyState === 'closed') return
    this.#readyState = 'closed'
    const handle = this.#native
    if (handle === null) return
    this.#native = null
    this.#held?.close()
    this.#held = null
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
  }

  resume() {
    if (!this.#isSuspended) return
    this.#isSuspended = false
    if (this.#held !== null) runSoon(() => this.#letGo())
    this.#ask()
  }

  #letGo() {
    const socket = this.#held
    if (socket === null || this.#isSuspended) return
    this.#held = null
    this.#context.run(this.#connected, this, socket)
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
    this.#localPort = this.#native.localPort
    tell(this, 'open')
    this.#ask()
  }

  /** Has the engine accept one more, unless one is on its way, or waits to be told. */
  #ask() {
    if (this.#native === null || this.#readyState !== 'open') return
    if (this.#isSuspended || this.#isAsking || this.#held !== null) return
    this.#isAsking = true
    this.#native.demand()
  }

  [receive](kind, a) {
    this.#context.run(kind === EventKind.Accepted ? this.#onAccepted : this.#onFailed, this, a)
  }

  #onAccepted(handle) {
    this.#isAsking = false
    let socket
    try {
      socket = makeAccepted(handle)
    } catch (cause) {
      dispatch(this, errorEvent('tcp_server_connection_not_accepted', cause, 'connecterror'))
      return this.#ask()
    }
    if (this.#isSuspended) this.#held = socket
    else this.#connected(socket)
  }

  #connected(connectedSocket) {
    // Nobody could ever use it.
    if (!wants(this, 'connect')) connectedSocket.close()
    else dispatch(this, new ConnectEvent('connect', { connectedSocket }))
    this.#ask()
  }

  #onFailed(failure) {
    this.#failed(causeOf(failure))
  }

  #failed(cause) {
    if (this.#readyState === 'closed') return
    this.close()
    dispatch(this, errorEvent(typeOf(cause), cause))
  }
}

defineInterface(TCPServerSocket, {
  handlers: EVENTS.handlers,
  attributes: ['localAddress', 'localPort', 'addressReuse', 'readyState'],
  methods: ['close', 'suspend', 'resume'],
})

module.exports = { TCPServerSocket }
