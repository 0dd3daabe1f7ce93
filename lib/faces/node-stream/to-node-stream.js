'use strict'

// Which kind of socket it is that `toNodeStream` was given.

const { NumberIsInteger, TypeError } = require('../../builtins.js')
const { EventsSource } = require('./events-source.js')
const { firefoxOsSource } = require('./firefox-os-source.js')
const { SocketStream } = require('./socket-stream.js')
const { StreamsSource, hasStreams, isPromise } = require('./streams-source.js')

/** Classes of this package that look like sockets of streams, and are none. */
const OTHERS = { __proto__: null, UDPSocket: true, TCPServerSocket: true, DatagramSocket: true }

const EXPECTED =
  'must be a socket: a TCPSocket of Firefox OS or with events, or one with readable and writable streams, or with `opened`'

/** A Duplex over `socket`, which is its own from here on. */
function toNodeStream(socket, options = {}) {
  const made = toOptions(options)
  const makeSource = sourceOf(socket)
  return new SocketStream((owner) => makeSource(socket, owner), made)
}

function sourceOf(socket) {
  const isObject = typeof socket === 'object' && socket !== null
  if (!isObject) throw new TypeError(`toNodeStream: the first argument ${EXPECTED}`)
  const tag = socket[Symbol.toStringTag]
  if (OTHERS[tag])
    throw new TypeError(`toNodeStream: a ${tag} is no connection; the first argument ${EXPECTED}`)
  if (hasEvents(socket)) {
    return typeof socket.closeImmediately === 'function' ? firefoxOsSource : eventsSource
  }
  if (!hasStreams(socket) && !isPromise(socket.opened)) {
    throw new TypeError(`toNodeStream: the first argument ${EXPECTED}`)
  }
  if (socket.readable?.locked || socket.writable?.locked) {
    throw new TypeError('toNodeStream: somebody has a lock on a stream of the socket')
  }
  return streamsSource
}

const eventsSource = (socket, owner) => new EventsSource(socket, owner)
const streamsSource = (socket, owner) => new StreamsSource(socket, owner)

/** By what it can do: it may be of another realm. */
function hasEvents(socket) {
  return (
    typeof socket.send === 'function' &&
    typeof socket.suspend === 'function' &&
    typeof socket.addEventListener === 'function' &&
    typeof socket.readyState === 'string'
  )
}

function toOptions(options) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('toNodeStream: the second argument must be an object')
  }
  const { allowHalfOpen, highWaterMark, signal } = options
  if (highWaterMark !== undefined && !(NumberIsInteger(highWaterMark) && highWaterMark >= 0)) {
    throw new TypeError(`toNodeStream: highWaterMark ${String(highWaterMark)}: must be an integer from 0 on`)
  }
  return {
    allowHalfOpen: Boolean(allowHalfOpen),
    highWaterMark: highWaterMark === undefined ? undefined : highWaterMark,
    signal: signal === undefined ? undefined : signal,
  }
}

module.exports = { toNodeStream }
