'use strict'

// Connections as the draft has them: chunks are ArrayBuffers, of which one is read ahead; strings can be written; and the two streams are one
// connection, so that what one fails with, the other does, and cancelling what is read closes both.

const { domException } = require('../../dom-exceptions.js')
const { networkError } = require('../../streams/causes.js')

const READABLE = Object.freeze({ bytes: false, chunk: 'arraybuffer', readsAhead: true })
const WRITABLE = Object.freeze({ strings: true, highWaterMark: 1, countBytes: false })

const REFUSALS = {
  __proto__: null,
  closing: 'the socket is closing',
  closed: 'the socket was closed',
  ended: 'halfClose() was called',
}

function refusal(why) {
  return domException(why === 'ended' ? 'InvalidStateError' : 'AbortError', REFUSALS[why])
}

const NO_ENDS = Object.freeze({ __proto__: null, localAddress: null, localPort: null })

/** `opened(ends)` is called when it is open, `cancelled()` when what is read is cancelled. */
function profileOf({ opened, cancelled }) {
  return {
    __proto__: null,
    name: 'A TCPSocket',
    readable: READABLE,
    writable: WRITABLE,
    halfOpen: true,
    isOne: true,
    flushes: true,
    abortFails: false,
    cancelled,
    toError: networkError,
    // A connection that was reset at once may have none any more.
    toInfo: (handle) => opened(handle.ends() ?? NO_ENDS),
    refusal,
  }
}

module.exports = { profileOf, refusal }
