'use strict'

// One connection of a scripted peer: reads and writes, in the clear or in TLS, and knows what has come that no step of the
// script has taken. It decides nothing.

const { once } = require('node:events')
const tls = require('node:tls')

const { paced, sleep } = require('./time.js')

/** Pieces that were taken and are kept, to be shown. */
const RECENT = 16

class Conversation {
  #socket
  /** What reads and writes: `#socket`, or the TLS over it. */
  #stream
  #number
  #recorder
  /** What has come, and nobody has taken. */
  #received = Buffer.alloc(0)
  /** How many bytes were taken, and the last of them: `{ at, bytes }`. */
  #taken = 0
  #recent = []
  /** The client sends no more: `'ended'`, or what became of the connection. `null` while it may. */
  #gone = null
  #pace = null
  /** Bytes that may still be sent before the connection is cut; Infinity where it is not to be. */
  #allowance = Infinity
  #cutWithReset = false
  #isOver = false
  /** Wakes who waits for something to change. */
  #wake = () => {}

  constructor(socket, number, recorder) {
    this.#socket = socket
    this.#number = number
    this.#recorder = recorder
    socket.setNoDelay(true)
    socket.on('error', (error) => this.#lost(error))
    socket.on('close', () => this.#lost(null))
    this.#read(socket)
  }

  #read(stream) {
    this.#stream = stream
    stream.on('data', this.#onData)
    stream.on('end', this.#onEnd)
  }

  #onData = (bytes) => {
    if (this.#isOver) return
    this.#recorder.said(this.#number, 'client', bytes)
    this.#received = Buffer.concat([this.#received, bytes])
    this.#wake()
  }

  #onEnd = () => {
    if (this.#gone !== null || this.#isOver) return
    this.#gone = 'ended'
    this.#recorder.note(this.#number, 'the client ended')
    this.#wake()
  }

  #lost(error) {
    const isNews = !this.#isOver && (this.#gone === null || (error !== null && this.#gone === 'ended'))
    if (isNews) {
      this.#gone = error === null ? 'closed' : (error.code ?? error.message)
      this.#recorder.note(
        this.#number,
        error === null ? 'closed' : `connection lost: ${error.code ?? error.message}`,
      )
    }
    this.#wake()
  }

  /** What has come, and nobody has taken. */
  get received() {
    return this.#received
  }

  /** `null` while the client may send, `'ended'` after its FIN, else what became of the connection. */
  get gone() {
    return this.#gone
  }

  /** The peer has ended, reset or cut the connection. */
  get isOver() {
    return this.#isOver
  }

  /** How many bytes were taken. */
  get taken() {
    return this.#taken
  }

  /** Takes that many of the bytes that have come. */
  take(length) {
    if (length === 0) return
    this.#recent.push({ at: this.#taken, bytes: this.#received.subarray(0, length) })
    // The beginning of what a step takes is enough to show.
    if (this.#recent.length > RECENT) this.#recent.splice(RECENT / 2, 1)
    this.#received = this.#received.subarray(length)
    this.#taken += length
  }

  /** Bytes that have come, from that place on; of very many, some. */
  since(place) {
    const taken = this.#recent.filter(({ at }) => at >= place).map(({ bytes }) => bytes)
    return Buffer.concat([...taken, this.#received])
  }

  /** Resolves when something has come or happened, or `signal` aborts. */
  async change(signal) {
    if (signal.aborted) return
    await new Promise((resolve) => {
      const wake = () => {
        this.#wake = () => {}
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake)
    })
  }

  /** From now on sent at that pace; `null` is as fast as it goes. */
  setPace(pace) {
    this.#pace = pace === null ? null : paced(pace)
  }

  /** The connection is cut when that many further bytes are sent. */
  cutAfter(bytes, withReset) {
    this.#allowance = bytes
    this.#cutWithReset = withReset
    if (bytes === 0) this.#cut()
  }

  #cut() {
    this.#recorder.note(
      this.#number,
      this.#cutWithReset ? 'cut by the peer, with a reset' : 'cut by the peer',
    )
    this.#isOver = true
    if (this.#cutWithReset) this.#socket.resetAndDestroy()
    // Without an end of TLS, as if the network had gone.
    else this.#socket.destroySoon()
  }

  /** Sends `bytes`, as far as the connection lasts, and waits until the operating system has them. */
  async send(bytes, signal) {
    let rest = bytes.subarray(0, this.#allowance)
    this.#allowance -= rest.length
    while (rest.length > 0 && !signal.aborted) {
      const piece = rest.subarray(0, this.#pace?.chunk)
      rest = rest.subarray(piece.length)
      if (!(await this.#write(piece, signal))) return
      if (this.#pace !== null) await sleep(this.#pace.pause(piece.length), signal)
    }
    if (this.#allowance === 0 && !this.#isOver && !signal.aborted) this.#cut()
  }

  /** Resolves with whether it was written. */
  #write(piece, signal) {
    this.#recorder.said(this.#number, 'peer', piece)
    if (!this.#stream.writable) return false
    return new Promise((resolve) => {
      const giveUp = () => resolve(false)
      signal.addEventListener('abort', giveUp, { once: true })
      this.#stream.write(piece, (error) => {
        signal.removeEventListener('abort', giveUp)
        resolve(!error)
      })
    })
  }

  /** Secures the connection, as a server. Resolves when the handshake is done, and rejects where it fails. */
  async secure(options, signal) {
    const raw = this.#stream
    raw.off('data', this.#onData)
    raw.off('end', this.#onEnd)
    raw.pause()
    // The beginning of the handshake may have come already.
    if (this.#received.length > 0) raw.unshift(this.#received)
    this.#received = Buffer.alloc(0)
    const secured = new tls.TLSSocket(raw, { isServer: true, ...options })
    secured.on('error', (error) => this.#lost(error))
    await once(secured, 'secure', { signal })
    this.#recorder.note(
      this.#number,
      `${secured.getProtocol()}${secured.alpnProtocol ? `, ${secured.alpnProtocol}` : ''}`,
    )
    this.#read(secured)
  }

  /** Reads nothing, until `resume()`: what the client sends stays in the buffers of the operating system. */
  pause() {
    this.#stream.pause()
  }

  resume() {
    if (!this.#isOver) this.#stream.resume()
  }

  /** Sends no more. */
  end() {
    this.#recorder.note(this.#number, 'the peer ended')
    this.#isOver = true
    this.#stream.end()
    this.#stream.resume()
  }

  reset() {
    this.#recorder.note(this.#number, 'reset by the peer')
    this.#isOver = true
    this.#socket.resetAndDestroy()
  }

  /** Resolves when nothing is left of it. */
  async destroy() {
    this.#isOver = true
    if (this.#stream !== this.#socket) this.#stream.destroy()
    if (this.#socket.closed) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }
}

module.exports = { Conversation }
