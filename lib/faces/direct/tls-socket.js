'use strict'

// TLSSocket and TLSServerSocket: what TCPSocket and TCPServerSocket are, over TLS. The specification has neither; a flag on its classes would be
// one that a mistyped name leaves out, so they are classes of their own.

const { requireArguments, toDictionary } = require('../../convert.js')
const { OptionNames } = require('../../option-names.js')
const {
  FACE_CLIENT_OPTIONS: TLS_CLIENT,
  SERVER_OPTIONS,
  clientConfig,
  serverConfig,
  toClientFields,
  toServerFields,
} = require('../../tls-options.js')
const { adoptAccepted, connect, toTarget } = require('./connection.js')
const { listen } = require('./listening.js')
const { defineMembers } = require('./members.js')
const { requireUse } = require('./permissions.js')
const { TLS } = require('./profile.js')
const { toListenOptions } = require('./tcp-options.js')

const ACCEPTED = Symbol('accepted')

const TCP_CLIENT = [
  'sendBufferSize',
  'receiveBufferSize',
  'noDelay',
  'keepAliveDelay',
  'dnsQueryType',
  'signal',
  'localAddress',
  'localPort',
]
const TCP_SERVER = ['localPort', 'backlog', 'ipv6Only']

const refused = {
  useSecureTransport: ['this class is what chooses TLS'],
  useSSL: ['this class is what chooses TLS'],
  sessionFrom: ['is not supported'],
}

/** Ignored, an option could mean less security than was asked for. */
const CLIENT_NAMES = new OptionNames({
  own: [...TLS_CLIENT, ...TCP_CLIENT],
  foreign: [...SERVER_OPTIONS, ...TCP_SERVER],
  why: 'this is an option of servers',
  refused,
  isComplete: true,
})
const SERVER_NAMES = new OptionNames({
  own: [...SERVER_OPTIONS, ...TCP_SERVER],
  foreign: [...TLS_CLIENT, ...TCP_CLIENT],
  why: 'this is an option of clients',
  refused,
  isComplete: true,
})

// oxlint-disable-next-line typescript/no-extraneous-class -- `defineMembers` gives it the others.
class TLSSocket {
  constructor(remoteAddress, remotePort, options = undefined) {
    if (remoteAddress === ACCEPTED) return adoptAccepted(this, remotePort, TLS, true)
    requireArguments('TLSSocket constructor', arguments.length, 2)
    const given = toDictionary(options)
    CLIENT_NAMES.check(given)
    const target = toTarget(remoteAddress, remotePort, given)
    const config = clientConfig(toClientFields(given), target.host ?? 'localhost')
    requireUse('TLSSocket')
    connect(this, target, TLS, config)
  }
}

// oxlint-disable-next-line typescript/no-extraneous-class -- `defineMembers` gives it the others.
class TLSServerSocket {
  constructor(localAddress, options) {
    requireArguments('TLSServerSocket constructor', arguments.length, 2)
    const given = toDictionary(options)
    SERVER_NAMES.check(given)
    const place = toListenOptions(localAddress, given)
    const config = serverConfig(toServerFields(given))
    requireUse('TLSServerSocket')
    listen(this, place, config, (handle) => new TLSSocket(ACCEPTED, handle))
  }
}

defineMembers(TLSSocket)
defineMembers(TLSServerSocket)

module.exports = { TLSServerSocket, TLSSocket }
