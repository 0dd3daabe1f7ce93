'use strict'

// Channels that tools listen to, and the trace that NODE_DEBUG=moztcp asks for, which is one such tool.

const { channel } = require('node:diagnostics_channel')
const { debuglog } = require('node:util')

/** Set on a channel that is traced: all realms and copies of the package in a thread share the channels, and each would trace them. */
const TRACED = Symbol.for('moz-tcp-socket:traced')

/** Writes a trace of all sockets to stderr where NODE_DEBUG has "moztcp", and with the bytes where it has "moztcp-hex". */
function traceIfAsked(channels) {
  const line = debuglog('moztcp')
  const hexLine = debuglog('moztcp-hex')
  const hex = isEnabled(hexLine)
  if (!hex && !isEnabled(line)) return
  const first = channels.socketCreated
  if (first[TRACED]) return
  first[TRACED] = true
  const { trace } = require('./trace.js')
  trace(channels, (text) => (hex ? hexLine : line)('%s', text), { hex })
}

function isEnabled(log) {
  try {
    return log.enabled === true
  } catch {
    // Deno may withhold the environment, and without it nobody asks.
    return false
  }
}

module.exports = { channel, traceIfAsked }
