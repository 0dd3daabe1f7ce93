'use strict'

// A socket as a Duplex that passes for a net.Socket: its events come in the same order, and its members mean the same. What it is over, of
// which face, its source knows (streams-source.js, firefox-os-source.js).

const {
  MathTrunc,
  NumberIsFinite,
  ObjectDefineProperty,
  StringPrototypeIncludes,
} = require('../../builtins.js')
const { Duplex, end, putOff, startIdleTimer, stopIdleTimer } = require('../../platform/node-streams.js')
const { ipVersion } = require('../../platform/native.js')
const { soon } = require('../../platform/process.js')
const { runSoon } = require('../../platform/timers.js')
const { coded, invalidType, outOfRange } = require('./errors.js')
const { defineTlsMembers } = require('./tls-members.js')

/** The longest of Node's timers, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** Bytes that are read ahead: as net.Socket from Node.js 22 on. */
const READ_AHEAD = 64 * 1024

let tlsOf

class SocketStream extends Duplex {
  #source
  #isConnecting
  /** Bytes were asked for before it was connected. */
  #isReadWanted = false
  /** What is left to do when it is connected. */
  #whenOpen = null
  /** What the write, or the end, that is under way is to call. */
  #pending = null
  #bytesRead = 0
  /** Bytes that the system has. */
  #bytesDispatched = 0
  #ends = null
  #tls = null
  #timer = null
  /** Bytes that were waiting for the system when the timer was last started. */
  #queued = 0
  #isResetting = false
  /** `{ hadError }` of one that is destroyed, until the socket below is closed. */
  #closing = null
  #noDelay
  #keepAlive

