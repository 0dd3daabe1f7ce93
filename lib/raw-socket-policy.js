'use strict'

// The permission `raw-socket` of the W3C draft "TCP and UDP Socket API", as `setPolicy` takes it: what a manifest says, or a function that
// answers each request. The engine keeps for the whole process that there is one; the function itself belongs to the realm that set it.

const { ArrayIsArray, ReflectApply, TypeError } = require('./builtins.js')
const { describe } = require('./convert.js')
const { processPolicy } = require('./platform/native.js')

/** What the number that the engine keeps says. */
const MAY_NOT_USE = 1 << 4
const IS_ASKED = 1 << 5

/** The function that was set last in this realm; `null` where none was. */
let decider = null

/**
 * The bits for `permission`, which is that of a manifest. The draft's manifests have no types: where none was given the permission alone
 * counts, and a web application (`isWeb`) does not get it.
 */
function toRawSocketPolicy(permission, isWeb) {
  if (permission === undefined) return MAY_NOT_USE
  if (typeof permission === 'function') return IS_ASKED
  if (typeof permission !== 'object' || permission === null || ArrayIsArray(permission)) {
    throw new TypeError(
      `raw-socket ${describe(permission)}: must be an object, such as { description: "…" }, or a function that answers requests`,
    )
  }
  return isWeb ? MAY_NOT_USE : 0
}

/** `permission` is that of the policy of the process. */
function setDecider(permission) {
  decider = typeof permission === 'function' ? permission : null
}

/** The function that is asked now, or `null` where none is. */
function currentDecider() {
  return processPolicy() & IS_ASKED ? decider : null
}

/**
 * Whether `request` is allowed: "granted", "denied", or what the function of the policy answers, which may be anything. What that throws is
 * thrown.
 */
function askRawSocketPolicy(request) {
  const policy = processPolicy()
  if (policy & MAY_NOT_USE) return 'denied'
  if (!(policy & IS_ASKED)) return 'granted'
  // Another realm has set one, which cannot be called from here.
  return decider === null ? 'denied' : ReflectApply(decider, undefined, [request])
}

module.exports = { askRawSocketPolicy, currentDecider, setDecider, toRawSocketPolicy }
