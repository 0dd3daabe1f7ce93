'use strict'

// `permissions_policy` of the manifest of an Isolated Web App: which of the policies of Direct Sockets it has. `setPolicy` takes it, and
// moz-tcp-socket/direct asks for it. WICG Direct Sockets, "Permissions Policy integration"; pull requests 84 and 85 there.

const { ArrayIsArray, ObjectHasOwn, TypeError } = require('./builtins.js')
const { describe } = require('./convert.js')
const { addressBytes, isWithin, network } = require('./ip-address.js')

/** What the number that the engine keeps says. */
const IS_GIVEN = 1 << 8
const MAY_USE = 1 << 9
const MAY_REACH_LOCAL = 1 << 10
const MAY_REACH_LOOPBACK = 1 << 11
const MAY_MULTICAST = 1 << 12
const HAS_WEB_PORTS = 1 << 13

const POLICIES = {
  'direct-sockets': MAY_USE,
  // Which the next two replace.
  'direct-sockets-private': MAY_REACH_LOCAL | MAY_REACH_LOOPBACK,
  'local-network': MAY_REACH_LOCAL,
  'loopback-network': MAY_REACH_LOOPBACK,
  'direct-sockets-multicast': MAY_MULTICAST,
}

/** The bits of a manifest's member `value`. Each policy is a list of origins, of which "self" and "*" are the application. */
function toPermissionsPolicy(value, isWeb) {
  if (value === undefined) return 0
  if (typeof value !== 'object' || value === null || ArrayIsArray(value)) {
    throw new TypeError(
      `permissions_policy ${describe(value)}: must be an object, such as { "direct-sockets": ["self"] }`,
    )
  }
  let bits = IS_GIVEN | (isWeb ? HAS_WEB_PORTS : 0)
  for (const name of Object.keys(POLICIES)) {
    if (ObjectHasOwn(value, name) && isGranted(value[name], name)) bits |= POLICIES[name]
  }
  return bits
}

function isGranted(origins, name) {
  if (!ArrayIsArray(origins)) {
    throw new TypeError(`${name} ${describe(origins)}: must be an array of origins, such as ["self"]`)
  }
  for (let i = 0; i < origins.length; i++) {
    if (origins[i] === 'self' || origins[i] === '*') return true
  }
  return false
}

/** Networks of private addresses: RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
const LOCAL = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
].map(([address, bits]) => network(address, bits))
/** What leads to this machine, the unspecified address included. */
const LOOPBACK = [
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['::1', 128],
  ['::', 128],
].map(([address, bits]) => network(address, bits))

function isOneOf(bytes, networks) {
  for (let i = 0; i < networks.length; i++) if (isWithin(bytes, networks[i])) return true
  return false
}

/** The policy that a connection to `address` needs besides, or `undefined`: of an IP address. */
function policyFor(address) {
  const bytes = addressBytes(address)
  if (bytes === undefined) return undefined
  if (isOneOf(bytes, LOOPBACK)) return 'loopback-network'
  return isOneOf(bytes, LOCAL) ? 'local-network' : undefined
}

/** Whether `policy`, the number that the engine keeps, has a `permissions_policy`, and whether that grants `name`. */
function grants(policy, name) {
  return (policy & IS_GIVEN) === 0 || (policy & POLICIES[name]) !== 0
}

module.exports = {
  grants,
  hasPermissionsPolicy: (policy) => (policy & IS_GIVEN) !== 0,
  hasWebPorts: (policy) => (policy & HAS_WEB_PORTS) !== 0,
  policyFor,
  toPermissionsPolicy,
}
