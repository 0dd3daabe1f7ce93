'use strict'

// Addresses and ports that the draft's constructors get. One that cannot be is an InvalidAccessError.

const { domException } = require('../../dom-exceptions.js')
const { describe, isPlainAddress, toHost, toText } = require('../../convert.js')
const { bindFailure } = require('../../errors.js')
const { eventChannel } = require('../../channel.js')
const native = require('../../platform/native.js')
const { toUdpPort } = require('../../udp-options.js')

const { ipVersion } = native

function invalidAccess(message, cause) {
  return domException('InvalidAccessError', message, cause)
}

/** A name or an IP address, as the engine takes it. */
function toRemoteHost(text, what = 'remoteAddress') {
  try {
    return toHost(text, what)
  } catch (cause) {
    throw invalidAccess(cause.message, cause)
  }
}

/** An IP address of this machine, in text: whether it is one of this machine's, `requireLocal` says. */
function toLocalAddress(value, what = 'localAddress') {
  const text = toText(value, what)
  if (!isPlainAddress(text)) {
    throw invalidAccess(`${what} ${describe(text)}: must be an IP address, such as "127.0.0.1" or "::"`)
  }
  return text
}

/** Throws where no interface has `address`, or none from which `host` can be reached that is of another version of IP. */
function requireLocal(address, host) {
  const theirs = ipVersion(host)
  if (theirs !== 0 && theirs !== ipVersion(address)) {
    throw invalidAccess(`localAddress "${address}": must be an IPv${theirs} address, as remoteAddress is`)
  }
  let probe
  try {
    // The system says so when something is bound there. A datagram socket is bound at once, and nobody notices.
    probe = new native.UDPSocket(eventChannel(), {
      __proto__: null,
      address,
      port: 0,
      reuseAddress: false,
      ipv6Only: false,
      multicastLoop: false,
    })
  } catch (error) {
    const cause = bindFailure(error, address, 0, 'bind')
    if (isNotLocal(cause)) throw notLocal(cause)
    // Whatever else is the matter, who connects will hear of it.
    return
  }
  probe.close()
}

/** The exception of a `localAddress` that the system refuses for the reason `cause`. */
function notLocal(cause) {
  return invalidAccess(`localAddress: no interface of this machine has it (${cause.message})`, cause)
}

/** Whether the system says, by `cause`, that no interface has an address. */
function isNotLocal(cause) {
  return cause.code === 'EADDRNOTAVAIL'
}

module.exports = {
  invalidAccess,
  isNotLocal,
  notLocal,
  requireLocal,
  toLocalAddress,
  toPort: toUdpPort,
  toRemoteHost,
}
