'use strict'

// `moz-tcp-socket/w3c/events`: the draft "Raw Socket API" of 2013, with events. `events.d.ts` describes it, docs/w3c.md how it behaves.

const { ConnectEvent, SocketErrorEvent, UDPMessageEvent } = require('../lib/faces/w3c/events/classes.js')
const { TCPServerSocket } = require('../lib/faces/w3c/events/tcp-server-socket.js')
const { TCPSocket } = require('../lib/faces/w3c/events/tcp-socket.js')
const { UDPSocket } = require('../lib/faces/w3c/events/udp-socket.js')
const { tcpPermission, tcpServerPermission, udpPermission } = require('../lib/faces/w3c/permissions.js')

module.exports = {
  TCPSocket,
  TCPServerSocket,
  UDPSocket,
  ConnectEvent,
  SocketErrorEvent,
  UDPMessageEvent,
  tcpPermission,
  tcpServerPermission,
  udpPermission,
}
