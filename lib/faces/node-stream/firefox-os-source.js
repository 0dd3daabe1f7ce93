'use strict'

// A TCPSocket of Firefox OS: what SocketStream reads of it and writes to it. Its connection is used half-open, which applications of Firefox OS could
// not, and tells when the system has what was written.

const { BufferFrom } = require('../../platform/node-streams.js')
const { insidesOf } = require('../../insides.js')
const { Outflow } = require('../../streams/outflow.js')
const { toBuffer } = require('./bytes.js')
const { toNodeError } = require('./errors.js')
const { EventsSource, closedError } = require('./events-source.js')

class FirefoxOsSource {
  #socket
  #owner
  #connection
  #reading
  #outflow
  /** What the write, or the end, that is under way calls when it is done. */
  #pending = null
  #isEnding = false
  #hasEnded = false
  #hasFailed = false
  isOpen
  isOver = false

  /** `owner`: as that of StreamsSource. */
  constructor(socket, owner, { connection, reading }) {
    this.#socket = socket
    this.#owner = owner
    this.#connection = connection
    this.#reading = reading
    this.#outflow = new Outflow(connection.handle.id)
    this.isOpen = socket.readyState === 'open'
    reading.liftSuspensions()
    socket.addEventListener('open', () => this.#onOpen())
    socket.addEventListener('data', ({ data }) => this.#onData(data))
    socket.addEventListener('error', ({ data }) => this.#onError(data))
    socket.addEventListener('close', () => this.#onClose())
  }

  /** Its connection calls them. */
  get halves() {
    return {
      peerEnded: () => this.#ended(),
      shutDown: () => this.#done(null),
      drained: () => this.#onWritten(),
    }
  }

  #onOpen() {
    this.isOpen = true
    this.#owner.opened()
  }

  #onData(data) {
    this.#outflow.rested()
    this.#owner.data(typeof data === 'string' ? BufferFrom(data, 'latin1') : toBuffer(data))
  }

  #onWritten() {
    this.#outflow.rested()
    // It may be the answer to what was asked before.
    if (this.handle.unwritten === 0 && !this.#isEnding) this.#done(null)
  }

  #onError(error) {
    this.#hasFailed = true
    const phase = this.isOpen ? 'read' : 'connect'
    const failure = toNodeError(error, phase, this.isOpen ? 'ECONNRESET' : 'ECONNABORTED')
    this.#done(failure)
    this.#owner.failed(failure)
  }

  #onClose() {
    this.isOver = true
    this.#done(this.#isEnding ? null : closedError())
    if (!this.#hasFailed) this.#ended()
    this.#owner.closed()
  }

  #ended() {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#owner.ended()
  }

  #done(error) {
    const pending = this.#pending
    this.#pending = null
    if (pending !== null) pending(error)
  }

  get handle() {
    return this.#connection.handle
  }

  get host() {
    return this.#socket.host
  }

  get ends() {
    return this.#connection.endpoints
  }

  get tls() {
    return this.handle?.tlsDetails() ?? null
  }

  want(isWanted) {
    this.#reading.isWanted = isWanted
  }

  write(chunks, done) {
    if (this.#socket.readyState !== 'open') return done(closedError())
    this.#pending = done
    let isWritten = true
    try {
      // What the application has sent goes first.
      this.#connection.flush()
      for (let i = 0; i < chunks.length; i++) {
        isWritten = this.#outflow.write(chunks[i], true)
        this.#connection.sent(chunks[i], chunks[i].length)
      }
    } catch (thrown) {
      return this.#done(toNodeError(thrown, 'write', 'EPIPE'))
    }
    if (isWritten) this.#done(null)
  }

  end(done) {
    if (this.#socket.readyState !== 'open') return done(null)
    this.#isEnding = true
    this.#pending = done
    this.#connection.shutdown()
  }

  destroy() {
    this.#pending = null
    this.#connection.closeImmediately()
  }

  reset() {
    this.#connection.reset()
  }

  keepAlive(keep) {
    this.#connection.keepAlive(keep)
  }
}

/** What is over `socket`, which has the events of Firefox OS: one that its peer has ended has no halves any more. */
function firefoxOsSource(socket, owner) {
  const insides = insidesOf(socket)
  const connection = insides?.connection ?? null
  if (connection === null || !connection.canBeHalfOpen) return new EventsSource(socket, owner)
  const source = new FirefoxOsSource(socket, owner, insides)
  connection.keepHalfOpen(source.halves)
  return source
}

module.exports = { firefoxOsSource }
