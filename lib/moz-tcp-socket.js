'use strict'

// The first generation's way in: `navigator.mozTCPSocket`, an object that is itself a socket which was never
// connected, and the same two methods as statics of the second generation's class. Contract section 1.1, Q-47.

const { ObjectAssign } = require('./builtins.js')
const { requireArguments } = require('./convert.js')
const { TCPServerSocket, makeFirstGeneration } = require('./tcp-server-socket.js')
const { TCPSocket, makeUnconnected } = require('./tcp-socket.js')

/** Gives `Socket` its two statics, and makes the `mozTCPSocket` that makes sockets of it and servers of `Server`. */
function makeEntrance(Socket, Server) {
  const factory = {
    open(host, port, options) {
      requireArguments('TCPSocket.open', arguments.length, 2)
      return new Socket(host, port, options)
    },

    listen(port, options, backlog) {
      requireArguments('TCPSocket.listen', arguments.length, 1)
      return makeFirstGeneration(Server, port, options, backlog)
    },
  }
  ObjectAssign(Socket, factory)
  return ObjectAssign(makeUnconnected(Socket), factory)
}

const mozTCPSocket = makeEntrance(TCPSocket, TCPServerSocket)

module.exports = { makeEntrance, mozTCPSocket }
