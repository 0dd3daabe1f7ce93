'use strict'

// `moz-tcp-socket/trace`: the trace that NODE_DEBUG=moztcp prints, for programs that want it elsewhere. trace.d.ts describes it.

const { channels } = require('./lib/diagnostics.js')
const { trace } = require('./lib/platform/trace.js')
const { errorLine } = require('./lib/platform/trace-lines.js')

/** Calls `write` with each line from now on. Returns a function that ends that. */
function traceSockets(write, options) {
  if (typeof write !== 'function') throw new TypeError('traceSockets: write must be a function')
  const { hex, only } = options ?? {}
  if (hex !== undefined && typeof hex !== 'boolean') throw new TypeError('hex: must be true or false')
  if (only !== undefined && !(only instanceof WeakSet))
    throw new TypeError('only: must be a WeakSet of sockets')
  return trace(channels, write, { hex, only })
}

module.exports = { describeError: errorLine, traceSockets }
