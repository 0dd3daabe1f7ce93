'use strict'

// What an application may do, where a policy says so (decisions ). Firefox OS took that from the manifest of
// the application; Node.js has neither, so everything is allowed until `setPolicy` is called. Contract sections 1.1, 8.1
// and 8.3.

const { describe } = require('./convert.js')
const { requireNetwork } = require('./network-permission.js')

const TYPES = new Set(['web', 'privileged', 'certified'])

/** MDN: ports below are for certified applications to listen on. */
const FIRST_FREE_PORT = 1024

const EVERYTHING = { mayUse: true, mayListenAnywhere: true }

let policy = EVERYTHING

/** From now on sockets are made as `manifest`, that of a Firefox OS application, allows it. `null`: as without one. */
function setPolicy(manifest) {
  policy = manifest === null ? EVERYTHING : toPolicy(manifest)
}

function toPolicy(manifest) {
  // Its own properties alone: one that somebody put on a prototype grants nothing.
  const { type = 'web', permissions = {} } = own('policy', manifest, 'a manifest, or null for none')
  if (!TYPES.has(type)) {
    throw new TypeError(`type ${describe(type)}: must be "web", "privileged" or "certified"`)
  }
  const permission = own('permissions', permissions, 'an object')['tcp-socket']
  if (permission !== undefined) own('tcp-socket', permission, 'an object, such as { description: "…" }')
  return {
    // A web application never had it, whatever its manifest said.
    mayUse: permission !== undefined && type !== 'web',
    mayListenAnywhere: type === 'certified',
  }
}

function own(name, value, form) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} ${describe(value)}: must be ${form}`)
  }
  return { __proto__: null, ...value }
}

/** Throws, in the words of the first generation, where sockets may not be made at all. */
function requirePermission() {
  requireNetwork()
  if (!policy.mayUse) throw new Error('TCPSocket does not have permission in this context.\n')
}

/** Throws where `port` is not one to listen on. 0 is: the system picks none of those. */
function requireListenable(port) {
  if (policy.mayListenAnywhere || port === 0 || port >= FIRST_FREE_PORT) return
  throw new Error(`port ${port}: only a certified application may listen below ${FIRST_FREE_PORT}`)
}

module.exports = { setPolicy, requirePermission, requireListenable }
