'use strict'

// `require('moz-tcp-socket/testing')`: what helps to test programs that have sockets. `testing.d.ts` describes what is
// exported here, and docs/testing.md how to use it.

const { faultProxy } = require('./lib/testing/fault-proxy.js')
const { createMock, mockOf } = require('./lib/testing/mock.js')
const { scriptedPeer } = require('./lib/testing/scripted-peer.js')
const { installInWindow } = require('./lib/testing/window.js')

module.exports = {
  createMock,
  faultProxy,
  installInWindow,
  mockOf,
  scriptedPeer,
}
