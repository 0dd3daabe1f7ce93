'use strict'

// Records of TLS 1.2 that no library would send, on a connection that two libraries made: its secrets come from the one in
// Node, its randoms from the wire. For cipher suites with AES-128-GCM and SHA-256 (RFC 5246 sections 5 and 6.3, RFC 5288).

const { createCipheriv, createHmac } = require('node:crypto')

const { HEADER } = require('./tls-wires.js')

const CIPHER = 'ECDHE-ECDSA-AES128-GCM-SHA256'
const KEY = 16
const SALT = 4

/** RFC 5246 section 5. */
function derive(secret, label, seed, length) {
  const hash = (bytes) => createHmac('sha256', secret).update(bytes).digest()
  const labelled = Buffer.concat([Buffer.from(label), seed])
  let a = hash(labelled)
  let out = Buffer.alloc(0)
  while (out.length < length) {
    out = Buffer.concat([out, hash(Buffer.concat([a, labelled]))])
    a = hash(a)
  }
  return out.subarray(0, length)
}

/**
 * Makes records of the `server` or the `client`, beginning with its sequence number `next`: `forge(type, content)`.
 * `keyLog` is the line of the event of that name, `serverHello` the record.
 */
function forger(side, { keyLog, serverHello, next }) {
  const [, clientRandom, secret] = String(keyLog).trim().split(' ')
  const serverRandom = serverHello.subarray(HEADER + 6, HEADER + 38)
  const seed = Buffer.concat([serverRandom, Buffer.from(clientRandom, 'hex')])
  const keys = derive(Buffer.from(secret, 'hex'), 'key expansion', seed, 2 * (KEY + SALT))
  const at = side === 'client' ? 0 : 1
  const key = keys.subarray(at * KEY, (at + 1) * KEY)
  const salt = keys.subarray(2 * KEY + at * SALT, 2 * KEY + (at + 1) * SALT)
  return (type, content) => {
    const sequence = Buffer.alloc(8)
    sequence.writeBigUInt64BE(BigInt(next++))
    const header = (length) => Buffer.from([type, 3, 3, length >> 8, length & 255])
    const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, sequence]))
    cipher.setAAD(Buffer.concat([sequence, header(content.length)]))
    const sealed = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
    return Buffer.concat([header(sequence.length + sealed.length), sequence, sealed])
  }
}

module.exports = { CIPHER, forger }
