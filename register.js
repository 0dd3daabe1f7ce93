'use strict'

// `require('moz-tcp-socket/register')`, or `node --import moz-tcp-socket/register app.js`: puts the API where Firefox
// OS had it, on `navigator` and on the global object, and leaves alone what is there.

const api = require('./index.js')

const { mozTCPSocket } = api

// The classes, that is. `setPolicy` was not there, and is not for applications.
for (const [name, value] of Object.entries(api))
  if (/^(?:TCP|UDP)/.test(name)) define(globalThis, name, value)
define(ownNavigator(), 'mozTCPSocket', mozTCPSocket)
// What drafts called it first; applications ask for `navigator.TCPSocket || navigator.mozTCPSocket`.
define(navigator, 'TCPSocket', mozTCPSocket)

/** Node has had a `navigator` since version 21. */
function ownNavigator() {
  if (typeof navigator !== 'object' || navigator === null) {
    define(globalThis, 'navigator', { userAgent: `Node.js/${process.versions.node.split('.')[0]}` })
  }
  return navigator
}

function define(target, name, value) {
  if (name in target && target[name] !== undefined) return
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}
