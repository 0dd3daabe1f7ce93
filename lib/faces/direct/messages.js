'use strict'

// UDPMessages: from what a program writes to what the engine sends, and from what the engine receives to what a program reads.

const { ObjectFreeze, TypeError } = require('../../builtins.js')
const { describe, toDictionary, toView } = require('../../convert.js')
const { isBytes, isEmpty } = require('../../streams/byte-chunks.js')
const { refusedDestination, refusedGroup } = require('./permissions.js')
const { toDestination } = require('./udp-options.js')

/** The bytes of a message. They are looked at last, because a getter of another member may change them. */
function toData(data) {
  if (isEmpty(data)) throw new TypeError('write: data must not be empty')
  return toView('write', data)
}

/** The members of a message, each read once. */
function membersOf(chunk) {
  const { data, dnsQueryType, remoteAddress, remotePort } = toDictionary(chunk)
  if (data === undefined) throw new TypeError('write: data is missing')
  if (!isBytes(data))
    throw new TypeError(`write: data ${describe(data)}: must be an ArrayBuffer or a view on one`)
  return { data, dnsQueryType, remoteAddress, remotePort }
}

/** Messages of a socket that has one peer. */
const OF_CONNECTED = ObjectFreeze({
  __proto__: null,
  ofViews: true,
  toMessage: (data) => ({ data }),
  toDatagram(chunk) {
    const { data, dnsQueryType, remoteAddress, remotePort } = membersOf(chunk)
    if ((remoteAddress ?? remotePort ?? dnsQueryType) !== undefined) {
      throw new TypeError(
        'write: remoteAddress, remotePort and dnsQueryType are not for a socket with a peer',
      )
    }
    return { __proto__: null, data: toData(data) }
  },
})

/** Messages of a socket that hears everybody. */
const OF_BOUND = ObjectFreeze({
  __proto__: null,
  ofViews: true,
  toMessage: (data, remoteAddress, remotePort) => ({ data, remoteAddress, remotePort }),
  toDatagram(chunk) {
    const members = membersOf(chunk)
    if (members.remoteAddress === undefined || members.remotePort === undefined) {
      throw new TypeError('write: remoteAddress and remotePort are required of a socket with a localAddress')
    }
    const { host, port, family } = toDestination(members)
    const refused = refusedDestination(host) ?? refusedGroup(host)
    if (refused !== undefined) throw refused
    return { __proto__: null, data: toData(members.data), host, port, family }
  },
})

module.exports = { OF_BOUND, OF_CONNECTED }
