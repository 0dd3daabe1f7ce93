'use strict'

// Where a UDPSocket with Gecko's options receives, and how much it can send: the same for Gecko's own and for both drafts of W3C.

const { RangeError, StringPrototypeIncludes } = require('./builtins.js')
const { eventChannel } = require('./channel.js')
const { bindFailure } = require('./errors.js')
const native = require('./platform/native.js')

/** The most bytes of a datagram, whose length has 16 bits; over IPv4 that counts headers of 28 bytes as well. */
const MOST_BYTES = 65_535
const MOST_BYTES_V4 = 65_507

/** The address that a socket receives at: all of IPv4 where none was chosen, or all where its destination is an IPv6 address. */
function addressOf({ localAddress, remoteAddress }) {
  const isV6 = remoteAddress !== null && StringPrototypeIncludes(remoteAddress, ':')
  return localAddress ?? (isV6 ? '::' : '0.0.0.0')
}

/** The native socket, which is bound, of what `toUdpOptions` returns. Throws the system's Error where that is refused. */
function bindUdp(options) {
  const { localPort, addressReuse, loopback } = options
  const address = addressOf(options)
  const port = localPort ?? 0
  try {
    return new native.UDPSocket(eventChannel(), {
      __proto__: null,
      address,
      port,
      reuseAddress: addressReuse,
      ipv6Only: false,
      multicastLoop: loopback,
    })
  } catch (error) {
    throw bindFailure(error, address, port, 'bind')
  }
}

/** Throws where `length` bytes do not fit into a datagram of a socket at `localAddress`. */
function requireLength(length, localAddress) {
  const most = StringPrototypeIncludes(localAddress, ':') ? MOST_BYTES : MOST_BYTES_V4
  if (length > most)
    throw new RangeError(`send: ${length} bytes are too many for a datagram; the most is ${most}`)
}

module.exports = { addressOf, bindUdp, requireLength }
