'use strict'

// What a program can do in a handler, for reenter.js.

const { TCPServerSocket, TCPSocket, TCPSocketEvent } = require('../../../index.js')

const LOCAL = '127.0.0.1'
/** So many pending bytes make `drain` due. */
const HIGH_WATER = 65_536
const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** What handlers throw on purpose. */
class OwnError extends Error {}

/** What a program can do. Each gets the socket, the type of the event, the event, and what is around. */
const ACTIONS = {
  send: (socket) => ifOpen(socket, () => socket.send('x')),
  'send much': (socket) => ifOpen(socket, () => socket.send('x'.repeat(HIGH_WATER))),
  'suspend and resume': (socket) => {
    socket.suspend()
    socket.resume()
  },
  'suspend, and resume later': (socket) => {
    socket.suspend()
    setImmediate(() => socket.resume())
  },
  'resume without suspend': (socket) => mustThrow(() => socket.resume(), 'NS_ERROR_FAILURE'),
  upgradeToSecure: (socket, type, event, { port, isTls }) => {
    // An accepted socket without a certificate.
    if (port === undefined && !isTls) return mustThrow(() => socket.upgradeToSecure(), 'TypeError')
    return ifOpen(socket, () => socket.upgradeToSecure())
  },
  'upgradeToSecure and send': (socket, type, event, { port }) => {
    if (port !== undefined)
      ifOpen(socket, () => {
        socket.upgradeToSecure()
        socket.send('x'.repeat(1000))
      })
  },
  'upgradeToSecure and close': (socket, type, event, { port }) => {
    if (port !== undefined) ifOpen(socket, () => socket.upgradeToSecure())
    socket.close()
  },
  close: (socket) => socket.close(),
  'close twice': (socket) => {
    socket.close()
    socket.close()
  },
  closeImmediately: (socket) => socket.closeImmediately(),
  'send and close': (socket) => {
    ifOpen(socket, () => socket.send('x'.repeat(3000)))
    socket.close()
  },
  'send much and closeImmediately': (socket) => {
    ifOpen(socket, () => socket.send('x'.repeat(1_000_000)))
    socket.closeImmediately()
  },
  'close and closeImmediately': (socket) => {
    socket.close()
    socket.closeImmediately()
  },
  'closeImmediately and close': (socket) => {
    socket.closeImmediately()
    socket.close()
  },
  'suspend and close': (socket) => {
    socket.suspend()
    socket.close()
  },
  'ref and unref': (socket) => {
    socket.unref()
    socket.ref()
  },
  'set timeouts': ({ transport }) => {
    transport.setTimeout(0, 60)
    transport.setTimeout(1, 60)
  },
  'open another': (socket, type, event, { servers, wait, openOne }) => {
    const other = openOne(servers.other)
    wait(new Promise((resolve) => (other.onclose = resolve)))
    other.onopen = () => other.close()
  },
  'open another and close it': (socket, type, event, { servers, wait, openOne }) => {
    const other = openOne(servers.other)
    wait(new Promise((resolve) => (other.onclose = resolve)))
    other.close()
  },
  listen: (socket, type, event, { wait }) => {
    const server = new TCPServerSocket(0, { localAddress: LOCAL })
    const client = new TCPSocket(LOCAL, server.localPort)
    wait(new Promise((resolve) => (client.onclose = resolve)))
    server.onconnect = (connect) => {
      connect.socket.close()
      server.close()
    }
  },
  'listen and close': () => new TCPServerSocket(0, { localAddress: LOCAL }).close(),
  throw: () => {
    throw new OwnError('of a handler')
  },
  reject: () => Promise.reject(new OwnError('of an asynchronous handler')),
  'dispatch an event of the same type': (socket, type) => {
    if (!socket.dispatchEvent(new TCPSocketEvent(type))) throw new Error('dispatchEvent() says no')
  },
  'dispatch the same event': (socket, type, event) => {
    // By now it is over, perhaps.
    if (event.eventPhase === Event.NONE) return
    mustThrow(() => socket.dispatchEvent(event), 'InvalidStateError')
  },
  'dispatch it on another': (socket, type, event) => {
    const target = new EventTarget()
    target.addEventListener(type, () => {})
    try {
      target.dispatchEvent(event)
    } catch (error) {
      // Node says so to the first listener, and allows it to others.
      if (error.code !== 'ERR_EVENT_RECURSION') throw error
    }
  },
  'replace the handler': (socket, type) => {
    socket[`on${type}`] = () => {}
  },
  'take all handlers away': (socket) => {
    for (const type of TYPES) socket[`on${type}`] = null
  },
  'add listeners': (socket, type) => {
    for (let i = 0; i < 20; i++) socket.addEventListener(type, () => {}, { once: i % 2 === 0 })
  },
  abort: (socket, type, event, { controller }) => controller.abort(),
  everything: (socket, type, event, around) => {
    for (const name of [
      'send',
      'suspend and resume',
      'open another',
      'listen',
      'add listeners',
      'upgradeToSecure',
    ])
      ACTIONS[name](socket, type, event, around)
    socket.close()
    socket.closeImmediately()
    around.controller.abort()
  },
}

function ifOpen(socket, act) {
  if (socket.readyState === 'open') act()
  else mustThrow(act, 'NS_ERROR_FAILURE')
}

function mustThrow(act, name) {
  try {
    act()
  } catch (error) {
    if (name === undefined || error.name === name) return
    throw new Error(`threw ${error} in place of ${name}`, { cause: error })
  }
  throw new Error('did not throw')
}

module.exports = { ACTIONS, HIGH_WATER, LOCAL, OwnError, TYPES }
