'use strict'

// A TCPSocket of Firefox OS: what SocketStream reads of it and writes to it. One of this package can be used half-open, and tells when the
// system has what was written. Of one of another realm nothing is known but what applications know, and it does what it can.

const { BufferFrom } = require('../../platform/node-streams.js')
const { isSharedArrayBuffer } = require('../../platform/types.js')
const { insidesOf } = require('../../insides.js')
const { Outflow } = require('../../streams/outflow.js')
const { runSoon } = require('../../platform/timers.js')
const { toBuffer, windowOf } = require('./bytes.js')
const { coded, toNodeError } = require('./errors.js')

const gone = (code = 'EPIPE') => coded(`write ${code}`, code)

class FirefoxOsSource {
  #socket
  #owner
  /** Of a socket of this package that its peer has not ended; else `null`. */
  #connection
  #reading
  #outflow = null
  /** Of a socket that is not of this package: it is suspended, by this. */
  #isSuspended = false
  /** What the write, or the end, that is under way calls when it is done. */
  #pending = null
  #hasEnded = false
  #hasFailed = false
  isOpen
  isOver

  /** `owner`: as that of StreamsSource. */
  constructor(socket, owner) {
    this.#socket = socket
    this.#owner = owner
    const { connection = null, reading = null } = insidesOf(socket) ?? {}
    this.isOpen = socket.readyState === 'open'
    const told = connection?.keepHalfOpen({
      peerEnded: () => this.#ended(),
      shutDown: () => this.#done(null),
      drained: () => this.#onWritten(),
    })
    this.#connection = told ? connection : null
    this.#reading = told ? reading : null
    if (told) {
      connection.flush()
      reading.liftSuspensions()
      this.#outflow = new Outflow(connection.handle.id)
    }
    socket.addEventListener('open', () => this.#onOpen())
    socket.addEventListener('data', ({ data }) => this.#onData(data))
    socket.addEventListener('drain', () => this.#onDrain())
    socket.addEventListener('error', (event) => this.#onError(event))
    socket.addEventListener('close', () => this.#onClose())
    this.isOver = socket.readyState === 'closed' && (connection?.handle ?? null) === null
    if (this.isOver) runSoon(() => this.#onClose())
  }

  #onOpen() {
    this.isOpen = true
    this.#owner.opened()
  }

  #onData(data) {
    this.#outflow?.rested()
    this.#owner.data(typeof data === 'string' ? BufferFrom(data, 'latin1') : toBuffer(data))
  }

  #onWritten() {
    this.#outflow.rested()
    // It may be the answer to what was asked before.
    if (this.handle.unwritten === 0 && !this.#isEnding) this.#done(null)
  }

  #onDrain() {
    if (this.#connection === null) this.#done(null)
  }

  #onError({ data: error }) {
    this.#hasFailed = true
    const phase = this.isOpen ? 'read' : 'connect'
    const failure = toNodeError(error, phase, this.isOpen ? 'ECONNRESET' : 'ECONNABORTED')
    this.#done(failure)
    this.#owner.failed(failure)
  }

  #onClose() {
    this.isOver = true
    this.#done(this.#isEnding ? null : gone())
    if (!this.#hasFailed) this.#ended()
    this.#owner.closed()
  }

  #ended() {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#owner.ended()
  }

  #isEnding = false

  #done(error) {
    const pending = this.#pending
    this.#pending = null
    if (pending !== null) pending(error)
  }

  get handle() {
    return this.#connection?.handle ?? null
  }

  get host() {
    return this.#socket.host
  }

  get ends() {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket
    return localAddress ? { localAddress, localPort, remoteAddress, remotePort } : null
  }

  get tls() {
    if (this.handle !== null) return this.handle.tlsDetails() ?? null
    const { tls } = this.#socket
    if (!tls) return null
    // Nobody tells whether the peer was verified.
    return { ...tls, peerCertificate: tls.peerCertificate?.raw, isPeerProven: false }
  }

  want(isWanted) {
    if (this.#reading !== null) {
      this.#reading.isWanted = isWanted
    } else if (this.#isSuspended === isWanted) {
      this.#isSuspended = !isWanted
      if (isWanted) this.#socket.resume()
      else this.#socket.suspend()
    }
  }

  write(chunks, done) {
    if (this.#socket.readyState !== 'open') return done(gone())
    this.#pending = done
    let isWritten = true
    try {
      for (let i = 0; i < chunks.length; i++) isWritten = this.#writeOne(chunks[i])
    } catch (thrown) {
      return this.#done(toNodeError(thrown, 'write', 'EPIPE'))
    }
    if (isWritten) this.#done(null)
  }

  /** `false` where it is not with the system yet. */
  #writeOne(chunk) {
    if (this.#connection !== null) {
      this.#connection.flush()
      const isOut = this.#outflow.write(chunk, true)
      this.#connection.sent(chunk, chunk.length)
      return isOut
    }
    const { buffer, offset, length } = windowOf(isSharedArrayBuffer(chunk.buffer) ? BufferFrom(chunk) : chunk)
    return length === 0 || this.#socket.send(buffer, offset, length)
  }

  end(done) {
    if (this.#socket.readyState !== 'open') return done(null)
    this.#isEnding = true
    this.#pending = done
    if (this.#connection !== null) this.#connection.shutdown()
    // What comes from now on nobody gets: it is the only end that there is.
    else this.#socket.close()
  }

  destroy(error) {
    this.#pending = null
    // What `send` has accepted of such a socket was told to be written, so it is.
    if (this.#connection === null && error === null) this.#socket.close()
    else this.#socket.closeImmediately()
  }

  reset() {
    if (this.#connection !== null) this.#connection.reset()
    else this.#socket.closeImmediately()
  }

  keepAlive(keep) {
    if (keep) this.#socket.ref?.()
    else this.#socket.unref?.()
  }
}

module.exports = { FirefoxOsSource }
