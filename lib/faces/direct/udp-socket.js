'use strict'

// UDPSocket of WICG Direct Sockets: datagrams as two streams of messages.

const { eventChannel } = require('../../channel.js')
const { domException } = require('../../dom-exceptions.js')
const { bindFailure } = require('../../errors.js')
const { isMulticast } = require('../../ip-address.js')
const native = require('../../platform/native.js')
const { ReadableStreamGetLocked, WritableStreamGetLocked } = require('../../streams/builtins.js')
const { isRefusal, networkError } = require('../../streams/causes.js')
const { DatagramCore } = require('../../streams/datagrams.js')
const { adopt, defineMembers } = require('./members.js')
const { OF_BOUND, OF_CONNECTED } = require('./messages.js')
const { makeController } = require('./multicast-controller.js')
const {
  refusedAddress,
  refusedBinding,
  refusedDestination,
  refusedMulticast,
  refusedPort,
  requireUse,
} = require('./permissions.js')
const { refusal } = require('./profile.js')
const { toUdpOptions } = require('./udp-options.js')

/** Datagrams that wait for a reader; more wait in the kernel. */
const MOST_QUEUED = 32

// oxlint-disable-next-line typescript/no-extraneous-class -- `defineMembers` gives it the others.
class UDPSocket {
  constructor(options = undefined) {
    const made = toUdpOptions(options)
    requireUse('UDPSocket', true)
    start(this, made)
  }
}

defineMembers(UDPSocket)

function start(socket, made) {
  const { isConnected } = made
  let multicast
  const profile = {
    __proto__: null,
    name: 'A UDPSocket',
    queued: MOST_QUEUED,
    cancelled: undefined,
    flushes: false,
    abortFails: true,
    ...(isConnected ? OF_CONNECTED : OF_BOUND),
    toError: networkError,
    isFailureOf: isConnected ? () => 'all' : isFailureOfBound,
    toInfo(handle, { readable, writable }) {
      multicast = makeController(isConnected ? null : handle, core)
      const ends = isConnected ? remoteOf(handle) : undefined
      const { localAddress, localPort } = handle
      const refused = ends && refusedPeer(ends.remoteAddress)
      if (refused) core.abort(refused)
      return {
        readable,
        writable,
        ...ends,
        localAddress,
        localPort,
        multicastController: multicast.controller,
      }
    },
    refusal,
  }
  const core = new DatagramCore(() => bind(made), profile, { __proto__: null, isConnected })
  core.whenOver = () => multicast?.close()
  const { readable, writable } = core
  adopt(socket, core, () => ReadableStreamGetLocked(readable) || WritableStreamGetLocked(writable))
}

/** What a name has led to. */
function refusedPeer(address) {
  return (
    refusedAddress(address) ??
    (address !== undefined && isMulticast(address) ? refusedMulticast() : undefined)
  )
}

function remoteOf(handle) {
  const { remoteAddress, remotePort } = handle.ends() ?? { __proto__: null }
  return { remoteAddress, remotePort }
}

function isFailureOfBound(failure) {
  return isRefusal(failure) ? 'none' : 'writing'
}

/** The native socket. */
function bind(made) {
  const { isConnected, address, port, ipv6Only = false, host, family, error } = made
  const refused = error ?? refusedBy(made)
  if (refused !== undefined) throw refused
  const common = { __proto__: null, ...made.multicast, ...made.buffers, ipv6Only }
  try {
    return new native.UDPSocket(
      eventChannel(),
      isConnected
        ? { __proto__: null, ...common, port: 0, peer: { __proto__: null, host, port, family } }
        : { __proto__: null, ...common, address, port },
    )
  } catch (thrown) {
    const cause = bindFailure(thrown, address, port, 'bind')
    throw domException('NetworkError', cause.message, cause)
  }
}

/** The error of what the policy does not allow. */
function refusedBy({ isConnected, host, port, isMulticast: hasMulticastOptions }) {
  const isForGroups = hasMulticastOptions || (isConnected && isMulticast(host))
  return (
    (isForGroups ? refusedMulticast() : undefined) ??
    (isConnected ? refusedDestination(host) : (refusedBinding() ?? refusedPort(port, true)))
  )
}

module.exports = { UDPSocket }
