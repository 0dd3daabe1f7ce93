'use strict'

// How a trace shows things: lines for people, on a terminal. A peer chooses much of what is in them (its certificate, its bytes), and must
// not write to the terminal with that: control characters are shown, not sent.

const { Buffer } = require('node:buffer')

const { placeOf } = require('../places.js')

/** What each error means, in a few words; docs/api.md has the conditions. */
const MEANINGS = {
  __proto__: null,
  ConnectionRefusedError: 'nobody listens there, or no way leads there',
  NetworkTimeoutError: 'no answer in time',
  DomainNotFoundError: 'the name has no address',
  NetworkInterruptError: 'the peer hung up during TLS: something may be missing',
  NetworkError: 'the connection broke, or the system refused',
  SecurityExpiredCertificateError: 'a certificate has expired, or is not yet valid',
  SecurityRevokedCertificateError: 'a certificate was revoked',
  SecurityUntrustedCertificateIssuerError: 'the certificate is signed by nobody we trust',
  SecurityInadequateKeyUsageError: 'a certificate is not meant for this purpose',
  SecurityCertificateSignatureAlgorithmDisabledError: 'a key or signature of a certificate is too weak',
  SecurityNoCertificateError: 'the peer wants a certificate of ours',
  SecurityBadCertificateError: 'a certificate is not the one that is wanted',
  SecurityUnsupportedCertificateTypeError: 'the peer does not support a certificate of this type',
  SecurityUnsupportedTLSVersionError: 'no version of TLS in common; the oldest here is 1.2',
  SecurityCertificateDomainMismatchError: 'the certificate is for another host',
  SecurityError: 'TLS failed; perhaps the peer does not speak it here',
}

/** The most bytes that are shown of one piece. */
const MOST_DUMPED = 65_536
const PER_LINE = 16

/** Spaces and everything that people can read stay as they are. */
const UNPRINTABLE = /[^\P{C}]|[\u2028\u2029]/gu

/** `value` as text without control characters, which are written as `\xNN` or `\u{NNNN}`. */
function printable(value) {
  return String(value).replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0).toString(16)
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`
  })
}

/** `[::1]:993` */
function place(host, port) {
  return placeOf(printable(host), port)
}

function bytes(count) {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`
}

/** An error of an event, with its number and what it means. */
function errorLine(error) {
  const { name, errorCode, message } = error
  const number = errorCode === undefined ? '' : ` 0x${errorCode.toString(16).toUpperCase().padStart(8, '0')}`
  const meaning = MEANINGS[name] === undefined ? '' : ` (${MEANINGS[name]})`
  return `${printable(name)}${number}${meaning}: ${printable(message)}`
}

/** What a TLS handshake led to, in lines. `tls` is `socket.tls`. */
function tlsLines({ protocol, cipher, alpnProtocol, servername, resumed, peerCertificate }) {
  const agreed = [
    protocol,
    cipher,
    alpnProtocol && `ALPN ${alpnProtocol}`,
    servername && `for ${servername}`,
    resumed && 'resumed',
  ].filter(Boolean)
  const lines = [`TLS: ${printable(agreed.join(', ') || 'agreed')}`]
  if (peerCertificate) {
    const { subject, issuer, validFrom, validTo, fingerprint256 } = peerCertificate
    lines.push(
      `  subject ${names(subject)}`,
      `  issuer  ${names(issuer)}`,
      `  valid   ${printable(validFrom ?? '?')} to ${printable(validTo ?? '?')}`,
      `  sha256  ${fingerprint256}`,
    )
  }
  return lines
}

/** The name of a certificate, which has one line for each attribute. */
function names(text) {
  return text === null ? '(none)' : printable(text.split('\n').join(', '))
}

/** The bytes of `data` (a byte string, an ArrayBuffer or a view) in lines of sixteen: offset, hexadecimal, ASCII. */
function hexLines(data) {
  const shown = toBuffer(data)
  const lines = []
  for (let at = 0; at < shown.length; at += PER_LINE) {
    const part = shown.subarray(at, at + PER_LINE)
    const hex = [...part].map((byte) => byte.toString(16).padStart(2, '0'))
    const columns = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`.padEnd(PER_LINE * 3)
    const text = part.toString('latin1').replace(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${columns}  |${text}|`)
  }
  const more = (typeof data === 'string' ? data.length : data.byteLength) - shown.length
  if (more > 0) lines.push(`… ${bytes(more)} more`)
  return lines
}

/** What is shown of `data`, without a copy of the rest. */
function toBuffer(data) {
  if (typeof data === 'string') return Buffer.from(data.slice(0, MOST_DUMPED), 'latin1')
  const whole = ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
  return whole.subarray(0, MOST_DUMPED)
}

module.exports = { MEANINGS, bytes, errorLine, hexLines, place, printable, tlsLines }
