'use strict'

// One direction of one connection through a fault proxy: reads from `source`, does to the bytes what the switches say, and
// writes to `sink`. It reads no further ahead than LIMIT, so that whoever is slow is felt on the other side.

const { now, paced, sleep } = require('./time.js')

/** Bytes that wait to be passed on before it stops reading. */
const LIMIT = 65_536

class Lane {
  #source
  #sink
  #switches
  #signal
  /** `{ bytes, due }` of each piece; at the end `{ end: true, due }`. */
  #queue = []
  #queued = 0
  /** Bytes that went through, or were lost. Faults are at places among them. */
  #passed = 0
  /** Where the connection is cut: `{ at, reset }`. */
  #cut = null
  /** Places of bytes that are corrupted, each with what is changed. */
  #corrupt = new Map()
  #onCut
  #onCount
  #wake = () => {}

  /**
   * `switches` is `{ isStalled, isBlackHole, pace, delay }`, shared by all lanes of that direction. `onCut(reset)` is called
   * when the place of the cut is reached, and `onCount({ passed, dropped })` for what was passed on or lost.
   */
  constructor(source, sink, switches, { signal, onCut, onCount }) {
    this.#source = source
    this.#sink = sink
    this.#switches = switches
    this.#signal = signal
    this.#onCut = onCut
    this.#onCount = onCount
    source.on('data', (bytes) => {
      this.#push({ bytes, due: now() + this.#switches.delay })
      this.#queued += bytes.length
      if (this.#queued >= LIMIT) source.pause()
    })
    source.on('end', () => this.#push({ end: true, due: now() + this.#switches.delay }))
    sink.on('close', () => this.changed())
    signal.addEventListener('abort', () => this.changed(), { once: true })
    // A failure is an end of the connection, which is the proxy's business.
    this.#run()
  }

  /** The connection is cut after that many further bytes. */
  cutAfter(bytes, reset) {
    this.#cut = { at: this.#passed + bytes, reset }
    this.changed()
  }

  /** The byte that comes that many bytes from here is changed. */
  corruptAt(offset, mask) {
    this.#corrupt.set(this.#passed + offset, mask)
  }

  /** The switches may have. */
  changed() {
    this.#wake()
  }

  #push(item) {
    this.#queue.push(item)
    this.#wake()
  }

  get #isOver() {
    return this.#signal.aborted || this.#sink.destroyed
  }

  async #run() {
    while (!this.#isOver) {
      if (this.#cut !== null && this.#passed >= this.#cut.at) return this.#onCut(this.#cut.reset)
      const [item] = this.#queue
      if (item === undefined || this.#switches.isStalled) {
        await this.#change()
        continue
      }
      const early = item.due - now()
      if (early > 0) {
        await sleep(Math.ceil(early), this.#signal)
        continue
      }
      if (item.end) return this.#end()
      await this.#pass(item)
    }
  }

  #change() {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #end() {
    // The end of what was lost is lost, too.
    if (!this.#switches.isBlackHole) this.#sink.end()
  }

  /** Passes on as much of the first piece as goes at once. */
  async #pass(item) {
    const { isBlackHole, pace } = this.#switches
    const pacing = pace === null || isBlackHole ? null : paced(pace)
    const room = this.#cut === null ? Infinity : this.#cut.at - this.#passed
    const bytes = item.bytes.subarray(0, Math.min(room, pacing?.chunk ?? Infinity))
    item.bytes = item.bytes.subarray(bytes.length)
    this.#queued -= bytes.length
    if (item.bytes.length === 0) this.#queue.shift()
    if (this.#queued < LIMIT) this.#source.resume()
    const damaged = this.#damage(bytes)
    this.#passed += bytes.length
    if (isBlackHole) return this.#onCount({ passed: 0, dropped: bytes.length })
    this.#onCount({ passed: bytes.length, dropped: 0 })
    if (!this.#sink.write(damaged)) await this.#drained()
    if (pacing !== null) await sleep(pacing.pause(bytes.length), this.#signal)
  }

  /** `bytes`, with what is to be corrupted changed. */
  #damage(bytes) {
    if (this.#corrupt.size === 0) return bytes
    const copy = Buffer.from(bytes)
    for (const [at, mask] of this.#corrupt) {
      const offset = at - this.#passed
      if (offset < 0 || offset >= copy.length) continue
      copy[offset] ^= mask
      this.#corrupt.delete(at)
    }
    return copy
  }

  #drained() {
    return new Promise((resolve) => {
      const done = () => {
        this.#sink.off('drain', done)
        this.#wake = () => {}
        resolve()
      }
      this.#sink.once('drain', done)
      // The sink may be closed first.
      this.#wake = () => this.#isOver && done()
    })
  }
}

module.exports = { Lane }
