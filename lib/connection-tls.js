'use strict'

// TLS of one connection: the options that `upgradeToSecure()` goes by, for as long as it can be called, and what the handshake led to,
// for as long as anybody asks.

const { refuseLateOptions, toClientUpgrade, toServerUpgrade } = require('./options.js')
const { tlsDetails } = require('./tls-details.js')
const { wipe } = require('./tls-options.js')

class ConnectionTls {
  #isSecure
  /** Of a client: the ASCII name or address that it connects to, and the TLS options it was made with. `null` on an accepted socket. */
  #host
  #options
  /** What the engine made of those options, or of the listener's. */
  #config
  #details = null
  /** What `sessionFrom` of others takes up, when the connection is closed. */
  #session = null

  constructor({ secure, config, host, options }) {
    this.#isSecure = secure
    this.#config = config
    this.#host = host
    this.#options = options
  }

  /** Whether the connection is secure, or is being secured. */
  get isSecure() {
    return this.#isSecure
  }

  /** The engine's TlsConfig for `upgradeToSecure(value)`. */
  upgradeConfig(value) {
    return this.#host === null
      ? toServerUpgrade(value, this.#config)
      : toClientUpgrade(value, { made: this.#options, config: this.#config, host: this.#host })
  }

  /** Throws where the options `value` of `upgradeToSecure` come too late to be honoured: the connection is secure. */
  refuseLate(value) {
    refuseLateOptions(value, this.#host === null)
  }

  /** The upgrade has begun. */
  upgraded() {
    this.#isSecure = true
    this.forgetOptions()
  }

  /** Overwrites what nobody needs any more: keys may be among it, and applications keep sockets for long. */
  forgetOptions() {
    if (this.#options !== null) wipe(this.#options)
    this.#options = this.#config = null
  }

  /** What `socket.tls` tells: as long as it tells nothing, the native socket is asked. */
  details(handle) {
    if (this.#isSecure && this.#details === null && handle !== null) this.#details = tlsDetails(handle)
    return this.#details
  }

  session(handle) {
    return handle === null ? this.#session : handle.tlsSession()
  }

  /** The connection is closed; before its native socket is given back, takes what can still be asked for. */
  keepSession(handle) {
    if (this.#isSecure) this.#session = handle.tlsSession()
  }
}

module.exports = { ConnectionTls }
