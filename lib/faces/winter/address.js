'use strict'

// Where to connect to: `host:port`, or `{ hostname, port }`.

const {
  NumberIsInteger,
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeError,
} = require('../../builtins.js')
const { describe, matches, toHost, toText } = require('../../convert.js')
const { isObject } = require('../../interface.js')
const { ipVersion } = require('../../platform/native.js')

/** The most characters of a host. */
const LONGEST = 255

/** `{ host, port }` of the first argument of `connect`. The host is ASCII, without brackets. */
function toPlace(address) {
  if (isObject(address)) {
    const { hostname, port } = address
    if (hostname === undefined) throw new TypeError('address: hostname is missing')
    if (port === undefined) throw new TypeError('address: port is missing; there is no default')
    return { host: toHostname(toText(hostname, 'hostname')), port: toPort(port) }
  }
  const text = toText(address, 'address')
  const parts = RegExpPrototypeExec(/^(\[[^\]]*\]|[^:]*):(\d{1,5})$/, text)
  if (parts === null) {
    throw new TypeError(
      `address ${describe(text)}: must be "host:port", with an IPv6 address in brackets; there is no default port`,
    )
  }
  return { host: toHostname(parts[1]), port: toPort(+parts[2]) }
}

function toHostname(text) {
  if (text.length > LONGEST) throw new TypeError(`hostname: must not be longer than ${LONGEST} characters`)
  const isBracketed = StringPrototypeStartsWith(text, '[') && StringPrototypeEndsWith(text, ']')
  const host = isBracketed ? StringPrototypeSlice(text, 1, -1) : text
  if (isBracketed && ipVersion(host) !== 6) {
    throw new TypeError(`hostname ${describe(text)}: only an IPv6 address is written in brackets`)
  }
  const ascii = toHost(host, 'hostname')
  if (ipVersion(ascii) === 0 && !matches(/^[\w.-]+$/, ascii)) {
    throw new TypeError(`hostname ${describe(text)}: may have letters, digits, "-", "." and "_" alone`)
  }
  return ascii
}

function toPort(value) {
  const port = typeof value === 'string' && matches(/^\d{1,5}$/, value) ? +value : value
  if (!NumberIsInteger(port) || port < 1 || port > 65535) {
    throw new TypeError(`port ${describe(value)}: must be an integer from 1 to 65535`)
  }
  return port
}

module.exports = { toPlace }
