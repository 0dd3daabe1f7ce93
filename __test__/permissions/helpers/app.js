'use strict'

// Applications with rights of their own, and the errors of what they may not do.

const { createGlobals } = require('../../../index.js')

const permissions = { 'tcp-socket': { description: 'to read mail' } }

const PRIVILEGED = { type: 'privileged', permissions }
const CERTIFIED = { type: 'certified', permissions }
const WEB = { type: 'web', permissions }

const NOT_PERMITTED = { instanceOf: Error, message: 'TCPSocket does not have permission in this context.\n' }

/** An address of nobody (RFC 5737), so that the system is asked to listen there, and says no. */
const NOWHERE = { localAddress: '192.0.2.1' }

/** What an application finds; `mozTCPSocket` beside it. */
function app(options) {
  const globals = createGlobals({ manifest: PRIVILEGED, ...options })
  return { ...globals, mozTCPSocket: globals.navigator.mozTCPSocket }
}

/** Each way to make sockets of an application, as a function of the same arguments. */
const connectWays = ({ mozTCPSocket, TCPSocket = mozTCPSocket.constructor }) => ({
  'new TCPSocket': (...args) => new TCPSocket(...args),
  'TCPSocket.open': (...args) => TCPSocket.open(...args),
  'mozTCPSocket.open': (...args) => mozTCPSocket.open(...args),
})

/** And each to make servers. */
const listenWays = ({ mozTCPSocket, TCPSocket = mozTCPSocket.constructor, TCPServerSocket }) => ({
  ...(TCPServerSocket && { 'new TCPServerSocket': (...args) => new TCPServerSocket(...args) }),
  'TCPSocket.listen': (...args) => TCPSocket.listen(...args),
  'mozTCPSocket.listen': (...args) => mozTCPSocket.listen(...args),
})

module.exports = {
  CERTIFIED,
  NOT_PERMITTED,
  NOWHERE,
  PRIVILEGED,
  WEB,
  app,
  connectWays,
  listenWays,
  permissions,
}
