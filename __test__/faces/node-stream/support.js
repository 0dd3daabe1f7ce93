'use strict'

// Sockets of each face as streams of Node.js, for specs, with the same of node:net beside them as the control.

const net = require('node:net')

const { TCPSocket } = require('moz-tcp-socket')
const direct = require('moz-tcp-socket/direct')
const { toNodeStream } = require('moz-tcp-socket/node-stream')
const draft = require('moz-tcp-socket/w3c/events')
const w3c = require('moz-tcp-socket/w3c')
const winter = require('moz-tcp-socket/winter')
const { makePki } = require('../../helpers/pki.js')
const peers = require('../helpers/peers.js')

const tls = () => ({ ca: makePki().ca, caOnly: true })

/** By name: `connect(port, host, options)` of a stream; `options` are those of `toNodeStream`. */
const WHOLE = {
  'Firefox OS': (port, host = '127.0.0.1', options) => toNodeStream(new TCPSocket(host, port), options),
  'Firefox OS, arraybuffer': (port, host = '127.0.0.1', options) =>
    toNodeStream(new TCPSocket(host, port, { binaryType: 'arraybuffer' }), options),
  winter: (port, host = '127.0.0.1', options) =>
    toNodeStream(winter.connect({ hostname: host, port }), options),
  direct: (port, host = '127.0.0.1', options) => toNodeStream(new direct.TCPSocket(host, port), options),
  w3c: (port, host = '127.0.0.1', options) => toNodeStream(new w3c.TCPSocket(host, port), options),
}

const FACES = {
  ...WHOLE,
  'w3c/events': (port, host = '127.0.0.1', options) => toNodeStream(new draft.TCPSocket(host, port), options),
}

const CONTROL = (port, host = '127.0.0.1', options) => net.connect({ port, host, ...options })

/** The same, but for sockets of which nothing is known but what applications know: they have no half-open connections, and no such options. */
const WHOLE_WITH_CONTROL = { 'net.Socket': CONTROL, ...WHOLE }

const WITH_CONTROL = { ...WHOLE_WITH_CONTROL, 'w3c/events': FACES['w3c/events'] }

/** The same with TLS from the first byte, to a server of the throwaway authority. */
const SECURE = {
  'Firefox OS': (port, host = 'localhost') =>
    toNodeStream(new TCPSocket(host, port, { useSecureTransport: true, ...tls() })),
  winter: (port, host = 'localhost') =>
    toNodeStream(
      winter
        .withOptions(tls())
        .connect({ hostname: host, port }, { secureTransport: 'on', allowHalfOpen: true }),
    ),
  direct: (port, host = 'localhost') => toNodeStream(new direct.TLSSocket(host, port, tls())),
}

/** Declares `implementation(t, connect, face)` for each of `faces`. */
function testFaces(test, faces, title, implementation) {
  for (const face of Object.keys(faces)) {
    test(`${title} (${face})`, (t) => implementation(t, follow(t, faces[face]), face))
  }
}

/** `connect`, whose streams are destroyed with the test. */
function follow(t, connect) {
  return (...args) => {
    const stream = connect(...args)
    t.teardown(() => stream.destroy())
    return stream
  }
}

/** Whether `stream` had an error, when it is closed. Unlike `once`, it does not reject for the error. */
function closed(stream) {
  return new Promise((resolve) => stream.once('close', resolve))
}

/** The names of events that `stream` emits from now on. */
function eventsOf(
  stream,
  names = ['lookup', 'connect', 'ready', 'secureConnect', 'end', 'finish', 'error', 'close'],
) {
  const events = []
  for (const name of names) stream.on(name, () => events.push(name))
  return events
}

module.exports = {
  ...peers,
  CONTROL,
  FACES,
  SECURE,
  WHOLE_WITH_CONTROL,
  WITH_CONTROL,
  closed,
  eventsOf,
  testFaces,
  toNodeStream,
}
