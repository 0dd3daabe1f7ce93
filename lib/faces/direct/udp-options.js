'use strict'

// Options of UDPSocket: from what a program passes to what the engine takes. A socket is connected, to one peer, or bound, to hear everybody;
// which of the two it is follows from what is given, and each has options of its own.

const { TypeError } = require('../../builtins.js')
const { describe, toDictionary, toHost, toText } = require('../../convert.js')
const { ipVersion } = require('../../platform/native.js')
const { MAX_PORT, toIp, toRange } = require('../../webidl.js')
const { unreachable } = require('./errors.js')
const { optional, toBufferSize, toFamily } = require('./tcp-options.js')

const MAX_HOPS = 255

/**
 * `{ isConnected, isMulticast, multicast, buffers }`, with `{ host, port, family }` of a peer or `{ address, port, ipv6Only }`. `error` is what the promises
 * reject with where a value is only known to be wrong when it is used.
 */
function toUdpOptions(value) {
  const options = toDictionary(value)
  const given = {
    remoteAddress: optional(options.remoteAddress, (address) => toText(address, 'remoteAddress')),
    remotePort: optional(options.remotePort, (port) => toRange(port, 'remotePort', 0, MAX_PORT)),
    localAddress: optional(options.localAddress, (address) => toText(address, 'localAddress')),
    localPort: optional(options.localPort, (port) => toRange(port, 'localPort', 0, MAX_PORT)),
  }
  const isConnected = isForOnePeer(given)
  if (isConnected && options.ipv6Only !== undefined) {
    throw new TypeError('ipv6Only: is for a socket with a localAddress')
  }
  const place = isConnected ? toPeer(given, options) : toPlace(given, options)
  return {
    __proto__: null,
    isConnected,
    ...toMulticast(options),
    ...place,
    buffers: {
      sendBufferSize: toBufferSize(options, 'sendBufferSize'),
      receiveBufferSize: toBufferSize(options, 'receiveBufferSize'),
    },
  }
}

function isForOnePeer({ remoteAddress, remotePort, localAddress, localPort }) {
  if ((remoteAddress === undefined) !== (remotePort === undefined)) {
    throw new TypeError('remoteAddress and remotePort: either needs the other')
  }
  if (remoteAddress !== undefined) {
    if (localAddress !== undefined || localPort !== undefined) {
      throw new TypeError('localAddress and localPort: are not for a socket with a remoteAddress')
    }
    return true
  }
  if (localAddress === undefined) {
    const why = localPort === undefined ? 'one of the two is required' : 'localPort needs localAddress'
    throw new TypeError(`remoteAddress or localAddress: ${why}`)
  }
  return false
}

function toPeer({ remoteAddress, remotePort }, options) {
  const family = toFamily(options)
  if (remotePort === 0) {
    const error = unreachable(`connect to ${remoteAddress} port 0: there is none`, 'EADDRNOTAVAIL', 'connect')
    return { __proto__: null, error, family }
  }
  try {
    return { __proto__: null, host: toHost(remoteAddress, 'remoteAddress'), port: remotePort, family }
  } catch (cause) {
    return { __proto__: null, error: unreachable(cause.message, 'ENOTFOUND', 'getaddrinfo'), family }
  }
}

function toPlace({ localAddress, localPort }, options) {
  const address = toIp(localAddress, 'localAddress')
  if (localPort === 0)
    throw new TypeError('localPort 0: must be from 1 to 65535; any port is what it gets without')
  if (options.dnsQueryType !== undefined) {
    throw new TypeError('dnsQueryType: is for a socket with a remoteAddress, and for messages')
  }
  const { ipv6Only } = options
  if (ipv6Only !== undefined && address !== '::') {
    throw new TypeError(`ipv6Only ${describe(ipv6Only)}: is for the address "::" alone`)
  }
  return { __proto__: null, address, port: localPort ?? 0, ipv6Only: !!ipv6Only }
}

function toMulticast(options) {
  const {
    multicastAllowAddressSharing: sharing,
    multicastTimeToLive: hops,
    multicastLoopback: loop,
  } = options
  return {
    isMulticast: (sharing ?? hops ?? loop) !== undefined,
    multicast: {
      reuseAddress: !!sharing,
      multicastHops: optional(hops, (count) => toRange(count, 'multicastTimeToLive', 0, MAX_HOPS)) ?? 1,
      multicastLoop: loop === undefined ? true : !!loop,
    },
  }
}

/** Where a message goes to, of a bound socket; the engine drops nothing silently that it was given. */
function toDestination({ remoteAddress, remotePort, dnsQueryType }) {
  const text = toText(remoteAddress, 'remoteAddress')
  const port = toRange(remotePort, 'remotePort', 0, MAX_PORT)
  const family = toFamily({ dnsQueryType })
  let host
  try {
    host = toHost(text, 'remoteAddress')
  } catch (cause) {
    throw unreachable(cause.message, 'ENOTFOUND', 'getaddrinfo')
  }
  return { host, port, family: ipVersion(host) === 0 ? family : undefined }
}

module.exports = { toDestination, toUdpOptions }
