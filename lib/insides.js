'use strict'

// What other modules of this package may do with a socket and applications may not: the classes that keep it private lend it to this
// file when they are loaded. So a module that takes sockets of every kind, such as moz-tcp-socket/node-stream, loads none of their classes.

const { SafeWeakMap } = require('./builtins.js')

/** By a socket's stream of input. */
const connections = new SafeWeakMap()

let readFirefoxOs = () => undefined

/** `connection` is `{ handle, keepHalfOpen() }` of what has the ReadableStream `readable`. */
function lendConnection(readable, connection) {
  connections.set(readable, connection)
}

/** What was lent of what has `readable`; `undefined` where that is no socket of this package. */
function connectionOf(readable) {
  return connections.get(readable)
}

/**
 * `reader` answers with `{ connection, reading }` for a TCPSocket of Firefox OS, of which the connection is `null` where there never
 * was one, and with `undefined` for anything else.
 */
function lendInsides(reader) {
  readFirefoxOs = reader
}

/** What that reader says of `value`. */
function insidesOf(value) {
  return readFirefoxOs(value)
}

module.exports = { connectionOf, insidesOf, lendConnection, lendInsides }
