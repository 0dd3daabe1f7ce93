'use strict'

// TCPServerSocket of WICG Direct Sockets: a listener whose connections are a stream.

const { requireArguments } = require('../../convert.js')
const { listen } = require('./listening.js')
const { defineMembers } = require('./members.js')
const { requireUse } = require('./permissions.js')
const { toListenOptions } = require('./tcp-options.js')
const { acceptedTcp } = require('./tcp-socket.js')

// oxlint-disable-next-line typescript/no-extraneous-class -- `defineMembers` gives it the others.
class TCPServerSocket {
  constructor(localAddress, options = undefined) {
    requireArguments('TCPServerSocket constructor', arguments.length, 1)
    const place = toListenOptions(localAddress, options)
    requireUse('TCPServerSocket')
    listen(this, place, undefined, acceptedTcp)
  }
}

defineMembers(TCPServerSocket)

module.exports = { TCPServerSocket }
