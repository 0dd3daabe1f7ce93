'use strict'

// A socket that is two streams of the Web, whatever its class: what SocketStream reads of it and writes to it. The streams are there from the
// start, or `opened` tells them.

const { PromisePrototypeThen, TypeError } = require('../../builtins.js')
const { connectionOf } = require('../../insides.js')
const { BufferConcat } = require('../../platform/node-streams.js')
const { deferred, handled } = require('../../promises.js')
const { toBuffer } = require('./bytes.js')
const { endsOf } = require('./ends.js')
const { coded, toNodeError } = require('./errors.js')

/** Small pieces are put together up to this size: each write of a stream takes turns of its own. */
const MOST_JOINED = 64 * 1024

class StreamsSource {
  #socket
  #owner
  #reader = null
  #writer = null
  /** What is lent of a socket of this package. */
  #connection
  #info
  #isWanted = false
  #isReading = false
  #hasEnded = false
  #isGivenUp = false
  isOpen = false
  /** Nothing happens any more. */
  isOver = false

  /**
   * @param socket with `readable` and `writable`, or an `opened` that fulfils with an object that has them
   * @param owner `opened()`, `data(buffer)`, `ended()`, `failed(error)`, and `closed()`, each called in turns of their own
   */
  constructor(socket, owner) {
    this.#socket = socket
    this.#owner = owner
    const opened = isPromise(socket.opened) ? socket.opened : resolved()
    PromisePrototypeThen(
      wrap(opened),
      (info) => this.#open(info),
      (error) => this.#failed(error, 'connect', 'ECONNABORTED'),
    )
    if (isPromise(socket.closed)) {
      PromisePrototypeThen(
        wrap(socket.closed),
        () => this.#over(),
        (error) => {
          this.#failed(error, 'read', 'ECONNRESET')
          this.#over()
        },
      )
    }
  }

  #open(info) {
    const streams = hasStreams(this.#socket) ? this.#socket : info
    if (!hasStreams(streams)) {
      return this.#refuse(new TypeError('toNodeStream: the socket has no readable and writable'))
    }
    const { readable, writable } = streams
    this.#info = info
    this.#connection = connectionOf(readable)
    try {
      this.#reader = readable.getReader()
      this.#writer = writable.getWriter()
    } catch {
      return this.#refuse(new TypeError('toNodeStream: somebody has a lock on a stream of the socket'))
    }
    handled(this.#reader.closed)
    handled(this.#writer.closed)
    if (this.#isGivenUp) return this.#giveUpStreams(undefined)
    this.#connection?.keepHalfOpen()
    this.isOpen = true
    this.#owner.opened()
  }

  #failed(error, syscall, otherwise) {
    this.#refuse(toNodeError(error, syscall, otherwise))
  }

  #refuse(error) {
    if (!this.#isGivenUp && !this.isOver) this.#owner.failed(error)
  }

  #over() {
    if (this.isOver) return
    this.isOver = true
    this.#owner.closed()
  }

  get handle() {
    return this.#connection?.handle ?? null
  }

  get host() {
    return undefined
  }

  get ends() {
    return this.handle?.ends() ?? endsOf(this.#info, this.#socket)
  }

  get tls() {
    return this.handle?.tlsDetails() ?? null
  }

  /** Whether bytes are to be read. */
  want(isWanted) {
    this.#isWanted = isWanted
    if (isWanted && !this.#isReading && !this.#hasEnded) this.#read()
  }

  #read() {
    this.#isReading = true
    PromisePrototypeThen(this.#reader.read(), this.#onRead, this.#onReadFailed)
  }

  #onRead = ({ value, done }) => {
    this.#isReading = false
    if (this.#isGivenUp) return
    if (done) {
      this.#hasEnded = true
      return this.#owner.ended()
    }
    const buffer = toBuffer(value)
    if (buffer === undefined) {
      return this.#refuse(new TypeError('toNodeStream: the readable of the socket gives what is no bytes'))
    }
    if (buffer.length > 0) this.#owner.data(buffer)
    if (this.#isWanted && !this.#isReading && !this.#isGivenUp) this.#read()
  }

  #onReadFailed = (error) => {
    this.#isReading = false
    this.#failed(error, 'read', 'ECONNRESET')
  }

  /** Writes `chunks`, which are Buffers. `done(error)` is called when the system has them. */
  write(chunks, done) {
    let last
    let joined = []
    let size = 0
    const writeJoined = () => {
      if (joined.length === 0) return
      last = handled(this.#writer.write(joined.length === 1 ? joined[0] : BufferConcat(joined, size)))
      joined = []
      size = 0
    }
    for (let i = 0; i < chunks.length; i++) {
      if (size + chunks[i].length > MOST_JOINED) writeJoined()
      joined[joined.length] = chunks[i]
      size += chunks[i].length
    }
    writeJoined()
    PromisePrototypeThen(
      last,
      () => done(null),
      (error) => done(toNodeError(error, 'write', 'EPIPE')),
    )
  }

  /** Ends our side, behind what was written. */
  end(done) {
    PromisePrototypeThen(
      this.#writer.close(),
      () => done(null),
      (thrown) => {
        const error = toNodeError(thrown, 'shutdown', undefined)
        // A socket that closes itself with its peer has ended our side already.
        done(this.#hasEnded && error.code === undefined ? null : error)
      },
    )
  }

  /** Gives it up, with what is not written yet. `closed()` follows. */
  destroy(error) {
    this.#isGivenUp = true
    if (this.isOver) return
    this.#giveUpStreams(error ?? coded('The socket was destroyed', 'ERR_STREAM_DESTROYED'))
    let closing
    try {
      closing = handled(wrap(this.#close()))
    } catch {
      // A getter of somebody's, or a method.
      closing = resolved()
    }
    // One that `closed` tells nothing of is over when all of this is done.
    const over = () => this.#over()
    PromisePrototypeThen(closing, over, over)
  }

  #close() {
    const dispose = Symbol.asyncDispose === undefined ? undefined : this.#socket[Symbol.asyncDispose]
    if (typeof dispose === 'function') return this.#socket[Symbol.asyncDispose]()
    return typeof this.#socket.close === 'function' ? this.#socket.close() : this.#givenUp
  }

  #givenUp = resolved()

  #giveUpStreams(reason) {
    if (this.#writer === null || this.#reader === null) return
    const aborted = handled(wrap(this.#writer.abort(reason)))
    const cancelled = handled(wrap(this.#reader.cancel(reason)))
    this.#givenUp = handled(PromisePrototypeThen(aborted, () => cancelled))
  }

  /** The peer is to learn of what follows by RST. */
  reset() {
    this.handle?.reset()
  }

  keepAlive(keep) {
    if (keep) this.#socket.ref?.()
    else this.#socket.unref?.()
  }
}

function hasStreams(value) {
  return typeof value?.readable?.getReader === 'function' && typeof value.writable?.getWriter === 'function'
}

function isPromise(value) {
  return typeof value?.then === 'function'
}

/** A promise of this realm's, of any value. */
function wrap(value) {
  const { promise, resolve } = deferred()
  resolve(value)
  return promise
}

function resolved() {
  return wrap(undefined)
}

module.exports = { StreamsSource, hasStreams, isPromise }
