'use strict'

// How an option finds the TLS session of another socket: what holds it is private to TCPSocket, which lends a reader to this
// file when it is loaded.

let read = () => undefined

/**
 * `reader` answers with the native session of a TCPSocket of this package, `null` where it has none, and `undefined` for
 * anything else.
 */
function readSessionsWith(reader) {
  read = reader
}

/** What `reader` says of `value`. */
function sessionOf(value) {
  return read(value)
}

module.exports = { readSessionsWith, sessionOf }
