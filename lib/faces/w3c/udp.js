'use strict'

// What the UDPSockets of both drafts have in common: where datagrams may go, and their multicast groups.

const { domException } = require('../../dom-exceptions.js')
const { bindFailure } = require('../../errors.js')
const { toGroup, toUdpOptions } = require('../../udp-options.js')
const { requirePermission } = require('./permissions.js')
const { invalidAccess, toPort, toRemoteHost } = require('./places.js')
const { toText } = require('../../convert.js')

/** The options of a UDPSocket, of which the draft has checked `remoteAddress`, too; and whether the socket may be made. */
function toOptions(value) {
  const options = toUdpOptions(value)
  if (options.remoteAddress !== null) toRemoteHost(options.remoteAddress)
  requirePermission('udp', options, 'UDPSocket')
  return options
}

/**
 * Where a datagram goes, `{ host, port }`: to the places given, or those in `options` where they are `null` or undefined. Throws an
 * InvalidAccessError where there is none, and a SecurityError where the policy does not allow it.
 */
function toDestination(remoteAddress, remotePort, options) {
  const address = remoteAddress ?? options.remoteAddress
  if (address === null) throw invalidAccess('write: there is no remoteAddress')
  const given = remotePort ?? options.remotePort
  if (given === null) throw invalidAccess('write: there is no remotePort')
  const text = toText(address, 'remoteAddress')
  const host = toRemoteHost(text)
  const port = toPort(given, 'remotePort')
  requirePermission('udp', { ...localOf(options), remoteAddress: text, remotePort: port }, 'write')
  return { host, port }
}

function localOf({ localAddress, localPort }) {
  return { localAddress, localPort }
}

/** The multicast groups that a socket was told to be in, or not: before it is bound those calls wait. */
class Groups {
  /** The native socket, when it is bound. */
  #handle = null
  #waiting = []
  #failed

  /** @param failed called with the system's Error of a group that was refused */
  constructor(failed) {
    this.#failed = failed
  }

  join(address) {
    this.#change('join', address)
  }

  leave(address) {
    this.#change('leave', address)
  }

  #change(method, address) {
    const group = toGroup(address)
    if (this.#handle === null) this.#waiting[this.#waiting.length] = { method, group }
    else this.#tell(method, group)
  }

  #tell(method, group) {
    try {
      this.#handle[method](group)
      return true
    } catch (error) {
      this.#failed(bindFailure(error, group, this.#handle.localPort, `${method}Multicast`))
      return false
    }
  }

  /** It is bound: `handle` is the native socket. Returns false where a group is refused, of which `failed` was told. */
  opened(handle) {
    this.#handle = handle
    for (let i = 0; i < this.#waiting.length; i++) {
      const { method, group } = this.#waiting[i]
      if (!this.#tell(method, group)) return false
    }
    this.#waiting = []
    return true
  }
}

function requireOpen(state, method) {
  if (state === 'closed') throw domException('InvalidStateError', `${method}: the socket is closed`)
}

module.exports = { Groups, requireOpen, toDestination, toOptions }
