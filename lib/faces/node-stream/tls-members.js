'use strict'

// What tls.TLSSocket has besides, for a connection that has TLS. `null` details are of one that has none.

const { ObjectDefineProperties } = require('../../builtins.js')
const { peerCertificate, x509 } = require('../../platform/node-streams.js')

/** Defines them on `Class`, whose instances have the details as `detailsOf(instance)`. */
function defineTlsMembers(Class, detailsOf) {
  const members = {
    get encrypted() {
      return detailsOf(this) !== null
    },

    /** Whether the peer is who it was to be: by chain and name, or by `fingerprint256`. */
    get authorized() {
      return detailsOf(this)?.isPeerProven ?? false
    },

    get authorizationError() {
      return null
    },

    get alpnProtocol() {
      return detailsOf(this)?.alpnProtocol ?? false
    },

    get servername() {
      return detailsOf(this)?.servername ?? false
    },

    getProtocol() {
      return detailsOf(this)?.protocol ?? null
    },

    getCipher() {
      const { cipher, protocol } = detailsOf(this) ?? {}
      return cipher ? { name: cipher, standardName: cipher, version: protocol } : undefined
    },

    isSessionReused() {
      return detailsOf(this)?.resumed ?? false
    },

    getPeerCertificate() {
      const der = detailsOf(this)?.peerCertificate
      if (!der) return {}
      try {
        return peerCertificate(der)
      } catch {
        return { raw: der }
      }
    },

    getPeerX509Certificate() {
      const der = detailsOf(this)?.peerCertificate
      return der ? x509(der) : undefined
    },
  }
  const descriptors = Object.getOwnPropertyDescriptors(members)
  for (const name of Object.keys(descriptors)) descriptors[name].enumerable = false
  ObjectDefineProperties(Class.prototype, descriptors)
}

module.exports = { defineTlsMembers }
