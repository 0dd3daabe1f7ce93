'use strict'

// A socket that has events where others have streams, by what applications know of it: a TCPSocket of Firefox OS of another realm, or one of W3C's
// first draft (moz-tcp-socket/w3c/events). What SocketStream reads of it and writes to it.

const { runSoon } = require('../../platform/timers.js')
const { BufferFrom } = require('../../platform/node-streams.js')
const { isSharedArrayBuffer } = require('../../platform/types.js')
const { toBuffer, windowOf } = require('./bytes.js')
const { coded, toNodeError } = require('./errors.js')

/** What a write fails with where the socket is closed. */
function closedError() {
  return coded('write EPIPE', 'EPIPE')
}

class EventsSource {
  #socket
  #owner
  /** It was the draft's, which has an end of our side alone. */
  #canHalfClose
  #isSuspended = false
  /** What the write, or the end, that is under way calls when it is done. */
  #pending = null
  #isEnding = false
  #hasFailed = false
  isOpen
  isOver

  /** `owner`: as that of StreamsSource. */
  constructor(socket, owner) {
    this.#socket = socket
    this.#owner = owner
    this.#canHalfClose = typeof socket.halfclose === 'function'
    this.isOpen = socket.readyState === 'open' || socket.readyState === 'halfclosed'
    socket.addEventListener('open', () => this.#onOpen())
    socket.addEventListener('data', ({ data }) => this.#onData(data))
    socket.addEventListener('drain', () => this.#done(null))
    socket.addEventListener('error', (event) => this.#onError(event))
    socket.addEventListener('close', () => this.#onClose())
    this.isOver = socket.readyState === 'closed'
    if (this.isOver) runSoon(() => this.#onClose())
  }

  #onOpen() {
    this.isOpen = true
    this.#owner.opened()
  }

  #onData(data) {
    this.#owner.data(typeof data === 'string' ? BufferFrom(data, 'latin1') : toBuffer(data))
  }

  #onError({ data, error }) {
    this.#hasFailed = true
    const phase = this.isOpen ? 'read' : 'connect'
    const failure = toNodeError(error ?? data, phase, this.isOpen ? 'ECONNRESET' : 'ECONNABORTED')
    this.#done(failure)
    // The draft has no `close` of what was never open.
    if (this.#canHalfClose && !this.isOpen) this.isOver = true
    this.#owner.failed(failure)
  }

  #onClose() {
    this.isOver = true
    this.#done(this.#isEnding ? null : closedError())
    if (!this.#hasFailed) this.#owner.ended()
    this.#owner.closed()
  }

  #done(error) {
    const pending = this.#pending
    this.#pending = null
    if (pending !== null) pending(error)
  }

  get handle() {
    return null
  }

  get host() {
    return this.#socket.host
  }

  get ends() {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket
    return localAddress ? { localAddress, localPort, remoteAddress, remotePort } : null
  }

  get tls() {
    const { tls } = this.#socket
    if (!tls) return null
    // Nobody tells whether the peer was verified.
    return { ...tls, peerCertificate: tls.peerCertificate?.raw, isPeerProven: false }
  }

  want(isWanted) {
    if (this.#isSuspended !== isWanted) return
    this.#isSuspended = !isWanted
    if (isWanted) this.#socket.resume()
    else this.#socket.suspend()
  }

  write(chunks, done) {
    if (this.#socket.readyState !== 'open') return done(closedError())
    this.#pending = done
    let isTaken = true
    try {
      for (let i = 0; i < chunks.length; i++) isTaken = this.#send(chunks[i])
    } catch (thrown) {
      return this.#done(toNodeError(thrown, 'write', 'EPIPE'))
    }
    if (isTaken) this.#done(null)
  }

  /** `false` where it is time to wait for `drain`. */
  #send(chunk) {
    const owned = isSharedArrayBuffer(chunk.buffer) ? BufferFrom(chunk) : chunk
    if (this.#canHalfClose) return this.#socket.send(owned)
    // A view is text, to a socket of strings.
    const { buffer, offset, length } = windowOf(owned)
    return length === 0 || this.#socket.send(buffer, offset, length)
  }

  end(done) {
    if (this.#socket.readyState !== 'open') return done(null)
    this.#isEnding = true
    if (this.#canHalfClose) {
      this.#socket.halfclose()
      return done(null)
    }
    this.#pending = done
    // What comes from now on nobody gets: it is the only end that there is.
    this.#socket.close()
  }

  destroy(error) {
    this.#pending = null
    // What `send` has accepted was told to be written, so it is.
    if (error === null || this.#socket.closeImmediately === undefined) this.#socket.close()
    else this.#socket.closeImmediately()
  }

  reset() {
    this.destroy(closedError())
  }

  keepAlive(keep) {
    if (keep) this.#socket.ref?.()
    else this.#socket.unref?.()
  }
}

module.exports = { EventsSource, closedError }
