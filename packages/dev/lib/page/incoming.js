'use strict'

// What Node.js told about a socket and the facade has not taken yet. While the socket is suspended, bytes wait here, at most WINDOW of them, because
// Node.js reads no further without credit; and with them what came behind them, such as the end.

const { FACT, ORDER, WINDOW } = require('../bridge/protocol.js')
const { order } = require('./connection.js')
const { task } = require('./tasks.js')

/** Credit is given back in pieces of this size. */
const CREDIT = WINDOW / 4

class Incoming {
  #id
  #deliver
  /** `{ kind, content }` of each. */
  #queue = []
  #isSuspended = false
  /** A task will deliver the first. */
  #isUnderWay = false
  /** Bytes that were taken, and Node.js does not know. */
  #taken = 0

  /** `deliver(kind, content)` is called for one fact in each task. */
  constructor(id, deliver) {
    this.#id = id
    this.#deliver = deliver
  }

  /** A fact came, in a task of its own. */
  add(kind, content) {
    this.#queue.push({ kind, content })
    if (this.#queue.length === 1 && !this.#isUnderWay && !this.#waits()) this.#next()
    else this.#later()
  }

  /** Those that tell no bytes, and not the end of them, are no reading. */
  #waits() {
    const kind = this.#queue[0]?.kind
    return kind === undefined || (this.#isSuspended && (kind === FACT.Data || kind === FACT.Ended))
  }

  #later() {
    if (this.#isUnderWay || this.#waits()) return
    this.#isUnderWay = true
    task(() => {
      this.#isUnderWay = false
      if (!this.#waits()) this.#next()
      this.#later()
    })
  }

  #next() {
    const { kind, content } = this.#queue.shift()
    if (kind === FACT.Data) this.#credit(content.length - 1)
    try {
      this.#deliver(kind, content)
    } finally {
      this.#later()
    }
  }

  #credit(count) {
    this.#taken += count
    if (this.#taken < CREDIT) return
    order(ORDER.Credit, this.#id, this.#taken)
    this.#taken = 0
  }

  suspend() {
    this.#isSuspended = true
  }

  resume() {
    this.#isSuspended = false
    this.#later()
  }

  /** Nobody wants bytes any more; what else came is still told. */
  discardData() {
    let bytes = 0
    const kept = []
    for (const fact of this.#queue) {
      if (fact.kind === FACT.Data) bytes += fact.content.length - 1
      else if (fact.kind !== FACT.Ended) kept.push(fact)
    }
    this.#queue = kept
    this.#isSuspended = false
    if (bytes > 0) this.#credit(bytes)
    this.#later()
  }

  get hasData() {
    return this.#queue.some(({ kind }) => kind === FACT.Data)
  }
}

module.exports = { Incoming }
