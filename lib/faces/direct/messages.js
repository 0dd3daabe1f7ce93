'use strict'

// UDPMessages: from what a program writes to what the engine sends, and from what the engine receives to what a program reads.

const { ObjectFreeze, TypeError } = require('../../builtins.js')
const { describe, toDictionary, toView } = require('../../convert.js')
const { isMulticast } = require('../../ip-address.js')
const { isBytes, isEmpty } = require('../../streams/byte-chunks.js')
const { refusedDestination, refusedMulticast } = require('./permissions.js')
const { toDestination } = require('./udp-options.js')

/** The bytes of a message. */
function toData({ data }) {
  if (data === undefined) throw new TypeError('write: data is missing')
  if (!isBytes(data))
    throw new TypeError(`write: data ${describe(data)}: must be an ArrayBuffer or a view on one`)
  if (isEmpty(data)) throw new TypeError('write: data must not be empty')
  return toView('write', data)
}

/** Messages of a socket that has one peer. */
const OF_CONNECTED = ObjectFreeze({
  ofViews: true,
  toMessage: (data) => ({ data }),
  toDatagram(chunk) {
    const message = toDictionary(chunk)
    const data = toData(message)
    const { remoteAddress, remotePort, dnsQueryType } = message
    if ((remoteAddress ?? remotePort ?? dnsQueryType) !== undefined) {
      throw new TypeError(
        'write: remoteAddress, remotePort and dnsQueryType are not for a socket with a peer',
      )
    }
    return { data }
  },
})

/** Messages of a socket that hears everybody. */
const OF_BOUND = ObjectFreeze({
  ofViews: true,
  toMessage: (data, remoteAddress, remotePort) => ({ data, remoteAddress, remotePort }),
  toDatagram(chunk) {
    const message = toDictionary(chunk)
    const data = toData(message)
    if (message.remoteAddress === undefined || message.remotePort === undefined) {
      throw new TypeError('write: remoteAddress and remotePort are required of a socket with a localAddress')
    }
    const { host, port, family } = toDestination(message)
    const refused = refusedDestination(host) ?? (isMulticast(host) ? refusedMulticast() : undefined)
    if (refused !== undefined) throw refused
    return { data, host, port, family }
  },
})

module.exports = { OF_BOUND, OF_CONNECTED }
