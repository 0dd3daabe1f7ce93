'use strict'

// Records of TLS 1.3 that no library would send, on a connection that two libraries made: its secrets come from the one in Node. For
// TLS_AES_128_GCM_SHA256 (RFC 8446 sections 4.6, 5.2 and 7).

const { createCipheriv, createHmac } = require('node:crypto')

const { ALERT, APPLICATION_DATA, HANDSHAKE, HEADER } = require('./tls-wires.js')

const CIPHER = 'TLS_AES_128_GCM_SHA256'
const TAG = 16

/** HKDF-Expand-Label, for at most as many bytes as the hash has. */
function expand(secret, label, length) {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.of(length >> 8, length & 255, name.length), name, Buffer.of(0, 1)])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}

/** The secret of `side`, `server` or `client`, for what the application says, out of the lines of the event `keylog`. */
function trafficSecret(side, lines) {
  const [, secret] = new RegExp(`^${side.toUpperCase()}_TRAFFIC_SECRET_0 \\S+ (\\S+)$`, 'm').exec(lines)
  return Buffer.from(secret, 'hex')
}

/**
 * Makes records under `secret`, beginning with the sequence number `next`. `forge(type, content, padding)` is one; `forge.update(ask)` is a
 * KeyUpdate, after which the keys are new, and which asks for new keys of the other side.
 */
function forger(secret, next) {
  let [key, iv, sequence] = []
  const use = (number) => {
    key = expand(secret, 'key', 16)
    iv = expand(secret, 'iv', 12)
    sequence = BigInt(number)
  }
  use(next)
  const forge = (type, content, padding = 0) => {
    const inner = Buffer.concat([content, Buffer.of(type), Buffer.alloc(padding)])
    const length = inner.length + TAG
    const header = Buffer.from([APPLICATION_DATA, 3, 3, length >> 8, length & 255])
    const nonce = Buffer.from(iv)
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ sequence++, 4)
    const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(header)
    return Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()])
  }
  forge.update = (ask) => {
    const record = forge(HANDSHAKE, Buffer.of(24, 0, 0, 1, ask ? 1 : 0))
    secret = expand(secret, 'traffic upd', 32)
    use(0)
    return record
  }
  /** A ticket that nobody could use, of `length` bytes. */
  forge.ticket = (length) => {
    const body = Buffer.alloc(4 + 4 + 1 + 8 + 2 + length + 2)
    body.writeUInt32BE(7200)
    body.writeUInt32BE(Number(sequence), 4)
    body[8] = 8
    body.writeBigUInt64BE(sequence, 9)
    body.writeUInt16BE(length, 17)
    body.fill(0x55, 19, 19 + length)
    return forge(HANDSHAKE, Buffer.concat([Buffer.of(4, 0, body.length >> 8, body.length & 255), body]))
  }
  /** A warning, as TLS 1.3 has it: `user_canceled`. */
  forge.warning = () => forge(ALERT, Buffer.of(1, 90))
  return forge
}

module.exports = { CIPHER, HEADER, forger, trafficSecret }
