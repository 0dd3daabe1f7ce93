'use strict'

// `connect` and `listen`: one connection between the standard streams and a peer, and its trace on stderr.

const { readFileSync } = require('node:fs')

const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket')
const { describeError, traceSockets } = require('moz-tcp-socket/trace')

const { UsageError } = require('../cli.js')
const { pump } = require('./pump.js')
const { startTls } = require('./starttls.js')

/** What shells take for "ended by this signal". */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 }

const STREAMS = { input: process.stdin, output: process.stdout, log: process.stderr }

/** The text of a file that the option `--name` names. */
function readOption(name, file) {
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`--${name} ${JSON.stringify(file)}: cannot be read: ${error.message}`, { cause: error })
  }
}

/** What a constructor throws for an argument is about what was typed. */
function make(construct) {
  try {
    return construct()
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error
  }
}

/**
 * Runs `work(abandon => …)`, which resolves with an exit status, until that is done or a signal comes. `abandon` is told how to give up.
 */
async function untilSignal(work) {
  let giveUp = () => {}
  let onSignal
  const interrupted = new Promise((resolve) => {
    onSignal = (signal) => {
      giveUp()
      resolve(SIGNALS[signal])
    }
    for (const signal of Object.keys(SIGNALS)) process.once(signal, onSignal)
  })
  try {
    return await Promise.race([work((how) => (giveUp = how)), interrupted])
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal)
  }
}

/** Traces all sockets of this thread to `log`, where that is asked for. Returns what ends that. */
function startTrace(log, { trace, hex }) {
  return trace || hex ? traceSockets((line) => log.write(`${line}\n`), { hex }) : () => {}
}

/**
 * Connects. `options`: `tls`, `starttls` (a protocol), `ca`, `cert`, `key` (files), `servername`, `alpn`, `insecure`, `timeout` in
 * milliseconds, and those of `pump`, `trace` and `hex`. Resolves with the exit status.
 */
async function connect(host, port, options = {}, streams = STREAMS) {
  const { tls = false, starttls, servername, alpn, insecure, timeout } = options
  const stop = startTrace(streams.log, options)
  try {
    return await untilSignal(async (abandon) => {
      const controller = new AbortController()
      abandon(() => {
        controller.abort()
        streams.input.destroy()
      })
      const socketOptions = {
        binaryType: 'arraybuffer',
        useSecureTransport: tls,
        ca: readOption('ca', options.ca),
        cert: readOption('cert', options.cert),
        key: readOption('key', options.key),
        servername,
        alpnProtocols: alpn,
        rejectUnauthorized: insecure ? false : undefined,
        connectTimeout: timeout,
        signal: controller.signal,
      }
      const socket = make(() => new TCPSocket(host, port, socketOptions))
      await opened(socket)
      if (starttls) {
        try {
          await startTls(socket, starttls, servername ?? host)
        } catch (error) {
          socket.closeImmediately()
          throw error
        }
      }
      await pump(socket, streams, options)
      return 0
    })
  } finally {
    stop()
    streams.input.destroy()
  }
}

/** Resolves when `socket` is open. Nothing of what follows is lost: the caller sets its handlers in the same turn. */
function opened(socket) {
  return new Promise((resolve, reject) => {
    let failure
    socket.onopen = () => {
      socket.onopen = socket.onerror = socket.onclose = null
      resolve()
    }
    socket.onerror = ({ data }) => (failure = new Error(describeError(data)))
    socket.onclose = () => reject(failure ?? new Error('closed before it was open'))
  })
}

/**
 * Listens at `port`, takes the first connection and listens no longer. `options`: `address`, `tls`, `cert`, `key` (files), `alpn`, and those of
 * `pump`, `trace` and `hex`. Resolves with the exit status.
 */
async function listen(port, options = {}, streams = STREAMS) {
  const { address = '127.0.0.1', tls = false, alpn } = options
  const stop = startTrace(streams.log, options)
  try {
    return await untilSignal(async (abandon) => {
      const serverOptions = {
        binaryType: 'arraybuffer',
        localAddress: address,
        useSecureTransport: tls,
        cert: readOption('cert', options.cert),
        key: readOption('key', options.key),
        alpnProtocols: alpn,
      }
      const server = make(() => new TCPServerSocket(port, serverOptions))
      abandon(() => {
        server.close()
        streams.input.destroy()
      })
      const shown = server.localAddress.includes(':') ? `[${server.localAddress}]` : server.localAddress
      streams.log.write(`listening at ${shown}:${server.localPort}\n`)
      const done = new Promise((resolve, reject) => {
        server.onerror = ({ data }) => reject(new Error(describeError(data)))
        server.onconnect = ({ socket }) => {
          // One connection has the standard streams.
          server.close()
          abandon(() => {
            socket.closeImmediately()
            streams.input.destroy()
          })
          pump(socket, streams, options).then(resolve, reject)
        }
      })
      await done
      return 0
    })
  } finally {
    stop()
    streams.input.destroy()
  }
}

module.exports = { connect, listen }
