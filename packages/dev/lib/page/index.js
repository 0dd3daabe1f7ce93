'use strict'

// The API in a page or worker: what it gets before its first script. `moz-tcp-socket` is the facade as it is; only the files of its
// platform folder are those beside this one, which reach the engine in Node.js over the bridge.

const { config } = require('./config.js')

/** As on the device: with the permission everything is there, without it the first generation's object, which throws, or nothing. */
function install() {
  const { TCPSocketEvent, TCPSocketErrorEvent, TCPServerSocketEvent, ...api } = require('moz-tcp-socket')
  const { mozTCPSocket, TCPSocket, TCPServerSocket } = api
  if (!config.mayUse && config.generation >= 3) return
  define(navigator, 'mozTCPSocket', mozTCPSocket)
  if (!config.mayUse) return
  const classes = { TCPSocket, TCPServerSocket, TCPSocketEvent, TCPSocketErrorEvent, TCPServerSocketEvent }
  for (const [name, Class] of Object.entries(classes)) define(globalThis, name, Class)
  // What drafts called it first; applications ask for `navigator.TCPSocket || navigator.mozTCPSocket`.
  define(navigator, 'TCPSocket', mozTCPSocket)
}

function define(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}

// Without it, this is a worker that imported the script a second time.
if (config !== undefined) install()
