'use strict'

// Who may connect: each page, worker or panel that was served gets a token of its own, which is good for one WebSocket.

const { randomBytes } = require('node:crypto')

const { LIMITS } = require('./limits.js')

class Visits {
  /** By token, the oldest first: `{ kind, session, timer }`. */
  #visits = new Map()
  #waiting = new Set()

  /** The token of a new visit of `kind`, with `session`, whose `end()` is called when it is forgotten before it has connected. */
  add(kind, session) {
    if (this.#waiting.size >= LIMITS.waiting) this.#forget(this.#waiting.values().next().value)
    const token = randomBytes(32).toString('base64url')
    const timer = setTimeout(() => this.#forget(token), LIMITS.patience).unref()
    this.#visits.set(token, { kind, session, timer })
    this.#waiting.add(token)
    return token
  }

  /** The visit of `kind` that has `token`; undefined where there is none. */
  find(kind, token) {
    const visit = this.#visits.get(token)
    return visit?.kind === kind ? visit : undefined
  }

  /** As `find`, for the one WebSocket that it may have. */
  connect(kind, token) {
    if (!this.#waiting.has(token) || this.find(kind, token) === undefined) return undefined
    const visit = this.#visits.get(token)
    this.#waiting.delete(token)
    clearTimeout(visit.timer)
    return visit
  }

  /** It has gone. */
  delete(token) {
    const visit = this.#visits.get(token)
    if (visit === undefined) return
    clearTimeout(visit.timer)
    this.#visits.delete(token)
    this.#waiting.delete(token)
  }

  #forget(token) {
    const visit = this.#visits.get(token)
    this.delete(token)
    visit?.session?.end()
  }

  /** Ends all of them. */
  clear() {
    for (const token of this.#visits.keys()) this.#forget(token)
  }
}

module.exports = { Visits }
