'use strict'

// The first generation's way in: `navigator.mozTCPSocket`, an object that is itself a socket which was never
// connected, and the same two methods as statics of the second generation's class. Contract section 1.1, Q-47.

const { requireArguments } = require('./convert.js')
const { makeFirstGeneration } = require('./tcp-server-socket.js')
const { UNCONNECTED, TCPSocket } = require('./tcp-socket.js')

const factory = {
  open(host, port, options) {
    requireArguments('TCPSocket.open', arguments.length, 2)
    return new TCPSocket(host, port, options)
  },

  listen(port, options, backlog) {
    requireArguments('TCPSocket.listen', arguments.length, 1)
    return makeFirstGeneration(port, options, backlog)
  },
}

const mozTCPSocket = Object.assign(new TCPSocket(UNCONNECTED), factory)
Object.assign(TCPSocket, factory)

module.exports = { mozTCPSocket }
