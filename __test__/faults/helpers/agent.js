'use strict'

// The program that a test runs on a host: makes connections there, with our sockets or those of Node, as it is told by messages
// (agents.js), and tells what became of them. Ends by itself once nobody talks to it and all connections are closed.

const { setTimeout: sleep } = require('node:timers/promises')

const { LISTENERS, CONNECTIONS } = require('./agent-sockets.js')

const connections = []
const listeners = []

const orders = {
  /** Listens with sockets of `kind`, `'ours'` or `'node'`. */
  async listen(kind, options) {
    const listener = new LISTENERS[kind](options)
    await listener.ready
    return { listener: listeners.push(listener) - 1, port: listener.port }
  },

  failedHandshakes: (listener) => listeners[listener].failedHandshakes,

  /** Resolves once a handshake has failed, of which no event tells. */
  async failedHandshake(listener) {
    while (listeners[listener].failedHandshakes === 0) await sleep(20)
    return listeners[listener].failedHandshakes
  },

  acceptedCount: (listener) => listeners[listener].acceptedCount,

  async accept(listener) {
    return connections.push(await listeners[listener].accept()) - 1
  },

  closeListener: (listener) => listeners[listener].close(),

  connect: (kind, options) => connections.push(new CONNECTIONS[kind](options)) - 1,

  /** Resolves once it is open, or cannot be any more. */
  async opened(connection) {
    await connections[connection].opened
    return connections[connection].report()
  },

  /** Resolves once it is closed. */
  async closed(connection) {
    await connections[connection].closed
    return connections[connection].report()
  },

  report: (connection) => connections[connection].report(),

  /**
   * Sends `send` bytes, as fast as they leave, and closes when these are sent and `receive` have come, if it is the one that
   * `closes`. Resolves once it is closed.
   */
  async exchange(connection, work) {
    connections[connection].exchange(work)
    return orders.closed(connection)
  },

  /** Sends `count` bytes at once. */
  send: (connection, count) => connections[connection].sendAtOnce(count),

  /** Resolves once `count` bytes have come since the beginning, or no more can. */
  async received(connection, count) {
    await connections[connection].received(count)
    return connections[connection].report()
  },

  /** Calls a method of the socket itself, if it is ours. */
  call(connection, method, ...args) {
    connections[connection].socket[method](...args)
  },

  /** Ends the connection by a reset, if it is Node's. */
  reset: (connection) => connections[connection].reset(),

  usage() {
    const { user, system } = process.cpuUsage()
    const { rss, external, arrayBuffers, heapUsed } = process.memoryUsage()
    return { cpu: (user + system) / 1000, rss, external, arrayBuffers, heapUsed, clock: Date.now() }
  },

  /** Collects garbage, for whoever looks at memory next. */
  collect: () => global.gc(),
}

/** The test may have disconnected meanwhile: what nobody waits for any more is no failure of this process. */
function answer(message) {
  if (process.connected) process.send(message, () => {})
}

process.on('message', async ({ id, order, args }) => {
  try {
    answer({ id, result: await orders[order](...args) })
  } catch (error) {
    answer({ id, failure: error.stack })
  }
})

process.on('disconnect', () => {
  for (const listener of listeners) listener.close()
})

process.send({ id: 'ready' })
