'use strict'

// What a peer's certificate says.

const {
  ArrayPrototypeJoin,
  StringPrototypeSlice,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetLength,
} = require('../builtins.js')
const { fromUtf8 } = require('../bytes.js')
const { BufferPrototypeBase64Slice } = require('./buffers.js')

/**
 * Any server can present any bytes: none may keep events from firing, or pass for another certificate. What says which
 * certificate it is, is therefore not the parser's word.
 */
function describeCertificate(raw) {
  // Loaded late: it takes longer than all of this package.
  const { X509Certificate, createHash } = require('node:crypto')
  const digest = StringPrototypeToUpperCase(createHash('sha256').update(raw).digest('hex'))
  const fingerprint256 = ArrayPrototypeJoin(pieces(digest, 2), ':')
  return { ...readCertificate(X509Certificate, raw, fingerprint256), fingerprint256, raw }
}

/** `text` in pieces of `length`. */
function pieces(text, length) {
  const all = []
  for (let at = 0; at < text.length; at += length)
    all[all.length] = StringPrototypeSlice(text, at, at + length)
  return all
}

const UNREADABLE = { subject: null, issuer: null, validFrom: null, validTo: null }

/**
 * X509Certificate looks for PEM first, and finds what lies in an extension: whose certificate that is, is up to who
 * made it. So it gets PEM.
 */
function readCertificate(X509Certificate, der, expected) {
  const lines = ArrayPrototypeJoin(
    pieces(BufferPrototypeBase64Slice(der, 0, TypedArrayPrototypeGetLength(der)), 64),
    '\n',
  )
  const pem = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  try {
    const { subject, issuer, validFrom, validTo, fingerprint256 } = new X509Certificate(fromUtf8(pem))
    // An empty name is `undefined` to Node.js.
    const names = { subject: subject ?? null, issuer: issuer ?? null }
    return fingerprint256 === expected ? { ...names, validFrom, validTo } : UNREADABLE
  } catch {
    return UNREADABLE
  }
}

module.exports = { describeCertificate }
