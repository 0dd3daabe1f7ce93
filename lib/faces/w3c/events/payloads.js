'use strict'

// What `send` of the draft of 2013 takes: strings, which are UTF-8, ArrayBuffers, views and Blobs. A Blob is read before it is sent, and what
// is sent after it waits for that.

const {
  ArrayBufferIsView,
  Blob,
  BlobPrototypeArrayBuffer,
  BlobPrototypeGetSize,
  PromisePrototypeThen,
} = require('../../../builtins.js')
const { copyOf, fromUtf8, payloadLength } = require('../../../bytes.js')
const { toText, toView } = require('../../../convert.js')
const { isAnyArrayBuffer } = require('../../../platform/types.js')

/** The bytes of `data`, on its own memory, or a Blob, and how many bytes that is. */
function toPayload(data) {
  if (Blob !== undefined && data instanceof Blob) return { blob: data, length: BlobPrototypeGetSize(data) }
  const isBytes = isAnyArrayBuffer(data) || ArrayBufferIsView(data)
  const bytes = isBytes ? toView('send', data) : fromUtf8(toText(data, 'send'))
  return { bytes, length: payloadLength(bytes) }
}

/** Sends in the order of the calls, though Blobs take a while to be read. */
class SendOrder {
  #last = null
  #waiting = 0
  #whenEmpty = null

  /** Bytes that wait for a Blob before them, or are in one. */
  get waiting() {
    return this.#waiting
  }

  /** Calls `send(bytes)`, at once where nothing waits. `failed(error)` is called for a Blob that cannot be read. */
  add({ bytes, blob, length }, send, failed) {
    if (blob === undefined && this.#last === null) return send(bytes)
    this.#waiting += length
    const read = blob === undefined ? copyOf(bytes) : BlobPrototypeArrayBuffer(blob)
    const before = this.#last
    const deliver = (memory) => {
      this.#waiting -= length
      send(blob === undefined ? memory : toView('send', memory))
    }
    const sent =
      blob === undefined
        ? PromisePrototypeThen(before, () => deliver(read))
        : PromisePrototypeThen(read, (memory) =>
            before === null ? deliver(memory) : PromisePrototypeThen(before, () => deliver(memory)),
          )
    const settled = PromisePrototypeThen(sent, undefined, failed)
    this.#last = settled
    PromisePrototypeThen(settled, () => {
      if (this.#last === settled) this.#empty()
    })
  }

  #empty() {
    this.#last = null
    const callback = this.#whenEmpty
    this.#whenEmpty = null
    callback?.()
  }

  /** Calls `callback` when everything was sent that was to be. */
  whenEmpty(callback) {
    if (this.#last === null) callback()
    else this.#whenEmpty = callback
  }
}

module.exports = { SendOrder, toPayload }
