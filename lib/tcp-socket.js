'use strict'

// TCPSocket as applications see it: the attributes and methods of the interface, and what their arguments may be. What happens to
// its connection is in connection.js.

const { whenAborted } = require('./aborts.js')
const { ReflectConstruct } = require('./builtins.js')
const { eventChannel } = require('./channel.js')
const { Connection } = require('./connection.js')
const { ConnectionTls } = require('./connection-tls.js')
const { requireArguments, toHost, toPayload, toPort, toText } = require('./convert.js')
const { channels } = require('./diagnostics.js')
const { makeDisposable } = require('./dispose.js')
const { wrongState } = require('./errors.js')
const { HandlerTarget, defineInterface } = require('./event-target.js')
const { isObject } = require('./interface.js')
const { lendInsides } = require('./insides.js')
const native = require('./platform/native.js')
const { toSocketOptions } = require('./options.js')
const { PROCESS_RIGHTS } = require('./policy.js')
const { Reading } = require('./reading.js')
const { readSessionsWith } = require('./tls-session.js')
const { SocketTransport } = require('./transport.js')

/** Passed to the constructor in place of a host: makes a socket that was never connected. */
const UNCONNECTED = Symbol('unconnected')

const EVENTS = { handlers: ['open', 'drain', 'data', 'error', 'close'], answered: [] }

/** Makes a socket of `Class` that was never connected. */
let makeUnconnected
/** Makes a socket of `Class` that connects where `rights` allow it. */
let connectWith
/** Makes the facade of a connection that a listener accepted, and closes it, whatever an application made of the method. */
let makeAccepted
let closeAccepted
/** The Reading of a socket. */
let readingOf
let whenClosed

class TCPSocket extends HandlerTarget {
  #host = ''
  #port = 0
  #binaryType = 'string'
  /** How long connecting may take, and how long the connection may be silent, by the options, in milliseconds; 0 is for ever. */
  #connectTimeout = 0
  #idleTimeout = 0
  #reading = new Reading()
  /** `null` where there never was one. */
  #connection = null
  #transport = null

  constructor(host, port, options) {
    super(EVENTS)
    if (host === UNCONNECTED) return
    requireArguments('TCPSocket constructor', arguments.length, 2)
    this.#start(PROCESS_RIGHTS, host, port, options)
  }

