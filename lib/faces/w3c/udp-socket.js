'use strict'

// UDPSocket of the draft with streams: datagrams are read and written as messages.

const { TypeError, Uint8Array } = require('../../builtins.js')
const { describe, requireArguments, toView } = require('../../convert.js')
const { domException } = require('../../dom-exceptions.js')
const { isObject } = require('../../interface.js')
const { isBytes, isEmpty } = require('../../streams/byte-chunks.js')
const { isRefusal, networkError } = require('../../streams/causes.js')
const { DatagramCore } = require('../../streams/datagrams.js')
const { bindUdp } = require('../../udp-binding.js')
const { refusal } = require('./profile.js')
const { closeAsynchronously, shape } = require('./shape.js')
const { Groups, requireOpen, toDestination, toOptions } = require('./udp.js')
const { withMethods } = require('./writeable.js')

/** Messages that wait for a reader. More wait in the kernel, and what it has no room for is lost. */
const MOST_QUEUED = 256

const NO_BYTES = new Uint8Array(0)

class UDPSocket {
  #core
  #options
  #localAddress
  #localPort
  #groups

  constructor(options = undefined) {
    this.#options = toOptions(options)
    this.#localAddress = this.#options.localAddress
    this.#localPort = this.#options.localPort
    this.#groups = new Groups((cause) => this.#core.abort(domException('NetworkError', cause.message, cause)))
    const profile = {
      __proto__: null,
      name: 'A UDPSocket',
      queued: MOST_QUEUED,
      flushes: true,
      abortFails: false,
      cancelled: () => this.#core.close(),
      toMessage: (data, remoteAddress, remotePort) => ({ data, remoteAddress, remotePort }),
      toDatagram: (message) => this.#toDatagram(message),
      toError: networkError,
      isFailureOf,
      toInfo: (handle) => this.#opened(handle),
      refusal: () => refusal('closed'),
    }
    this.#core = new DatagramCore(() => bindOrFail(this.#options), profile)
    withMethods(this.#core.writable)
  }

  #opened(handle) {
    this.#localAddress = handle.localAddress
    this.#localPort = handle.localPort
    this.#groups.opened(handle)
  }

  #toDatagram(message) {
    if (!isObject(message)) throw new TypeError(`write: ${describe(message)} must be an object with data`)
    const { data, remoteAddress, remotePort } = message
    if (!isBytes(data)) {
      throw new TypeError(`write: data ${describe(data)} must be an ArrayBuffer, or a view on one`)
    }
    const bytes = isEmpty(data) ? NO_BYTES : toView('write', data)
    return { __proto__: null, data: bytes, ...toDestination(remoteAddress, remotePort, this.#options) }
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

  get readyState() {
    const { state } = this.#core
    return state === 'opening' || state === 'open' ? state : 'closed'
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

  joinMulticast(multicastGroupAddress) {
    requireArguments('UDPSocket.joinMulticast', arguments.length, 1)
    requireOpen(this.readyState, 'joinMulticast')
    this.#groups.join(multicastGroupAddress)
  }

  leaveMulticast(multicastGroupAddress) {
    requireArguments('UDPSocket.leaveMulticast', arguments.length, 1)
    requireOpen(this.readyState, 'leaveMulticast')
    this.#groups.leave(multicastGroupAddress)
  }

  close() {
    return this.#core.close()
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

function bindOrFail(options) {
  try {
    return bindUdp(options)
  } catch (cause) {
    throw domException('NetworkError', cause.message, cause)
  }
}

/** Of a stream, a write that fails is the last. */
function isFailureOf(failure) {
  return isRefusal(failure) ? 'none' : 'writing'
}

shape(
  UDPSocket,
  [
    'localAddress',
    'localPort',
    'remoteAddress',
    'remotePort',
    'addressReuse',
    'loopback',
    'readyState',
    'opened',
    'closed',
    'readable',
    'writeable',
  ],
  ['joinMulticast', 'leaveMulticast', 'close'],
)
closeAsynchronously(UDPSocket)

module.exports = { UDPSocket }
