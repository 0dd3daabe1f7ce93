'use strict'

// INTERNAL: not part of the API, and it changes without notice. What `moz-tcp-socket-dev` of the same version needs of the inside: the engine, as
// the facade calls it, to serve it to a facade that runs in a web page.

const { attach, detach, engineOutbound, eventChannel, receive } = require('./lib/channel.js')
const { toAddress, toHost, toPort } = require('./lib/convert.js')
const native = require('./lib/platform/native.js')
const { tlsDetails } = require('./lib/tls-details.js')

module.exports = {
  native,
  eventChannel,
  engineOutbound,
  attach,
  detach,
  receive,
  tlsDetails,
  toAddress,
  toHost,
  toPort,
}
