'use strict'

// The readable side of a socket as a ReadableStream. Bytes are read only when the stream asks for them: what nobody wants stays with
// the kernel, and TCP pushes back.

const { Promise, PromisePrototypeThen, Uint8Array } = require('../builtins.js')
const {
  ByobRequestGetView,
  ByobRequestRespond,
  ByteControllerClose,
  ByteControllerEnqueue,
  ByteControllerError,
  ByteControllerGetByobRequest,
  DefaultControllerClose,
  DefaultControllerEnqueue,
  DefaultControllerError,
  ReadableStream,
} = require('./builtins.js')

const settled = Promise.resolve()

class ReadableHalf {
  #controller
  #isBytes
  #asArrayBuffers
  #owner
  /** A chunk is read before somebody asks, and this is it. */
  #readsAhead
  #ahead = undefined
  /** Somebody has asked for one. */
  #isWanted = false
  #isFinal = false
  #error = undefined
  stream

  /**
   * @param bytes a byte stream, which also has BYOB readers
   * @param chunk 'uint8array' or 'arraybuffer': what it gives
   * @param readsAhead a chunk is read ahead, as with a high water mark of 1; but the stream itself would not say whether anybody waits for it
   * @param owner `pull(view, isAhead)` asks for bytes, into `view` if there is one, and `isAhead` of whoever may want them;
   *   `cancelled(reason)` says that nobody wants any
   */
  constructor({ bytes, chunk, readsAhead = false }, owner) {
    this.#owner = owner
    this.#readsAhead = readsAhead
    this.#isBytes = bytes
    this.#asArrayBuffers = chunk === 'arraybuffer'
    const source = {
      __proto__: null,
      start: (controller) => {
        this.#controller = controller
        if (readsAhead) PromisePrototypeThen(settled, () => this.#readAhead())
      },
      // It returns nothing to wait for: the stream asks again when it has got something, and asking twice is asking once.
      pull: () => {
        if (this.#isFinal) return
        if (this.#ahead === undefined) {
          this.#isWanted = true
          owner.pull(this.#view(), false)
        } else {
          this.#giveAhead()
          this.#readAhead()
        }
      },
      cancel: (reason) => {
        if (this.#isFinal) return
        this.#isFinal = true
        owner.cancelled(reason)
      },
    }
    if (bytes) source.type = 'bytes'
    this.stream = new ReadableStream(source, { __proto__: null, highWaterMark: 0 })
  }

  #readAhead() {
    if (this.#readsAhead && !this.#isFinal) this.#owner.pull(undefined, true)
  }

  #giveAhead() {
    const chunk = this.#ahead
    this.#ahead = undefined
    DefaultControllerEnqueue(this.#controller, chunk)
  }

  /** It has ended, failed, or was cancelled. */
  get isFinal() {
    return this.#isFinal
  }

  /** What it failed with; `undefined` where it did not. */
  get error() {
    return this.#error
  }

  /** What a BYOB reader wants to have filled. */
  #view() {
    const request = this.#isBytes ? ByteControllerGetByobRequest(this.#controller) : null
    return request === null ? undefined : ByobRequestGetView(request)
  }

  /** Bytes came: an ArrayBuffer, or so many in the memory that was given for them. */
  data(detail) {
    if (this.#isFinal) return
    if (typeof detail === 'number') {
      const request = ByteControllerGetByobRequest(this.#controller)
      if (request !== null) ByobRequestRespond(request, detail)
      return
    }
    const chunk = this.#asArrayBuffers ? detail : new Uint8Array(detail)
    if (this.#isBytes) return ByteControllerEnqueue(this.#controller, chunk)
    this.#ahead = chunk
    if (this.#readsAhead && !this.#isWanted) return
    this.#isWanted = false
    this.#giveAhead()
    this.#readAhead()
  }

  /** A chunk that is no bytes. */
  give(chunk) {
    if (!this.#isFinal) DefaultControllerEnqueue(this.#controller, chunk)
  }

  /** Nothing follows. Reads that wait are done, whoever holds the lock. */
  end() {
    if (this.#isFinal) return
    this.#isFinal = true
    if (this.#ahead !== undefined) this.#giveAhead()
    if (!this.#isBytes) return DefaultControllerClose(this.#controller)
    try {
      ByteControllerClose(this.#controller)
      const request = ByteControllerGetByobRequest(this.#controller)
      if (request !== null) ByobRequestRespond(request, 0)
    } catch {
      // A reader of larger elements has got a part of one. The stream has failed by that.
    }
  }

  fail(error) {
    if (this.#isFinal) return
    this.#isFinal = true
    this.#error = error
    this.refuse(error)
  }

  /** Reads fail with `error` from now on, and those that wait. What the connection came to is another matter. */
  refuse(error) {
    this.#isFinal = true
    if (this.#isBytes) ByteControllerError(this.#controller, error)
    else DefaultControllerError(this.#controller, error)
  }
}

module.exports = { ReadableHalf }
