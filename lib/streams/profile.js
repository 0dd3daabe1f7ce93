'use strict'

// How a face wants its streams: what StreamCore does differently for each.

/**
 * @typedef {object} Profile
 * @property {string} name what a warning calls a socket of it
 * @property {{ bytes: boolean, chunk: 'uint8array' | 'arraybuffer', readsAhead?: boolean }} readable
 * @property {{ strings: boolean, highWaterMark: number, countBytes: boolean }} writable
 * @property {boolean} halfOpen when the peer ends, our side stays open
 * @property {boolean} isOne what one side fails with fails the other, also while it closes
 * @property {(() => void) | undefined} cancelled `readable` was cancelled. Without it that ends reading, and nothing else
 * @property {boolean} flushes `close()` sends what is queued; otherwise it drops it
 * @property {boolean} abortFails a writable that was aborted is a failure of the connection, for `closed`; and `close()` does not make up for a side that had failed
 * @property {(failure: object) => Error} toError makes an error of what the engine tells
 * @property {(handle: object, core: StreamCore) => unknown} toInfo what `opened` fulfils with
 * @property {(why: 'closing' | 'closed' | 'ended' | 'upgraded') => Error} refusal why a stream can be used no more
 */

/** One chunk at a time, of bytes that were asked for: as Direct Sockets and WinterTC have it. */
const BYTES_ON_DEMAND = Object.freeze({ bytes: true, chunk: 'uint8array' })

module.exports = { BYTES_ON_DEMAND }
