'use strict'

// Node's permission model, where it covers the network (`--allow-net`, Node.js 25 and later). Node enforces it in its own
// sockets only; an addon opens its sockets itself, so it has to ask, or loading it would get around the switch.

const { Error, ReflectApply } = require('../builtins.js')

/** Undefined without the permission model. Taken now, so that nobody can put a more generous one in its place. */
const permission = process.permission
const has = permission?.has

/** An older Node.js has no switch for the network, and answers no to everything it does not know. */
const isCovered = typeof has === 'function' && process.allowedNodeEnvironmentFlags.has('--allow-net')

/** Throws what `node:fs` throws where Node.js was not started with `--allow-net`, or has dropped that since. */
function requireNetwork() {
  if (!isCovered || ReflectApply(has, permission, ['net'])) return
  const error = new Error('Access to this API has been restricted. Use --allow-net to manage permissions.')
  error.code = 'ERR_ACCESS_DENIED'
  error.permission = 'Net'
  throw error
}

module.exports = { requireNetwork }
