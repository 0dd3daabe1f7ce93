'use strict'

// What a UDPSocket is made with, and where its datagrams go: converted and checked. Gecko's UDPOptions; each that is wrong is an
// InvalidAccessError where Gecko threw one, and a TypeError where WebIDL does.

const { TypeError } = require('./builtins.js')
const { describe, isPlainAddress, toDictionary, toHost, toText } = require('./convert.js')
const { domException } = require('./dom-exceptions.js')
const { isMulticast } = require('./ip-address.js')
const { MAX_PORT, inRange } = require('./webidl.js')

/** WebIDL `[EnforceRange] unsigned short` of a value that is called `what`. */
function toUint16(value, what) {
  const integer = inRange(value, 0, MAX_PORT)
  if (integer !== undefined) return integer
  throw new TypeError(`${what} ${describe(value)}: must be from 1 to 65535`)
}

/** A port to send to, or to receive at. */
function toUdpPort(value, what) {
  const port = toUint16(value, what)
  if (port === 0) throw domException('InvalidAccessError', `${what} 0: must be from 1 to 65535`)
  return port
}

function invalidAddress(what, address, form) {
  return domException('InvalidAccessError', `${what} ${describe(address)}: must be ${form}`)
}

/** `{ localAddress, localPort, remoteAddress, remotePort, addressReuse, loopback }`; what was not given is `null`. */
function toUdpOptions(value) {
  const options = toDictionary(value)
  const read = (name, convert) => {
    const given = options[name]
    return given === undefined ? null : convert(given, name)
  }
  // Gecko looks at them in this order.
  const remotePort = read('remotePort', toUdpPort)
  const localAddress = read('localAddress', toLocalAddress)
  const localPort = read('localPort', toUdpPort)
  return {
    localAddress,
    localPort,
    remoteAddress: read('remoteAddress', toText),
    remotePort,
    addressReuse: read('addressReuse', Boolean) ?? true,
    loopback: read('loopback', Boolean) ?? false,
  }
}

function toLocalAddress(value, what) {
  const address = toText(value, what)
  if (!isPlainAddress(address)) {
    throw invalidAddress(what, address, 'an IP address, such as "127.0.0.1" or "::"')
  }
  return address
}

/** The host that a datagram goes to, as the engine takes it. */
function toDestination(value) {
  return toHost(toText(value, 'remoteAddress'), 'remoteAddress')
}

/** A multicast address: 224.0.0.0 to 239.255.255.255, or one that begins with ff00 to ffff (RFC 5771, RFC 4291). */
function toGroup(value) {
  const address = toText(value, 'multicastGroupAddress')
  if (isPlainAddress(address) && isMulticast(address)) return address
  throw invalidAddress(
    'multicastGroupAddress',
    address,
    'a multicast address, such as "224.0.0.251" or "ff02::fb"',
  )
}

module.exports = { toDestination, toGroup, toUdpOptions, toUdpPort }
