'use strict'

// The engine, as `lib/platform/native.js` of moz-tcp-socket has it: over the bridge.

const { ipVersion } = require('../addresses.js')
const { config } = require('../config.js')
const { EventKind } = require('../event-kind.js')
const { TCPServerSocket } = require('../server-socket.js')
const { TCPSocket, sockets } = require('../socket.js')
const { TlsConfig } = require('../tls.js')

/** Bytes that can be sent in a turn without a copy of their own. */
const ARENA = 256 * 1024

class EventChannel {
  #dispatch

  constructor(dispatch) {
    this.#dispatch = dispatch
  }

  dispatch(id, kind, a, b, c) {
    this.#dispatch(id, kind, a, b, c)
  }

  outbound() {
    const arena = new Uint8Array(ARENA)
    return {
      writeText(at, text) {
        for (let i = 0; i < text.length; i++) arena[at + i] = text.charCodeAt(i)
        return text.length
      },
      writeBytes(at, bytes) {
        arena.set(bytes, at)
        return bytes.length
      },
      stage(id, start, end) {
        sockets.get(id)?.stage(arena, start, end)
      },
      flush(id, start, end, reportDrained) {
        const socket = sockets.get(id)
        socket?.stage(arena, start, end)
        return socket?.flush(reportDrained) ?? 0
      },
    }
  }
}

/** What a handler threw is an error of the page, which `window.onerror` and the console tell. */
function reportException(thrown) {
  globalThis.reportError(thrown)
}

let policy = config.policy

module.exports = {
  ARENA,
  EventChannel,
  EventKind,
  TCPServerSocket,
  TCPSocket,
  TlsConfig,
  ipVersion,
  processPolicy: () => policy,
  reportException,
  setProcessPolicy(value) {
    // Node.js has the last word.
    policy = value
  },
  settleClosed() {},
  sharesTlsSessions: () => config.sharesTlsSessions,
}
