'use strict'

// What an application may do, where a policy says so (decisions ). Firefox OS took that from the manifest of
// the application; Node.js has neither, so everything is allowed until `setPolicy` is called. Contract sections 1.1, 8.1
// and 8.3. The engine keeps the policy, for the process; each socket that is made asks. One application alone has its rights
// from rights.js, beside that.

const { ArrayIsArray, Error, SafeMap, TypeError } = require('./builtins.js')
const { describe } = require('./convert.js')
const { processPolicy, setProcessPolicy } = require('./platform/native.js')
const { toPermissionsPolicy } = require('./permissions-policy.js')
const { requireNetwork } = require('./platform/network-permission.js')
const { setDecider, toRawSocketPolicy } = require('./raw-socket-policy.js')

const TYPES = new SafeMap([
  ['web', 'web'],
  ['privileged', 'privileged'],
  ['certified', 'certified'],
])

/** In `b2g_features` KaiOS 3 has names of its own, too. */
const KAIOS_TYPES = new SafeMap([
  ['web', 'web'],
  ['privileged', 'privileged'],
  ['certified', 'certified'],
  ['pwa', 'web'],
  ['signed', 'privileged'],
  ['core', 'certified'],
])

const TYPE_NAMES = '"web", "privileged" or "certified"'
const KAIOS_TYPE_NAMES = '"web", "privileged", "certified", "pwa", "signed" or "core"'

/** MDN: ports below are for certified applications to listen on. */
const FIRST_FREE_PORT = 1024

/** What the number that the engine keeps says. Without a policy it is 0, which forbids nothing. */
const MAY_NOT_USE = 1
const MAY_NOT_LISTEN_BELOW = 2
const MAY_NOT_USE_UDP = 4

/** From now on sockets are made as `manifest`, that of a Firefox OS application, allows it. `null`: as without one. */
function setPolicy(manifest) {
  const { policy, rawSocket } = manifest === null ? NOTHING : readPolicy(manifest, 'policy')
  setDecider(rawSocket)
  setProcessPolicy(policy)
}

/** The number for `manifest`. `name` is what errors call it. */
function toPolicy(manifest, name = 'policy') {
  return readPolicy(manifest, name).policy
}

const NOTHING = { policy: 0, rawSocket: undefined }

/** The same, and the permission `raw-socket` as it is in the manifest. */
function readPolicy(manifest, name) {
  // Its own properties alone: one that somebody put on a prototype grants nothing.
  const whole = ownProperties(name, manifest, 'a manifest, or null for none')
  // KaiOS 3 reads this member alone, and older systems do not know it.
  const inner = whole.b2g_features
  const isKaios = inner !== undefined
  const features = isKaios
    ? ownProperties('b2g_features', inner, 'an object, with type and permissions')
    : whole
  const { type: given, permissions = {} } = features
  const named = given === undefined ? 'web' : given
  let type = (isKaios ? KAIOS_TYPES : TYPES).get(named)
  if (type === undefined) {
    throw new TypeError(`type ${describe(named)}: must be ${isKaios ? KAIOS_TYPE_NAMES : TYPE_NAMES}`)
  }
  if (isKaios && features.core !== undefined) {
    if (typeof features.core !== 'boolean') {
      throw new TypeError(`core ${describe(features.core)}: must be true or false`)
    }
    // Part of the system, whatever its type says.
    if (features.core) type = 'certified'
  }
  const asked = ownProperties('permissions', permissions, 'an object')
  const rawSocket = asked['raw-socket']
  const policy =
    (has(asked, 'tcp-socket', type) ? 0 : MAY_NOT_USE) |
    (has(asked, 'udp-socket', type) ? 0 : MAY_NOT_USE_UDP) |
    (type === 'certified' ? 0 : MAY_NOT_LISTEN_BELOW) |
    toRawSocketPolicy(rawSocket, given !== undefined && type === 'web') |
    toPermissionsPolicy(whole.permissions_policy, type === 'web')
  return { policy, rawSocket }
}

/** Whether an application of `type` that asks for the permissions `asked` has the one called `name`. */
function has(asked, name, type) {
  const permission = asked[name]
  if (permission === undefined) return false
  ownProperties(name, permission, 'an object, such as { description: "…" }')
  // A web application never had it, whatever its manifest said.
  return type !== 'web'
}

/** Whether `policy` has the permission for TCP. */
function mayUse(policy) {
  return !(policy & MAY_NOT_USE)
}

/** Whether `policy` has the one for datagrams. */
function mayUseUdp(policy) {
  return !(policy & MAY_NOT_USE_UDP)
}

function ownProperties(name, value, form) {
  if (typeof value !== 'object' || value === null || ArrayIsArray(value)) {
    throw new TypeError(`${name} ${describe(value)}: must be ${form}`)
  }
  return { __proto__: null, ...value }
}

/** Throws, in the words of the first generation, where `policy` does not let sockets be made at all. */
function checkUse(policy) {
  if (policy & MAY_NOT_USE) throw new Error('TCPSocket does not have permission in this context.\n')
}

/** The same for datagram sockets. */
function checkUseUdp(policy) {
  if (policy & MAY_NOT_USE_UDP) throw new Error('UDPSocket does not have permission in this context.\n')
}

/** Throws where `policy` does not let anybody listen on `port`. 0 is allowed: the system picks none of those. */
function checkListen(policy, port) {
  if (port === 0 || port >= FIRST_FREE_PORT || !(policy & MAY_NOT_LISTEN_BELOW)) return
  throw new Error(`port ${port}: only a certified application may listen below ${FIRST_FREE_PORT}`)
}

/** What may be done with the classes that the package exports: what goes for every socket of the process. */
const PROCESS_RIGHTS = {
  /** Throws where Node itself lets nobody use the network. */
  requireNetwork,
  requirePermission() {
    requireNetwork()
    checkUse(processPolicy())
  },
  requireUdpPermission() {
    requireNetwork()
    checkUseUdp(processPolicy())
  },
  requireConnect() {},
  requirePort(port) {
    checkListen(processPolicy(), port)
  },
  requireListen() {},
}

module.exports = {
  PROCESS_RIGHTS,
  checkListen,
  checkUse,
  checkUseUdp,
  mayUse,
  mayUseUdp,
  setPolicy,
  toPolicy,
}
