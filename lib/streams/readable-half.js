'use strict'

// The readable side of a socket as a ReadableStream. Bytes are read only when the stream asks for them: what nobody wants stays with
// the kernel, and TCP pushes back.

const { Uint8Array } = require('../builtins.js')
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

class ReadableHalf {
  #controller
  #isBytes
  #asArrayBuffers
  #isFinal = false
  #error = undefined
  stream

  /**
   * @param bytes a byte stream, which also has BYOB readers
   * @param chunk 'uint8array' or 'arraybuffer': what it gives
   * @param highWaterMark chunks, or bytes of a byte stream, that are read ahead
   * @param owner `pull(view)` asks for bytes, into `view` if there is one; `cancelled(reason)` says that nobody wants any
   */
  constructor({ bytes, chunk, highWaterMark }, owner) {
    this.#isBytes = bytes
    this.#asArrayBuffers = chunk === 'arraybuffer'
    const source = {
      __proto__: null,
      start: (controller) => {
        this.#controller = controller
      },
      // It returns nothing to wait for: the stream asks again when it has got something, and asking twice is asking once.
      pull: () => {
        if (!this.#isFinal) owner.pull(this.#view())
      },
      cancel: (reason) => {
        if (this.#isFinal) return
        this.#isFinal = true
        owner.cancelled(reason)
      },
    }
    if (bytes) source.type = 'bytes'
    this.stream = new ReadableStream(source, { __proto__: null, highWaterMark })
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
    if (this.#isBytes) ByteControllerEnqueue(this.#controller, chunk)
    else DefaultControllerEnqueue(this.#controller, chunk)
  }

  /** A chunk that is no bytes. */
  give(chunk) {
    if (!this.#isFinal) DefaultControllerEnqueue(this.#controller, chunk)
  }

  /** Nothing follows. Reads that wait are done, whoever holds the lock. */
  end() {
    if (this.#isFinal) return
    this.#isFinal = true
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
