'use strict'

// For the specs of our TLS server: a listener with a certificate, and clients that others wrote.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const timers = require('node:timers/promises')
const tls = require('node:tls')

const { certificate } = require('./pki-matrix.js')
const { tap } = require('./tls-peers.js')

const STARTTLS = 'STARTTLS\r\n'

/** Options of a listener with the certificate called `name`. */
function presenting(name = 'good', more = {}) {
  const { cert, key } = certificate(name)
  return { cert, key, binaryType: 'arraybuffer', ...more }
}

/** As `scope(t).listen`, with TLS from the first byte. `name` is the certificate. */
function listenSecurely(own, options = {}, { name, ...more } = {}) {
  return own.listen(presenting(name, { useSecureTransport: true, ...options }), more)
}

/** A raw TCP client that ignores its errors: `{ raw, gone }`. `gone` resolves when the connection is. */
async function rawClient(own, port) {
  const raw = net.connect({ port, host: '127.0.0.1', noDelay: true })
  raw.on('error', () => {})
  own.onEnd(() => raw.destroy())
  const gone = new Promise((resolve) => raw.once('close', resolve))
  await once(raw, 'connect')
  raw.resume()
  return { raw, gone }
}

/** A client of node:tls, which trusts the throwaway root and may still be in its handshake. */
function nodeClient(own, port, options = {}) {
  const trust = { ca: certificate('root').ca, servername: 'localhost' }
  const socket = tls.connect({ port, host: '127.0.0.1', ...trust, ...options })
  own.onEnd(() => socket.destroy())
  return socket
}

/** Resolves with the error of a client of node:tls that is refused; `null` if it is not. */
function refusal(socket) {
  return new Promise((resolve) => {
    socket.once('error', resolve)
    socket.once('secureConnect', () => resolve(null))
  })
}

/**
 * `openssl s_client`: `{ child, output(), says(pattern), exited }`. `says` resolves with the match once the output has
 * it, and with `null` when the program ends without.
 */
function sClient(own, port, ...options) {
  const where = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost']
  const trust = ['-CAfile', certificate('root').caFile, '-verify_return_error']
  const child = spawn('openssl', ['s_client', ...where, ...trust, ...options], { stdio: 'pipe' })
  own.onEnd(() => child.kill('SIGKILL'))
  let output = ''
  const exited = once(child, 'close').then(([code]) => code)
  child.stdin.on('error', () => {})
  const heard = () => {
    for (const waiter of waiters) waiter()
  }
  const waiters = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes.toString('latin1')
      heard()
    })
  }
  const says = (pattern) => {
    const found = new Promise((resolve) => {
      const look = () => pattern.test(output) && resolve(pattern.exec(output))
      waiters.add(look)
      look()
    })
    return Promise.race([found, exited.then(() => pattern.exec(output))])
  }
  return { child, output: () => output, says, exited }
}

/** Resolves when `server` counts `count` failed handshakes or more, which no event tells. */
async function countsFailures(server, count) {
  while (server.failedHandshakes < count) await timers.setTimeout(1)
}

/**
 * Our server, right before its answer to STARTTLS: a raw client has asked for it. `{ socket, events, raw,
 * gone, wire }`; `gone` resolves when the client's connection is.
 */
async function asked(own, options = presenting()) {
  const { port, accepted } = own.listen(options)
  const wire = await tap(own, port)
  const [{ raw, gone }, [socket, events]] = await Promise.all([rawClient(own, wire.port), accepted()])
  raw.pause()
  raw.write(STARTTLS)
  await events.data(STARTTLS.length)
  events.forgetData()
  return { socket, events, raw, gone, wire }
}

/** The client side of TLS on `raw`. */
function secured(own, raw, options) {
  raw.resume()
  const session = tls.connect({
    socket: raw,
    ca: certificate('root').ca,
    servername: 'localhost',
    ...options,
  })
  session.on('error', () => {})
  own.onEnd(() => session.destroy())
  return session
}

module.exports = {
  STARTTLS,
  asked,
  secured,
  countsFailures,
  listenSecurely,
  nodeClient,
  presenting,
  rawClient,
  refusal,
  sClient,
}
