'use strict'

// What a bridge allows its pages at most. docs/bridge.md has the same numbers; a test compares.

const LIMITS = {
  /** Pages, workers and panels that are connected at the same time. */
  connections: 32,
  /** Pages that were served and have not connected yet; the oldest is forgotten first, and each after `patience`. */
  waiting: 64,
  /** Milliseconds that a page may take to connect. */
  patience: 60_000,
  /** Sockets, accepted ones included, of one page, and of all. */
  socketsOfPage: 256,
  sockets: 1024,
  /** Listeners of one page. */
  listeners: 32,
  /** TLS configurations of one page. */
  configurations: 256,
  /** TLS sessions of closed sockets, for `sessionFrom`, of one page. */
  sessions: 64,
  /** Connections that a page may make each second, and at once. */
  connects: { each: 100, burst: 256 },
  /** Orders that a page may give each second, and at once. More are read later. */
  orders: { each: 20_000, burst: 20_000 },
  /** Calls that need their answer at once, each second and at once. */
  calls: { each: 100, burst: 200 },
  /** Bytes of one such call. */
  callBytes: 1 << 20,
  /** Bytes that wait for a page to take them: from the first number on its sockets are not read, until the second. */
  waitingBytes: { most: 4 << 20, least: 1 << 20 },
}

/** A bucket of tokens: so many each second, and no more than `burst` at once. */
class Rate {
  #each
  #burst
  #tokens
  #at = performance.now()

  constructor({ each, burst }) {
    this.#each = each
    this.#burst = this.#tokens = burst
  }

  /** Takes one, if there is one. */
  take() {
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#each)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Milliseconds until there is one. */
  get wait() {
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#each) * 1000))
  }
}

module.exports = { LIMITS, Rate }
