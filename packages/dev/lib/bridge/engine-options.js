'use strict'

// Options as the engine takes them, from what a page sent. The facade in the page has converted and checked them; but a page could send
// anything, and what has another type or form than the engine's throws here.

const { toAddress, toHost, toPort } = require('moz-tcp-socket/engine')

const MAX_MILLISECONDS = 0x7fffffff
const MAX_BACKLOG = 0x7fffffff

class Malformed extends Error {}

function check(isRight, what) {
  if (!isRight) throw new Malformed(`${what}: is not as the engine takes it`)
}

function object(value, what) {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), what)
  return { __proto__: null, ...value }
}

function bool(value, what) {
  check(typeof value === 'boolean', what)
  return value
}

function integer(value, what, least, most) {
  check(Number.isInteger(value) && value >= least && value <= most, what)
  return value
}

function text(value, what) {
  check(typeof value === 'string' && value.length <= 1024, what)
  return value
}

function bytes(value, what) {
  check(typeof value === 'string', what)
  return Buffer.from(value, 'base64')
}

function list(value, what, each) {
  check(Array.isArray(value) && value.length <= 256, what)
  return value.map((item) => each(item, what))
}

const optional = (value, what, convert) =>
  value === undefined || value === null ? undefined : convert(value, what)

function tuning(value, what) {
  const { noDelay, keepAlive, keepAliveDelay } = object(value, what)
  return {
    noDelay: bool(noDelay, 'noDelay'),
    keepAlive: bool(keepAlive, 'keepAlive'),
    keepAliveDelay: integer(keepAliveDelay, 'keepAliveDelay', 0, 32_767),
  }
}

function local(value, what) {
  const { address, port, tuning: given } = object(value, what)
  return {
    address: optional(address, 'local.address', toAddress),
    port: integer(port, 'local.port', 0, 65_535),
    tuning: tuning(given, 'local.tuning'),
  }
}

/** ConnectOptions of binding.d.ts. */
function connectOptions(value) {
  const fields = object(value, 'connect')
  return {
    host: toHost(text(fields.host, 'host')),
    port: toPort(integer(fields.port, 'port', 1, 65_535), 1),
    asStrings: false,
    local: optional(fields.local, 'local', local),
    givenUp: optional(fields.givenUp, 'givenUp', bool),
  }
}

/** ListenOptions of binding.d.ts. */
function listenOptions(value) {
  const fields = object(value, 'listen')
  return {
    address: toAddress(fields.address, 'address'),
    port: integer(fields.port, 'port', 0, 65_535),
    backlog: integer(fields.backlog, 'backlog', 1, MAX_BACKLOG),
    asStrings: false,
    ipv6Only: bool(fields.ipv6Only, 'ipv6Only'),
    reusePort: bool(fields.reusePort, 'reusePort'),
    tuning: optional(fields.tuning, 'tuning', tuning),
  }
}

const VERSIONS = new Set(['TLSv1.2', 'TLSv1.3'])

function version(value, what) {
  check(VERSIONS.has(value), what)
  return value
}

function identity(value, what) {
  const { cert, key, pfx, passphrase } = object(value, what)
  return {
    cert: optional(cert, 'cert', bytes),
    key: optional(key, 'key', bytes),
    pfx: optional(pfx, 'pfx', bytes),
    passphrase: optional(passphrase, 'passphrase', text),
  }
}

/** ClientTlsOptions of binding.d.ts. */
function clientTlsOptions(value) {
  const fields = object(value, 'tls')
  return {
    verify: bool(fields.verify, 'verify'),
    ca: list(fields.ca, 'ca', bytes),
    caOnly: bool(fields.caOnly, 'caOnly'),
    crl: list(fields.crl, 'crl', bytes),
    identity: optional(fields.identity, 'identity', identity),
    alpn: list(fields.alpn, 'alpn', text),
    minVersion: version(fields.minVersion, 'minVersion'),
    maxVersion: optional(fields.maxVersion, 'maxVersion', version),
    serverName: optional(fields.serverName, 'serverName', text),
    fingerprint256: optional(fields.fingerprint256, 'fingerprint256', bytes),
  }
}

/** ServerTlsOptions of binding.d.ts. */
function serverTlsOptions(value) {
  const fields = object(value, 'tls')
  return {
    identity: identity(fields.identity, 'identity'),
    alpn: list(fields.alpn, 'alpn', text),
    minVersion: version(fields.minVersion, 'minVersion'),
    maxVersion: optional(fields.maxVersion, 'maxVersion', version),
    handshakeTimeout: integer(fields.handshakeTimeout, 'handshakeTimeout', 1, 600_000),
  }
}

/** Milliseconds of a timeout, which come as 32 bits. */
function milliseconds(value) {
  return integer(value, 'timeout', 0, MAX_MILLISECONDS)
}

module.exports = {
  Malformed,
  clientTlsOptions,
  connectOptions,
  integer,
  listenOptions,
  milliseconds,
  optional,
  serverTlsOptions,
  text,
}
