'use strict'

// `connect()` and the Socket that it returns, as WinterTC's draft and Cloudflare Workers have them.

const { ObjectFreeze, ReflectApply, TypeError } = require('../../builtins.js')
const { eventChannel } = require('../../channel.js')
const { requireArguments } = require('../../convert.js')
const { showAttributes } = require('../../interface.js')
const { placeOf } = require('../../places.js')
const native = require('../../platform/native.js')
const { PROCESS_RIGHTS } = require('../../policy.js')
const { causeOf } = require('../../streams/causes.js')
const { StreamCore } = require('../../streams/core.js')
const { BYTES_ON_DEMAND } = require('../../streams/profile.js')
const { followSignal } = require('../../streams/signal.js')
const { toPlace } = require('./address.js')
const { SocketError } = require('./errors.js')
const { NOTHING, toConnectOptions, toDefaults, toUpgrade } = require('./options.js')

/** Passed to the constructor by this file alone. */
const INTERNAL = Symbol('internal')

const REFUSALS = {
  __proto__: null,
  closing: 'the socket is closing',
  closed: 'the socket was closed',
  ended: 'the peer has ended the connection, and allowHalfOpen is false',
  upgraded: 'startTls() was called: the streams of the new socket carry the connection on',
}

class Socket {
  #core
  #options
  #target
  #secureTransport
  #upgraded = false
  #hasStarted = false

  constructor(token, core, options, target, secureTransport) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor: connect() makes sockets')
    this.#core = core
    this.#options = options
    this.#target = target
    this.#secureTransport = secureTransport
  }

  get readable() {
    return this.#core.readable
  }

  get writable() {
    return this.#core.writable
  }

  get opened() {
    return this.#core.opened
  }

  get closed() {
    return this.#core.closed
  }

  get upgraded() {
    return this.#upgraded
  }

  get secureTransport() {
    return this.#secureTransport
  }

  close(reason) {
    return this.#core.close(reason)
  }

  startTls(options) {
    const { state } = this.#core
    if (this.#secureTransport === 'on') throw new SocketError('startTls(): the connection is secure already')
    if (this.#secureTransport !== 'starttls') {
      throw new SocketError('startTls(): secureTransport of connect() must be "starttls"')
    }
    if (this.#hasStarted) throw new SocketError('startTls(): was called before on this socket')
    if (state === 'closing' || state === 'over') throw new SocketError('startTls(): the socket is closed')
    if (!this.#core.isWhole) throw new SocketError('startTls(): one of the streams has ended')
    const config = toUpgrade(options, this.#options.tls, this.#target.host)
    this.#hasStarted = true
    const core = this.#core.upgrade(config, profileOf(this.#options), () => {
      this.#upgraded = true
    })
    return new Socket(INTERNAL, core, this.#options, this.#target, 'on')
  }

  ref() {
    this.#core.keepAlive(true)
    return this
  }

  unref() {
    this.#core.keepAlive(false)
    return this
  }
}

const ATTRIBUTES = ['readable', 'writable', 'opened', 'closed', 'upgraded', 'secureTransport']
for (const name of [...ATTRIBUTES, 'close', 'startTls']) {
  Object.defineProperty(Socket.prototype, name, { enumerable: true })
}
Object.defineProperty(Socket.prototype, Symbol.toStringTag, { value: 'Socket', configurable: true })
showAttributes(Socket, ATTRIBUTES)
if (Symbol.asyncDispose) {
  Object.defineProperty(Socket.prototype, Symbol.asyncDispose, {
    async value() {
      try {
        await this.close()
      } catch {
        // It has failed, and whoever wants to know asks `closed`.
      }
    },
    writable: true,
    configurable: true,
  })
}

function profileOf({ allowHalfOpen, highWaterMark }) {
  const countBytes = highWaterMark !== undefined
  return {
    __proto__: null,
    name: 'A socket of connect()',
    readable: BYTES_ON_DEMAND,
    writable: { strings: true, highWaterMark: countBytes ? highWaterMark : 1, countBytes },
    halfOpen: allowHalfOpen,
    isOne: false,
    cancelled: undefined,
    flushes: true,
    abortFails: false,
    toError,
    toInfo,
    refusal: (why) => new SocketError(REFUSALS[why]),
  }
}

function toError(failure) {
  const cause = causeOf(failure)
  return new SocketError(cause.message, { cause })
}

function toInfo(handle) {
  const ends = handle.ends()
  return {
    remoteAddress: ends ? placeOf(ends.remoteAddress, ends.remotePort) : undefined,
    localAddress: ends ? placeOf(ends.localAddress, ends.localPort) : undefined,
    alpn: handle.tlsDetails()?.alpnProtocol ?? null,
  }
}

/** A connection to `address`. `defaults` are those of `withOptions`. */
function connectWith(defaults, address, options) {
  const { host, port } = toPlace(address)
  const made = toConnectOptions(options, defaults, host)
  permit()
  const { block } = defaults
  const isBlocked = block !== undefined && ReflectApply(block, undefined, [host, port])
  const givenUp = isBlocked || made.givenUp
  const handle = new native.TCPSocket(
    eventChannel(),
    { __proto__: null, host, port, asStrings: false, local: made.local, givenUp: givenUp ? true : undefined },
    made.config,
  )
  if (made.connectTimeout > 0) handle.setConnectTimeout(made.connectTimeout)
  if (made.idleTimeout > 0) handle.setIdleTimeout(made.idleTimeout)
  const core = new StreamCore(handle, profileOf(made), {
    __proto__: null,
    isSecure: made.config !== undefined,
  })
  if (isBlocked) core.abort(new SocketError(`connect to ${host} port ${port}: is blocked`))
  else if (made.signal) followSignal(core, made.signal, made.givenUp, () => new SocketError('was aborted'))
  return new Socket(INTERNAL, core, made, { host, port }, made.secureTransport)
}

/** What the application, or Node itself, does not let it do. */
function permit() {
  try {
    PROCESS_RIGHTS.requirePermission()
  } catch (cause) {
    throw new SocketError(cause.message, { cause })
  }
}

function connect(address, options) {
  requireArguments('connect', arguments.length, 1)
  return connectWith(NOTHING, address, options)
}

/** An object whose `connect` has these options besides: of TLS, of TCP, `signal` and `block`. */
function withOptions(options) {
  const defaults = toDefaults(options)
  return ObjectFreeze({
    connect(address, more) {
      requireArguments('connect', arguments.length, 1)
      return connectWith(defaults, address, more)
    },
  })
}

module.exports = { Socket, connect, withOptions }