  #start(rights, host, port, options) {
    rights.requirePermission()
    this.#host = toText(host, 'host')
    const target = toHost(this.#host)
    this.#port = toPort(port, 1)
    rights.requireConnect(target, this.#port)
    this.#connect(target, toSocketOptions(options, target))
  }

  #connect(host, { secure, binaryType, tls, config, local, connectTimeout, idleTimeout, signal, givenUp }) {
    this.#binaryType = binaryType
    this.#connectTimeout = connectTimeout
    const place = { host, port: this.#port, asStrings: binaryType === 'string', local, givenUp }
    const channel = eventChannel()
    const unfollow =
      signal && !givenUp ? whenAborted(signal, () => this.#connection?.closeImmediately()) : null
    try {
      const handle = new native.TCPSocket(channel, place, secure ? config : undefined)
      if (connectTimeout > 0) handle.setConnectTimeout(connectTimeout)
      const readyState = givenUp ? 'closing' : 'connecting'
      this.#begin(handle, { readyState, idleTimeout, tls: { secure, config, host, options: tls }, unfollow })
    } catch (error) {
      unfollow?.()
      throw error
    }
    if (channels.socketCreated.hasSubscribers) channels.socketCreated.publish({ socket: this })
  }

  /** Makes the connection, over the native socket `handle`. */
  #begin(handle, { readyState, idleTimeout, tls, unfollow }) {
    this.#idleTimeout = idleTimeout
    this.#reading.begin(handle, idleTimeout)
    this.#connection = new Connection(this, handle, {
      readyState,
      reading: this.#reading,
      tls: new ConnectionTls(tls),
      unfollow,
    })
  }

  get host() {
    return this.#host
  }

  get port() {
    return this.#port
  }

  get ssl() {
    return this.#connection?.isSecure ?? false
  }

  get tls() {
    return this.#connection?.tlsDetails ?? null
  }

  get localAddress() {
    return this.#connection?.endpoints?.localAddress ?? null
  }

  get localPort() {
    return this.#connection?.endpoints?.localPort ?? null
  }

  get remoteAddress() {
    return this.#connection?.endpoints?.remoteAddress ?? null
  }

  get remotePort() {
    return this.#connection?.endpoints?.remotePort ?? null
  }

  get bytesRead() {
    return this.#connection?.bytesRead ?? 0
  }

  get bytesWritten() {
    return this.#connection?.bytesWritten ?? 0
  }

  get bufferedAmount() {
    return this.#connection?.pending ?? 0
  }

  get binaryType() {
    return this.#binaryType
  }

  get readyState() {
    return this.#connection?.readyState ?? 'closed'
  }

  /** Not enumerable: Gecko had it for its own code alone. */
  get transport() {
    this.#transport ??= new SocketTransport(
      (kind, milliseconds) => {
        if (kind === 'idle') this.#reading.setIdleTimeout(milliseconds)
        else this.#connection?.setConnectTimeout(milliseconds)
      },
      this.#connectTimeout,
      this.#idleTimeout,
    )
    return this.#transport
  }

  send(data, byteOffset, byteLength) {
    requireArguments('TCPSocket.send', arguments.length, 1)
    const payload = toPayload(data, byteOffset, byteLength, this.#binaryType)
    return this.#requireConnection().send(payload)
  }

  suspend() {
    this.#reading.suspend()
  }

  resume() {
    this.#reading.resume()
  }

  upgradeToSecure(options) {
    this.#requireConnection().upgradeToSecure(options)
  }

  #requireConnection() {
    if (this.#connection === null) throw wrongState('Socket not open.')
    return this.#connection
  }

  close() {
    this.#connection?.close()
  }

  closeImmediately() {
    this.#connection?.closeImmediately()
  }

  ref() {
    this.#connection?.keepAlive(true)
    return this
  }

  unref() {
    this.#connection?.keepAlive(false)
    return this
  }

  /** Gecko's, for its own code. Unlike `instanceof`, it asks nothing of `value`, which may be anything. */
  static isInstance(value) {
    return isObject(value) && #connection in value
  }

  // What the rest of the facade may do with a socket; not for applications, so not statics of a public class.
  static {
    readSessionsWith((value) => {
      if (!isObject(value) || !(#connection in value)) return undefined
      return value.#connection === null ? null : value.#connection.tlsSession
    })

    lendInsides((value) => {
      if (!isObject(value) || !(#connection in value)) return undefined
      return { connection: value.#connection, reading: value.#reading }
    })

    makeUnconnected = (Class) =>
      Class === TCPSocket ? new TCPSocket(UNCONNECTED) : ReflectConstruct(TCPSocket, [UNCONNECTED], Class)

    connectWith = (rights, Class, host, port, options) => {
      const socket = makeUnconnected(Class)
      socket.#start(rights, host, port, options)
      return socket
    }

    makeAccepted = (Class, handle, host, port, { binaryType, secure, config, idleTimeout }) => {
      const socket = makeUnconnected(Class)
      socket.#host = host
      socket.#port = port
      socket.#binaryType = binaryType
      socket.#begin(handle, {
        readyState: 'open',
        idleTimeout,
        tls: { secure, config, host: null, options: null },
        unfollow: null,
      })
      return socket
    }

    closeAccepted = (socket) => socket.#connection.close()

    readingOf = (socket) => socket.#reading

    /** Calls `callback` when `close` was fired, also where that was long ago, or will never be. */
    whenClosed = (socket, callback) => {
      if (socket.#connection === null) callback()
      else socket.#connection.whenClosed(callback)
    }
  }
}

defineInterface(TCPSocket, {
  handlers: EVENTS.handlers,
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

module.exports = { TCPSocket, closeAccepted, connectWith, makeAccepted, makeUnconnected, readingOf }
