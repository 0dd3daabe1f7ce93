'use strict'

// `node --import moz-tcp-socket/w3c/register app.js`: puts the classes of the draft on the global object, and its permissions on `navigator`.
// What is there already stays.

const api = require('../w3c.js')

/** Node has had a `navigator` since version 21. */
if (typeof navigator !== 'object' || navigator === null) {
  define(globalThis, 'navigator', { userAgent: `Node.js/${process.versions.node.split('.')[0]}` })
}
for (const [name, value] of Object.entries(api)) {
  const target = name.endsWith('Permission') ? navigator : globalThis
  if (target[name] === undefined) {
    define(target, name, value)
  } else if (target[name] !== value) {
    process.emitWarning(
      `${name}: is there already, and stays; moz-tcp-socket/w3c/register has put no other in its place.`,
      { code: 'MOZ_TCP_SOCKET_REGISTERED' },
    )
  }
}

function define(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}
