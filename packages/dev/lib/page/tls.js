'use strict'

// TLS in a page: configurations, which Node.js checks and keeps, sessions, and what a handshake led to.

const { ORDER } = require('../bridge/protocol.js')
const { fromBase64, toBase64 } = require('./base64.js')
const { call, order } = require('./connection.js')

/** By what Node.js made it of. Without keys: those are not kept for longer than an application wants. */
const cache = new Map()
const MOST_CACHED = 32

/** Configurations that nobody has any more. */
const unused = new FinalizationRegistry((number) => order(ORDER.Forget, number))

class TlsConfig {
  #number

  constructor(number) {
    this.#number = number
    unused.register(this, number)
  }

  get number() {
    return this.#number
  }

  static client(options, session, host) {
    return make({ op: 'client', options: asJson(options), session, host }, options.identity === undefined)
  }

  static server(options) {
    return make({ op: 'server', options: asJson(options) }, false)
  }
}

function make(question, isPublic) {
  const key = isPublic ? JSON.stringify(question) : undefined
  const known = key !== undefined ? cache.get(key) : undefined
  if (known !== undefined) return known
  const config = new TlsConfig(call(question).config)
  if (key !== undefined) {
    cache.set(key, config)
    if (cache.size > MOST_CACHED) cache.delete(cache.keys().next().value)
  }
  return config
}

function asJson(value) {
  if (value instanceof Uint8Array) return toBase64(value)
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, asJson(each)]))
}

const certificates = new WeakMap()

/** As the binding tells what a handshake led to: the certificate as its bytes. */
function detailsOf({ peerCertificate, ...details }) {
  if (peerCertificate === null) return details
  const { raw, ...rest } = peerCertificate
  const bytes = fromBase64(raw)
  certificates.set(bytes, rest)
  return { ...details, peerCertificate: bytes }
}

/** What those bytes say, in the words of Node.js. */
function certificateOf(bytes) {
  return certificates.get(bytes)
}

module.exports = { TlsConfig, certificateOf, detailsOf }
