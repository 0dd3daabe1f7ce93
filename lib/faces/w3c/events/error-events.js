'use strict'

// What the draft of 2013 calls failures: `error` of an error event is a NetworkError that has a `type` besides.

const { domException } = require('../../../dom-exceptions.js')
const { SocketErrorEvent } = require('./classes.js')

/** By the system's code. */
const TYPES = {
  __proto__: null,
  EADDRINUSE: 'local_address_port_already_in_use',
  ECONNREFUSED: 'tcp_connection_not_accepted',
  EHOSTUNREACH: 'no_network_contact',
  EMFILE: 'tcp_server_max_connections',
  ENETDOWN: 'no_network_contact',
  ENETUNREACH: 'no_network_contact',
  ENFILE: 'tcp_server_max_connections',
  ENOBUFS: 'send_buffer_full',
  ENOTFOUND: 'no_network_contact',
  ETIMEDOUT: 'tcp_peer_does_not_respond',
}

/** Why a connection could not be made, or a listener has failed. */
function typeOf({ code }) {
  return TYPES[code] ?? 'tcp_error'
}

/** Of datagrams: nobody has refused a connection. */
function udpTypeOf({ code }) {
  return code === 'ECONNREFUSED' || code === 'ETIMEDOUT' ? 'udp_error' : (TYPES[code] ?? 'udp_error')
}

/** The event, called `name`, of a failure of that `type`, whose system's Error is `cause`. */
function errorEvent(type, cause, name = 'error') {
  const error = domException('NetworkError', cause.message, cause)
  error.type = type
  return new SocketErrorEvent(name, { error })
}

module.exports = { errorEvent, typeOf, udpTypeOf }