  /** @param makeSource `(owner)`: makes what it is over */
  constructor(makeSource, { allowHalfOpen = false, highWaterMark = READ_AHEAD, signal } = {}) {
    super({ allowHalfOpen, emitClose: false, highWaterMark, signal })
    this.timeout = 0
    this.#source = makeSource({
      opened: () => this.#onOpened(),
      data: (buffer) => this.#onData(buffer),
      ended: () => this.#onEnded(),
      failed: (error) => this.#onFailed(error),
      closed: () => this.#onClosed(),
    })
    this.#isConnecting = !this.#source.isOpen && !this.#source.isOver
    this.on('end', this.#refuseWrites)
    // Also of one that nobody reads the end is to be noticed.
    if (this.#source.isOpen) {
      this.#learnEnds()
      this.read(0)
    }
  }

  // What the source tells.

  #onOpened() {
    if (this.destroyed) return
    this.#isConnecting = false
    this.#learnEnds()
    this.#active()
    this.#tune()
    const { host } = this.#source
    if (host && ipVersion(host) === 0) this.emit('lookup', null, this.remoteAddress, family(this.#ends), host)
    this.emit('connect')
    this.emit('ready')
    if (this.encrypted) this.emit('secureConnect')
    const whenOpen = this.#whenOpen
    this.#whenOpen = null
    if (this.destroyed) return
    if (whenOpen !== null) whenOpen()
    if (this.#isReadWanted) this._read()
    else if (this.readable && !this.isPaused()) this.read(0)
  }

  #onData(buffer) {
    if (this.destroyed) return
    this.#bytesRead += buffer.length
    this.#active()
    if (this.#noDelay !== undefined || this.#keepAlive !== undefined) this.#tune()
    if (!this.push(buffer)) this.#source.want(false)
  }

  #onEnded() {
    if (this.destroyed) return
    this.push(null)
    // What nobody reads has no end otherwise.
    this.read(0)
  }

  #onFailed(error) {
    const { host } = this.#source
    if (error.syscall === 'getaddrinfo')
      this.emit('lookup', error, undefined, undefined, error.hostname ?? host)
    this.destroy(error)
  }

  #onClosed() {
    if (this.#closing !== null) return this.#closeSoon()
    // The socket was closed by somebody else before it was open.
    if (this.#isConnecting) this.destroy(coded('The socket was closed before it was open', 'ECONNABORTED'))
  }

  /** In a task of its own, behind the error. */
  #closeSoon() {
    const { hadError } = this.#closing
    this.#closing = null
    runSoon(() => this.emit('close', hadError))
  }

  // What Duplex asks for.

  _read() {
    this.#isReadWanted = this.#isConnecting
    if (!this.#isConnecting && !this.destroyed) this.#source.want(true)
  }

  _write(chunk, _encoding, callback) {
    this.#start((done) => this.#source.write([chunk], done), chunk.length, callback)
  }

  _writev(items, callback) {
    const chunks = []
    let length = 0
    for (let i = 0; i < items.length; i++) {
      chunks[i] = items[i].chunk
      length += items[i].chunk.length
    }
    this.#start((done) => this.#source.write(chunks, done), length, callback)
  }

  _final(callback) {
    // RST is the end then.
    if (this.#isResetting) return callback()
    this.#start((done) => this.#source.end(done), 0, callback)
  }

  /** Begins something, at once or when it is connected, of which there is one at a time. */
  #start(begin, length, callback) {
    const done = (error) => {
      if (this.#pending !== done) return
      this.#pending = null
      if (!error) this.#bytesDispatched += length
      this.#active()
      callback(error)
    }
    this.#pending = done
    if (this.#isConnecting) {
      this.#whenOpen = () => begin(done)
    } else {
      this.#active()
      begin(done)
    }
  }

  _destroy(error, callback) {
    const wasConnecting = this.#isConnecting
    this.#isConnecting = false
    this.#stopTimer()
    this.#whenOpen = null
    this.#closing = { hadError: Boolean(error) }
    const source = this.#source
    if (!source.isOver) {
      if (this.#isResetting) source.reset()
      source.destroy(error)
    }
    if (this.#pending !== null) {
      const code = wasConnecting ? 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' : 'ERR_SOCKET_CLOSED'
      this.#pending(error ?? coded('Socket is closed', code))
    }
    callback(error)
    if (source.isOver) this.#closeSoon()
  }

  // Writing behind the peer's end, where that is our own.

  #refuseWrites() {
    if (!this.allowHalfOpen) this.write = writeAfterEnd
  }

  // The connection.

  get connecting() {
    return this.#isConnecting
  }

  get pending() {
    return this.#isConnecting || this.destroyed
  }

  get readyState() {
    if (this.#isConnecting) return 'opening'
    if (this.readable && this.writable) return 'open'
    if (this.readable) return 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  get bytesRead() {
    return this.#bytesRead
  }

  /** With what is queued, as node:net counts. */
  get bytesWritten() {
    return this.#bytesDispatched + this.writableLength
  }

  get bufferSize() {
    return this.destroyed ? undefined : this.writableLength
  }

  #learnEnds() {
    this.#ends ??= this.#source.ends
    return this.#ends
  }

  get localAddress() {
    return this.#ends?.localAddress
  }

  get localPort() {
    return this.#ends?.localPort
  }

  get localFamily() {
    return familyName(this.#ends?.localAddress)
  }

  get remoteAddress() {
    return this.#ends?.remoteAddress
  }

  get remotePort() {
    return this.#ends?.remotePort
  }

  get remoteFamily() {
    return familyName(this.#ends?.remoteAddress)
  }

  address() {
    const { localAddress: address, localPort: port } = this.#ends ?? {}
    return address === undefined ? {} : { address, family: familyName(address), port }
  }

  /**
   * It is connected, or being connected, to where the socket leads: libraries that are given a socket call this all the same. The
   * last argument, if it is a function, is a listener for `connect`, which is emitted again where that has happened before.
   */
  connect(...args) {
    const listener = args[args.length - 1]
    if (this.destroyed)
      throw coded('connect: the socket below is closed, and is not connected again', 'ERR_SOCKET_CLOSED')
    if (typeof listener === 'function') this.once('connect', listener)
    if (!this.#isConnecting) {
      soon(() => {
        if (this.destroyed) return
        this.emit('connect')
        this.emit('ready')
      })
    }
    return this
  }

  setNoDelay(enable) {
    this.#noDelay = enable === undefined ? true : Boolean(enable)
    this.#tune()
    return this
  }

  setKeepAlive(enable, initialDelay) {
    const seconds = MathTrunc(Number(initialDelay) / 1000)
    this.#keepAlive = { keep: Boolean(enable), seconds: seconds > 0 ? seconds : undefined }
    this.#tune()
    return this
  }

  /** What could not be set yet, because it is not open or in the middle of a handshake, is tried again when something comes. */
  #tune() {
    if (this.#isConnecting || this.destroyed) return
    const { handle } = this.#source
    if (handle === null) return
    if (this.#noDelay !== undefined && handle.setNoDelay(this.#noDelay)) this.#noDelay = undefined
    if (this.#keepAlive === undefined) return
    const { keep, seconds } = this.#keepAlive
    if (handle.setKeepAlive(keep, seconds)) this.#keepAlive = undefined
  }

  ref() {
    this.#source.keepAlive(true)
    return this
  }

  unref() {
    this.#source.keepAlive(false)
    return this
  }

  // Its timeout, after which nothing happens but an event.

  setTimeout(milliseconds, callback) {
    if (this.destroyed) return this
    const time = toTime(milliseconds)
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidType('The "callback" argument must be of type function')
    }
    this.timeout = time
    this.#stopTimer()
    if (time === 0) {
      if (callback !== undefined) this.removeListener('timeout', callback)
      return this
    }
    this.#timer = startIdleTimer(() => this.#onIdle(), time)
    this.#queued = this.#unwritten
    if (callback !== undefined) this.once('timeout', callback)
    return this
  }

  #stopTimer() {
    if (this.#timer === null) return
    stopIdleTimer(this.#timer)
    this.#timer = null
  }

  #active() {
    if (this.#timer !== null) putOff(this.#timer)
  }

  get #unwritten() {
    return this.#pending === null ? 0 : (this.#source.handle?.unwritten ?? 0)
  }

  #onIdle() {
    const before = this.#queued
    this.#queued = this.#unwritten
    // A long write moves on.
    if (this.#queued > 0 && this.#queued !== before) return this.#active()
    this.emit('timeout')
  }

  // Its end.

  destroySoon() {
    if (this.writable) end(this)
    if (this.writableFinished) this.destroy()
    else this.once('finish', this.destroy)
  }

  resetAndDestroy() {
    if (this.destroyed || this.#source.isOver) {
      this.destroy(coded('Socket is closed', 'ERR_SOCKET_CLOSED'))
    } else if (this.#isConnecting) {
      this.once('connect', () => this.#reset())
    } else {
      this.#reset()
    }
    return this
  }

  #reset() {
    this.#isResetting = true
    this.destroySoon()
  }

  static {
    tlsOf = (stream) => {
      if (!(#tls in stream)) return null
      return (stream.#tls ??= stream.#source.tls)
    }
  }
}

ObjectDefineProperty(SocketStream.prototype, '_connecting', {
  __proto__: null,
  get() {
    return this.connecting
  },
  configurable: true,
})
defineTlsMembers(SocketStream, (stream) => tlsOf(stream))

/** The peer's end was the end of both sides. */
function writeAfterEnd(chunk, encoding, callback) {
  if (!this.writableEnded) return Duplex.prototype.write.call(this, chunk, encoding, callback)
  const done = typeof encoding === 'function' ? encoding : callback
  const error = coded('This socket has been ended by the other party', 'EPIPE')
  if (typeof done === 'function') soon(() => done(error))
  this.destroy(error)
  return false
}

function familyName(address) {
  if (address === undefined) return undefined
  return StringPrototypeIncludes(address, ':') ? 'IPv6' : 'IPv4'
}

/** The number of the family of the remote address. */
function family(ends) {
  if (!ends?.remoteAddress) return undefined
  return StringPrototypeIncludes(ends.remoteAddress, ':') ? 6 : 4
}

function toTime(milliseconds) {
  if (typeof milliseconds !== 'number') throw invalidType('The "msecs" argument must be of type number')
  if (!NumberIsFinite(milliseconds) || milliseconds < 0) {
    throw outOfRange(`The value of "msecs" is out of range: ${milliseconds}`)
  }
  return milliseconds > LONGEST ? LONGEST : milliseconds
}

module.exports = { SocketStream }
