'use strict'

// `moz-tcp-socket/winter`: connect() of WinterTC and Cloudflare Workers. `winter.d.ts` describes it, docs/winter.md how it behaves.

const { SocketError } = require('./lib/faces/winter/errors.js')
const { Socket, connect, withOptions } = require('./lib/faces/winter/socket.js')

module.exports = { connect, Socket, SocketError, withOptions }
