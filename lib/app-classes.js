'use strict'

// TCPSocket, TCPServerSocket and UDPSocket of one application. They are constructors of their own, which hold its rights, over the one
// implementation: what they make is made there, and has their prototype, so that nothing that an application is given, a socket that its
// server accepts included, leads to a class with other rights. Methods are shared by all: they act on what they are called on, and make
// nothing.

const { ObjectDefineProperties, ObjectDefineProperty } = require('./builtins.js')
const { requireArguments } = require('./convert.js')
const { HandlerTarget } = require('./event-target.js')
const { makeEntrance } = require('./moz-tcp-socket.js')
const server = require('./tcp-server-socket.js')
const socket = require('./tcp-socket.js')
const datagrams = require('./udp-socket.js')

/** What instances have, as it is now: a program may replace it later, for the sockets that it makes itself. */
const SOCKET_MEMBERS = membersOf(socket.TCPSocket)
const SERVER_MEMBERS = membersOf(server.TCPServerSocket)
const DATAGRAM_MEMBERS = membersOf(datagrams.UDPSocket)

function membersOf(Class) {
  const members = Object.getOwnPropertyDescriptors(Class.prototype)
  delete members.constructor
  return { members, isInstance: Class.isInstance }
}

/** Gives `Class` what instances and the class itself have beside the constructor. */
function complete(Class, { members, isInstance }) {
  ObjectDefineProperties(Class.prototype, members)
  ObjectDefineProperty(Class, 'isInstance', {
    __proto__: null,
    value: { isInstance: (value) => isInstance(value) }.isInstance,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

/** `{ TCPSocket, TCPServerSocket, UDPSocket, mozTCPSocket }` of an application that has `rights`. */
function makeAppClasses(rights) {
  // A constructor that returns an object need not call `super`: the parent's is called where the implementation is.
  /* oxlint-disable no-constructor-return, constructor-super */
  class TCPSocket extends HandlerTarget {
    constructor(host, port, options) {
      requireArguments('TCPSocket constructor', arguments.length, 2)
      return socket.connectWith(rights, new.target, host, port, options)
    }
  }

  class TCPServerSocket extends HandlerTarget {
    constructor(port, options, backlog) {
      requireArguments('TCPServerSocket constructor', arguments.length, 1)
      return server.listenWith(rights, new.target, TCPSocket, port, options, backlog)
    }
  }

  class UDPSocket extends HandlerTarget {
    constructor(options) {
      return datagrams.bindWith(rights, new.target, options)
    }
  }
  /* oxlint-enable no-constructor-return, constructor-super */

  complete(TCPSocket, SOCKET_MEMBERS)
  complete(TCPServerSocket, SERVER_MEMBERS)
  complete(UDPSocket, DATAGRAM_MEMBERS)
  return { TCPSocket, TCPServerSocket, UDPSocket, mozTCPSocket: makeEntrance(TCPSocket, TCPServerSocket) }
}

module.exports = { makeAppClasses }
