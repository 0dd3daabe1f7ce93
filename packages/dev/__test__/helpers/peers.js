'use strict'

// Servers that an app of a test talks to.

const net = require('node:net')

const { listening } = require('../../../../__test__/helpers/listening.js')

/** A TCP server for as long as the test runs. Returns its port. */
const peer = (t, onConnection) => listening(t, net.createServer(onConnection))

const echo = (t) => peer(t, (socket) => socket.pipe(socket))

module.exports = { echo, peer }
