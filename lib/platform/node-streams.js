'use strict'

// What moz-tcp-socket/node-stream needs of Node: its streams, and a timer that is put off each time that something happens.

const { Buffer } = require('node:buffer')
const { Duplex } = require('node:stream')
const { clearTimeout, setTimeout } = require('node:timers')

const { uncurryThis } = require('../builtins.js')

const probe = setTimeout(() => {}, 0)
clearTimeout(probe)

/** Calls `callback` after so many milliseconds in which `putOff` was not called. Keeps no process alive. */
function startIdleTimer(callback, milliseconds) {
  return setTimeout(callback, milliseconds).unref()
}

/** The names that a certificate has, as `tls.TLSSocket` tells them. */
function peerCertificate(der) {
  return x509(der).toLegacyObject()
}

/** Loaded late: it takes longer than all of this package. */
function x509(der) {
  const { X509Certificate } = require('node:crypto')
  return new X509Certificate(der)
}

module.exports = {
  BufferConcat: Buffer.concat,
  BufferFrom: Buffer.from,
  Duplex,
  end: uncurryThis(Duplex.prototype.end),
  peerCertificate,
  putOff: uncurryThis(probe.constructor.prototype.refresh),
  startIdleTimer,
  stopIdleTimer: clearTimeout,
  x509,
}
