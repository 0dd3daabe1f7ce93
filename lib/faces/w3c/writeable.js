'use strict'

// The writable stream as the Streams draft of 2014 had it, which the examples of the draft use: it is written to without a writer.

const { ObjectDefineProperties, TypeError } = require('../../builtins.js')
const {
  WritableStreamDefaultWriterReleaseLock,
  WritableStreamDefaultWriterWrite,
  WritableStreamGetWriter,
} = require('../../streams/builtins.js')
const { deferred } = require('../../promises.js')

const METHODS = {
  write: {
    __proto__: null,
    /** Writes a chunk where nobody holds the lock. Returns what the write comes to. */
    value: function write(chunk) {
      let writer
      try {
        writer = WritableStreamGetWriter(this)
      } catch (thrown) {
        return rejected(thrown)
      }
      try {
        return WritableStreamDefaultWriterWrite(writer, chunk)
      } catch (cause) {
        // Of a closed stream, in Node.js, where it should be a rejection.
        return rejected(new TypeError('write: the stream is closed', { cause }))
      } finally {
        WritableStreamDefaultWriterReleaseLock(writer)
      }
    },
    writable: true,
    configurable: true,
  },
}

function rejected(reason) {
  const { promise, reject } = deferred()
  reject(reason)
  return promise
}

/** Gives `stream` the methods that it had in 2014, and has no more. `close()` it still has. */
function withMethods(stream) {
  return ObjectDefineProperties(stream, METHODS)
}

module.exports = { withMethods }
