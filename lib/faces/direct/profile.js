'use strict'

// Connections as Direct Sockets have them: byte streams, Nagle's algorithm unless it is switched off, no end before both sides have ended, and a
// `close()` that drops what is queued.

const { domException } = require('../../dom-exceptions.js')
const { networkError } = require('../../streams/causes.js')
const { BYTES_ON_DEMAND } = require('../../streams/profile.js')

/** Why a stream can be used no more. */
function refusal() {
  return domException('AbortError', 'Stream closed.')
}

/** What `opened` of a connection fulfils with. */
function toInfo(handle, { readable, writable }) {
  const { remoteAddress, remotePort, localAddress, localPort } = handle.ends() ?? { __proto__: null }
  return { readable, writable, remoteAddress, remotePort, localAddress, localPort }
}

const WRITABLE = Object.freeze({ strings: false, highWaterMark: 1, countBytes: false })

const TCP = Object.freeze({
  __proto__: null,
  name: 'A TCPSocket',
  readable: BYTES_ON_DEMAND,
  writable: WRITABLE,
  halfOpen: true,
  isOne: false,
  cancelled: undefined,
  flushes: false,
  abortFails: true,
  toError: networkError,
  toInfo,
  refusal,
})

const TLS = Object.freeze({
  __proto__: null,
  ...TCP,
  name: 'A TLSSocket',
  toInfo: (handle, core) => ({
    ...toInfo(handle, core),
    alpn: handle.tlsDetails()?.alpnProtocol ?? null,
  }),
})

module.exports = { TCP, TLS, refusal }
