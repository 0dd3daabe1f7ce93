'use strict'

// TCPSocket of the draft "TCP and UDP Socket API" (2014 to 2016): a connection with two streams, which can be used from the start.

const { eventChannel } = require('../../channel.js')
const { requireArguments, toText } = require('../../convert.js')
const native = require('../../platform/native.js')
const { StreamCore } = require('../../streams/core.js')
const { followSignal } = require('../../streams/signal.js')
const { requirePermission } = require('./permissions.js')
const { requireLocal, toPort, toRemoteHost } = require('./places.js')
const { profileOf, refusal } = require('./profile.js')
const { closeAsynchronously, shape } = require('./shape.js')
const { toClientOptions } = require('./tcp-options.js')
const { withMethods } = require('./writeable.js')

/** Passed to the constructor in place of an address: makes a socket of a connection that was accepted. */
const ACCEPTED = Symbol('accepted')

/** The socket of a native one, which a listener accepted, with TLS where it `isSecure`. */
let makeAccepted

class TCPSocket {
  #core
  #remoteAddress
  #remotePort
  #localAddress = null
  #localPort = null
  #addressReuse = true
  #noDelay = true
  /** `close()` was called, or what is read was cancelled. */
  #isClosing = false

  constructor(remoteAddress, remotePort, options = undefined) {
    if (remoteAddress === ACCEPTED) return
    requireArguments('TCPSocket constructor', arguments.length, 2)
    this.#remoteAddress = toText(remoteAddress, 'remoteAddress')
    this.#remotePort = toPort(remotePort, 'remotePort')
    const made = toClientOptions(options)
    requirePermission('tcp', this.#place(), 'TCPSocket')
    const host = toRemoteHost(this.#remoteAddress)
    if (made.localAddress !== null) requireLocal(made.localAddress, host)
    this.#connect(host, made)
  }

  #place() {
    return { remoteAddress: this.#remoteAddress, remotePort: this.#remotePort }
  }

  #connect(host, { localAddress, localPort, addressReuse, noDelay, tuning, signal, givenUp, toConfig }) {
    this.#localAddress = localAddress
    this.#localPort = localPort
    this.#addressReuse = addressReuse
    this.#noDelay = noDelay
    const local = {
      __proto__: null,
      address: localAddress ?? undefined,
      port: localPort ?? 0,
      reuseAddress: addressReuse,
      tuning,
    }
    const config = toConfig?.(host)
    const handle = new native.TCPSocket(
      eventChannel(),
      {
        __proto__: null,
        host,
        port: this.#remotePort,
        asStrings: false,
        local,
        givenUp: givenUp ? true : undefined,
      },
      config,
    )
    this.#adopt(handle, { __proto__: null, isSecure: config !== undefined })
    if (signal) followSignal(this.#core, signal, givenUp, () => refusal('closed'))
  }

  #adopt(handle, how) {
    const profile = profileOf({
      opened: (ends) => {
        this.#localAddress = ends.localAddress
        this.#localPort = ends.localPort
      },
      cancelled: () => this.#close(),
    })
    this.#core = new StreamCore(handle, profile, how)
    withMethods(this.#core.writable)
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
    const { state } = this.#core
    if (state === 'over') return 'closed'
    // Where nobody closed it, both sides have ended, or one has failed.
    if (state === 'closing') return this.#isClosing ? 'closing' : 'closed'
    return state === 'open' && this.#core.hasEndedWriting ? 'halfclosed' : state
  }

  get opened() {
    return this.#core.opened
  }

  get closed() {
    return this.#core.closed
  }

  get readable() {
    return this.#core.readable
  }

  get writeable() {
    return this.#core.writable
  }

  /** The same, as it is spelled everywhere else. */
  get writable() {
    return this.#core.writable
  }

  close() {
    this.#close()
    return this.#core.closed
  }

  #close() {
    const { state } = this.#core
    if (state !== 'opening' && state !== 'open') return
    this.#isClosing = true
    if (state === 'opening') this.#core.abort(refusal('closed'))
    else this.#core.close()
  }

  halfClose() {
    this.#core.halfClose()
  }

  ref() {
    this.#core.keepAlive(true)
    return this
  }

  unref() {
    this.#core.keepAlive(false)
    return this
  }

  // Not for applications, so not a static of a public class.
  static {
    makeAccepted = (handle, isSecure) => {
      const socket = new TCPSocket(ACCEPTED)
      const { remoteAddress, remotePort } = handle.ends() ?? { __proto__: null }
      socket.#remoteAddress = remoteAddress
      socket.#remotePort = remotePort
      socket.#adopt(handle, { isOpen: true, isSecure })
      return socket
    }
  }
}

shape(
  TCPSocket,
  [
    'remoteAddress',
    'remotePort',
    'localAddress',
    'localPort',
    'addressReuse',
    'noDelay',
    'readyState',
    'opened',
    'closed',
    'readable',
    'writeable',
  ],
  ['close', 'halfClose'],
)
closeAsynchronously(TCPSocket)

module.exports = { TCPSocket, makeAccepted }
