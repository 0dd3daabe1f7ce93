'use strict'

// `moz-tcp-socket/direct`: WICG Direct Sockets. `direct.d.ts` describes it, docs/direct.md how it behaves.

const { MulticastController } = require('./lib/faces/direct/multicast-controller.js')
const { TCPServerSocket } = require('./lib/faces/direct/tcp-server-socket.js')
const { TCPSocket } = require('./lib/faces/direct/tcp-socket.js')
const { TLSServerSocket, TLSSocket } = require('./lib/faces/direct/tls-socket.js')
const { UDPSocket } = require('./lib/faces/direct/udp-socket.js')

module.exports = { MulticastController, TCPServerSocket, TCPSocket, TLSServerSocket, TLSSocket, UDPSocket }
