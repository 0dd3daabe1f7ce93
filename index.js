'use strict'

// The package's public entry. `index.d.ts` describes what is exported here, `docs/api.md` how it behaves.

const { AllowList } = require('./lib/allow-list.js')
const {
  TCPServerSocketEvent,
  TCPSocketErrorEvent,
  TCPSocketEvent,
  UDPMessageEvent,
} = require('./lib/events.js')
const { mozTCPSocket } = require('./lib/moz-tcp-socket.js')
const { createGlobals, createNavigator } = require('./lib/navigator.js')
const { setPolicy } = require('./lib/policy.js')
const { TCPServerSocket } = require('./lib/tcp-server-socket.js')
const { TCPSocket } = require('./lib/tcp-socket.js')
const { UDPSocket } = require('./lib/udp-socket.js')

module.exports = {
  TCPSocket,
  TCPServerSocket,
  mozTCPSocket,
  setPolicy,
  createNavigator,
  createGlobals,
  AllowList,
  TCPSocketEvent,
  TCPSocketErrorEvent,
  TCPServerSocketEvent,
  UDPSocket,
  UDPMessageEvent,
}
