'use strict'

// IP addresses as bytes, so that two spellings of one address are equal and networks can be compared. The engine says what is an
// address; here it is only taken apart.

const {
  Number,
  StringPrototypeCharCodeAt,
  StringPrototypeIncludes,
  StringPrototypeSlice,
} = require('./builtins.js')
const { ipVersion } = require('./platform/native.js')

const COLON = 0x3a
const DOT = 0x2e
const PERCENT = 0x25

/** How IPv6 writes an IPv4 address: ten bytes of zero, two of 255, then the four. */
const MAPPED_PREFIX = 96

/**
 * The bytes of the address `text`, 4 or 16; undefined where it is none. `::ffff:192.0.2.1` has the 4 bytes of 192.0.2.1, because a
 * connection to one is a connection to the other. The zone of `fe80::1%eth0` is dropped.
 */
function addressBytes(text) {
  const version = ipVersion(text)
  if (version === 0) return undefined
  if (version === 4) return ipv4Bytes(text)
  const bytes = ipv6Bytes(text)
  return isMapped(bytes) ? [bytes[12], bytes[13], bytes[14], bytes[15]] : bytes
}

/**
 * `{ bytes, prefix }` of the network of the first `prefix` bits of the address `text`; undefined where there is none such. Networks of
 * IPv4 that are written in IPv6 are networks of IPv4.
 */
function network(text, prefix) {
  const version = ipVersion(text)
  if (version === 0 || prefix > (version === 4 ? 32 : 128) || StringPrototypeIncludes(text, '%'))
    return undefined
  const bytes = addressBytes(text)
  if (version === 4 || bytes.length === 16) return { bytes, prefix }
  // Fewer bits than the mapped form begins with would be all of IPv4 and a part of IPv6.
  return prefix < MAPPED_PREFIX ? undefined : { bytes, prefix: prefix - MAPPED_PREFIX }
}

/** Whether the address of `bytes` belongs to the network. */
function isWithin(bytes, { bytes: base, prefix }) {
  if (bytes.length !== base.length) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (bytes[i] !== base[i]) return false
  const rest = prefix & 7
  return rest === 0 || (bytes[whole] ^ base[whole]) >> (8 - rest) === 0
}

/** Whether nothing of the network's address is beyond its prefix. */
function isBase({ bytes, prefix }) {
  for (let bit = prefix; bit < bytes.length * 8; bit++) {
    if ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1) return false
  }
  return true
}

function ipv4Bytes(text) {
  const bytes = [0, 0, 0, 0]
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const code = StringPrototypeCharCodeAt(text, i)
    if (code === DOT) at++
    else bytes[at] = bytes[at] * 10 + (code - 0x30)
  }
  return bytes
}

function ipv6Bytes(text) {
  const head = []
  const tail = []
  // What follows `::` is at the end of the address.
  let part = head
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? StringPrototypeCharCodeAt(text, i) : PERCENT
    if (code !== COLON && code !== PERCENT) continue
    if (i > start) push(part, StringPrototypeSlice(text, start, i))
    else if (code === COLON && i > 0) part = tail
    start = i + 1
    if (code === PERCENT) break
  }
  const bytes = []
  for (let i = 0; i < 16; i++) bytes[i] = head[i] ?? tail[i - 16 + tail.length] ?? 0
  return bytes
}

/** Adds the bytes of a group of an IPv6 address, or of the IPv4 address at its end. */
function push(bytes, group) {
  if (StringPrototypeIncludes(group, '.')) {
    const last = ipv4Bytes(group)
    for (let i = 0; i < 4; i++) bytes[bytes.length] = last[i]
    return
  }
  const value = Number(`0x${group}`)
  bytes[bytes.length] = value >> 8
  bytes[bytes.length] = value & 0xff
}

function isMapped(bytes) {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** Whether the address `text` is one of a group: RFC 5771, RFC 4291. */
function isMulticast(text) {
  const bytes = addressBytes(text)
  return bytes !== undefined && (bytes.length === 4 ? bytes[0] >= 224 && bytes[0] < 240 : bytes[0] === 0xff)
}

module.exports = { addressBytes, isBase, isMulticast, isWithin, network }
