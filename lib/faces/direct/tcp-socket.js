'use strict'

// TCPSocket of WICG Direct Sockets: a connection that is two streams once it is open.

const { requireArguments } = require('../../convert.js')
const { adoptAccepted, connect, toTarget } = require('./connection.js')
const { defineMembers } = require('./members.js')
const { requireUse } = require('./permissions.js')
const { TCP } = require('./profile.js')

/** Passed to the constructor in place of an address, with a native socket that is connected. */
const ACCEPTED = Symbol('accepted')

// oxlint-disable-next-line typescript/no-extraneous-class -- `defineMembers` gives it the others.
class TCPSocket {
  constructor(remoteAddress, remotePort, options = undefined) {
    if (remoteAddress === ACCEPTED) return adoptAccepted(this, remotePort, TCP, false)
    requireArguments('TCPSocket constructor', arguments.length, 2)
    const target = toTarget(remoteAddress, remotePort, options)
    requireUse('TCPSocket')
    connect(this, target, TCP, undefined)
  }
}

defineMembers(TCPSocket)

/** A TCPSocket of a native socket that a listener has accepted. */
function acceptedTcp(handle) {
  return new TCPSocket(ACCEPTED, handle)
}

module.exports = { TCPSocket, acceptedTcp }
