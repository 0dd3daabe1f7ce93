'use strict'

// `socket.transport`, for code of Gecko's own such as Thunderbird's mail, news and LDAP clients, which sets timeouts on
// what is below a socket there (nsISocketTransport) without asking whether it exists. Only that much is here.

const { MathCeil, MathMax, MathMin, NumberIsInteger, RangeError, TypeError } = require('./builtins.js')
const { describe } = require('./convert.js')

const TIMEOUT_CONNECT = 0
const TIMEOUT_READ_WRITE = 1

/** How long a timeout can be, in seconds, which in Gecko means that there is none. It is what both begin with, without options. */
const NEVER = 0xffff

class SocketTransport {
  #seconds
  #setTimeout

  /**
   * @param setTimeout `(kind, milliseconds)`; a kind is `'connect'` or `'idle'`; 0 milliseconds means never
   * @param connect, idle what the options of the socket say, in milliseconds
   */
  constructor(setTimeout, connect = 0, idle = 0) {
    this.#setTimeout = setTimeout
    this.#seconds = [fromMilliseconds(connect), fromMilliseconds(idle)]
  }

  /** Fails the socket where connecting (`TIMEOUT_CONNECT`), or silence (`TIMEOUT_READ_WRITE`), takes `seconds`. */
  setTimeout(type, seconds) {
    const kind = toType(type) === TIMEOUT_CONNECT ? 'connect' : 'idle'
    // UINT32_MAX is how Gecko's code says "never".
    const value = MathMin(toSeconds(seconds), NEVER)
    this.#seconds[type] = value
    // Here 0 means at once, and there never.
    this.#setTimeout(kind, value === NEVER ? 0 : MathMax(value * 1000, 1))
  }

  /** What was set, here or by an option, in seconds, rounded up; 65535 where nothing was, and for more than that. */
  getTimeout(type) {
    return this.#seconds[toType(type)]
  }

  get TIMEOUT_CONNECT() {
    return TIMEOUT_CONNECT
  }

  get TIMEOUT_READ_WRITE() {
    return TIMEOUT_READ_WRITE
  }

  /**
   * Gecko's object for TLS, where there is one. Its code asks that for methods, once it is not null; `socket.tls` tells
   * everything.
   */
  get tlsSocketControl() {
    return null
  }
}

function fromMilliseconds(value) {
  return value === 0 ? NEVER : MathMin(MathCeil(value / 1000), NEVER)
}

function toType(type) {
  if (type === TIMEOUT_CONNECT || type === TIMEOUT_READ_WRITE) return type
  throw new RangeError(
    `timeout type ${describe(type)}: must be 0 (TIMEOUT_CONNECT) or 1 (TIMEOUT_READ_WRITE)`,
  )
}

function toSeconds(seconds) {
  if (!NumberIsInteger(seconds)) {
    throw new TypeError(`timeout ${describe(seconds)}: must be a whole number of seconds`)
  }
  if (seconds >= 0 && seconds <= 0xffffffff) return seconds
  throw new RangeError(`timeout ${seconds}: must be 0 to 4294967295 seconds`)
}

module.exports = { SocketTransport }
