'use strict'

// What the policy of the process allows (`setPolicy` of the main entry): everything, unless there is one. The specification's errors for what is
// not allowed: NotAllowedError, thrown by constructors, and of the promises where it depends on the destination.

const { domException } = require('../../dom-exceptions.js')
const { isMulticast } = require('../../ip-address.js')
const { grants, hasPermissionsPolicy, hasWebPorts, policyFor } = require('../../permissions-policy.js')
const { ipVersion, processPolicy } = require('../../platform/native.js')
const { PROCESS_RIGHTS } = require('../../policy.js')

/** Chrome: TCPServerSocket gets no lower port, and a bound UDPSocket none of the well-known ones. */
const FIRST_TCP_PORT = 32_768
const FIRST_UDP_PORT = 1024

function notAllowed(message, cause) {
  return domException('NotAllowedError', message, cause)
}

/** Throws where no socket may be made. `name` is the class, `isUdp` whether it is about datagrams. */
function requireUse(name, isUdp = false) {
  try {
    const policy = processPolicy()
    if (hasPermissionsPolicy(policy)) {
      if (!grants(policy, 'direct-sockets')) throw missing('direct-sockets')
      // Node's own permission model.
      return PROCESS_RIGHTS.requireNetwork()
    }
    if (isUdp) PROCESS_RIGHTS.requireUdpPermission()
    else PROCESS_RIGHTS.requirePermission()
  } catch (cause) {
    throw notAllowed(`${name}: ${cause.message}`, cause)
  }
}

function missing(policy) {
  return notAllowed(`the policy "${policy}" does not allow it`)
}

/** The error of a connection to `host`, or `undefined` where it is allowed. What a name leads to is asked for once it is connected. */
function refusedDestination(host) {
  return ipVersion(host) === 0 ? undefined : refusedAddress(host)
}

/** The same of an IP address that it has led to; `undefined` where nobody knows any more. */
function refusedAddress(address) {
  if (address === undefined) {
    return hasPermissionsPolicy(processPolicy()) ? missing('local-network') : undefined
  }
  const policy = policyFor(address)
  return policy === undefined || grants(processPolicy(), policy)
    ? undefined
    : notAllowed(`connect to ${address}: the policy "${policy}" does not allow it`)
}

/** The error of a listener on `port`, 0 for any, or `undefined`. */
function refusedPort(port, isUdp = false) {
  const first = isUdp ? FIRST_UDP_PORT : FIRST_TCP_PORT
  return port === 0 || port >= first || !hasWebPorts(processPolicy())
    ? undefined
    : notAllowed(`port ${port}: a web application may have those from ${first} on`)
}

/** The error of a socket that receives from everybody, or `undefined`. */
function refusedBinding() {
  const policy = processPolicy()
  const needed = ['local-network', 'loopback-network']
  for (let i = 0; i < needed.length; i++) if (!grants(policy, needed[i])) return missing(needed[i])
  return undefined
}

/** The error of a datagram to `host`, or `undefined`. A name might be one of a group. */
function refusedGroup(host) {
  return ipVersion(host) === 0 || isMulticast(host) ? refusedMulticast() : undefined
}

/** The error of whatever concerns groups, or `undefined`. */
function refusedMulticast() {
  return grants(processPolicy(), 'direct-sockets-multicast') ? undefined : missing('direct-sockets-multicast')
}

module.exports = {
  refusedAddress,
  refusedBinding,
  refusedDestination,
  refusedGroup,
  refusedMulticast,
  refusedPort,
  requireUse,
}
