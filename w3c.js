'use strict'

// `moz-tcp-socket/w3c`: the W3C draft "TCP and UDP Socket API" with streams. `w3c.d.ts` describes it, docs/w3c.md how it behaves.

const { tcpPermission, tcpServerPermission, udpPermission } = require('./lib/faces/w3c/permissions.js')
const { TCPServerSocket } = require('./lib/faces/w3c/tcp-server-socket.js')
const { TCPSocket } = require('./lib/faces/w3c/tcp-socket.js')
const { UDPSocket } = require('./lib/faces/w3c/udp-socket.js')

module.exports = { TCPSocket, TCPServerSocket, UDPSocket, tcpPermission, tcpServerPermission, udpPermission }
