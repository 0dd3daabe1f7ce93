'use strict'

// The package's public entry. `index.d.ts` describes what is exported here, `docs/api.md` how it behaves.

const { AllowList } = require('./lib/allow-list.js')
const { TCPServerSocketEvent, TCPSocketErrorEvent, TCPSocketEvent } = require('./lib/events.js')
const { mozTCPSocket } = require('./lib/moz-tcp-socket.js')
const { setPolicy } = require('./lib/policy.js')
const { TCPServerSocket } = require('./lib/tcp-server-socket.js')
const { TCPSocket } = require('./lib/tcp-socket.js')

module.exports = {
  TCPSocket,
  TCPServerSocket,
  mozTCPSocket,
  setPolicy,
  AllowList,
  TCPSocketEvent,
  TCPSocketErrorEvent,
  TCPServerSocketEvent,
}
