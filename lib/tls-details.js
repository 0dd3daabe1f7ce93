'use strict'

// What `socket.tls` tells: what a TLS handshake led to, and the certificate of the peer.

const { ObjectFreeze } = require('./builtins.js')
const { describeCertificate } = require('./platform/certificates.js')

/** What `socket.tls` tells of a native socket; `null` while its connection is not secure. */
function tlsDetails(handle) {
  const details = handle.tlsDetails()
  if (!details) return null
  // What it does not tell is absent, and must not be found on Object.prototype.
  const { protocol, cipher, alpnProtocol, servername, resumed, peerCertificate } = {
    __proto__: null,
    ...details,
  }
  return ObjectFreeze({
    protocol: protocol ?? null,
    cipher: cipher ?? null,
    alpnProtocol: alpnProtocol ?? null,
    servername: servername ?? null,
    resumed: resumed ?? null,
    peerCertificate: peerCertificate ? ObjectFreeze(describeCertificate(peerCertificate)) : null,
  })
}

module.exports = { tlsDetails }
