'use strict'

// A readable trace of sockets: a line for each message on the channels of ../diagnostics.js, and the bytes in hexadecimal where that is
// asked for. Keys and passwords of options are in no message, and bytes of the application are shown with `hex` alone.

const { clearInterval, setInterval } = require('node:timers')

const { bytes, errorLine, hexLines, place, printable, tlsLines } = require('./trace-lines.js')

/** How often to look whether a handshake is done, in milliseconds. */
const LOOK_FOR_TLS = 20

/** Writes lines about sockets and servers, each of which has a number. */
class Tracer {
  #write
  #hex
  #only
  /** `{ number, toldTls }` of each that was seen. */
  #known = new WeakMap()
  #count = 0

  constructor(write, { hex, only }) {
    this.#write = write
    this.#hex = hex
    this.#only = only
  }

  /** What listens to each channel, by its name among them. */
  get listeners() {
    return {
      socketCreated: ({ socket }) =>
        this.#line(socket, `connects to ${place(socket.host, socket.port)}${socket.ssl ? ' with TLS' : ''}`),
      socketOpen: ({ socket }) => {
        const ends = `${placeOf(socket, 'remote')} from ${placeOf(socket, 'local')}`
        this.#line(socket, `open: ${ends}`)
        this.#tls(socket)
      },
      socketData: ({ socket, data, byteLength }) => this.#bytes(socket, 'data', byteLength, data),
      socketSend: ({ socket, data, byteLength, bufferedAmount }) =>
        this.#bytes(socket, 'send', byteLength, data, `, ${bufferedAmount} pending`),
      socketDrain: ({ socket }) => this.#line(socket, 'drain: nothing is pending'),
      socketUpgrade: ({ socket }) => {
        this.#line(socket, 'upgrade to TLS')
        this.#awaitTls(socket)
      },
      socketEnd: ({ socket }) => this.#line(socket, 'the peer ends'),
      socketClosing: ({ socket, immediately }) =>
        this.#line(socket, immediately ? 'close, at once' : 'close, after what was sent'),
      socketError: ({ socket, error }) => {
        this.#tls(socket)
        this.#line(socket, `error: ${errorLine(error)}`)
      },
      socketClose: ({ socket }) => {
        this.#tls(socket)
        const { bytesRead, bytesWritten } = socket
        this.#line(socket, `closed: ${bytesRead} received, ${bytesWritten} sent`)
      },
      serverListen: ({ server }) => this.#line(server, `listens at ${placeOf(server, 'local')}`),
      serverAccept: ({ server, socket }) => {
        if (!this.#wanted(server)) return
        // A server's sockets are traced where the server is.
        this.#only?.add(socket)
        const by = this.#numberOf(server)
        this.#line(socket, `accepted by #${by} from ${placeOf(socket, 'remote')}`)
        this.#tls(socket)
      },
      serverError: ({ server, error }) => this.#line(server, `error: ${errorLine(error)}`),
      serverClose: ({ server }) => this.#line(server, 'listens no longer'),
    }
  }

  #wanted(target) {
    return this.#only === undefined || this.#only.has(target)
  }

  #stateOf(target) {
    let state = this.#known.get(target)
    if (state === undefined) {
      state = { number: ++this.#count, toldTls: false }
      this.#known.set(target, state)
    }
    return state
  }

  #numberOf(target) {
    return this.#stateOf(target).number
  }

  #line(target, text) {
    if (!this.#wanted(target)) return
    this.#write(`${clock()} #${this.#numberOf(target)} ${text}`)
  }

  #bytes(socket, what, byteLength, data, more = '') {
    this.#tls(socket)
    this.#line(socket, `${what}: ${bytes(byteLength)}${more}`)
    if (!this.#hex || !this.#wanted(socket)) return
    for (const line of hexLines(data)) this.#write(`  ${line}`)
  }

  /** What TLS agreed, where that is not told yet. Returns whether it is. */
  #tls(socket) {
    if (!socket.ssl || !this.#wanted(socket)) return false
    const state = this.#stateOf(socket)
    if (state.toldTls) return true
    const { tls } = socket
    if (tls === null) return false
    state.toldTls = true
    for (const line of tlsLines(tls)) this.#line(socket, line)
    return true
  }

  /** No event says that a handshake of STARTTLS is done, and the peer may say nothing after it. */
  #awaitTls(socket) {
    const timer = setInterval(() => {
      if (this.#tls(socket) || socket.readyState === 'closed') clearInterval(timer)
    }, LOOK_FOR_TLS)
    timer.unref()
  }
}

/** The time of day, to the millisecond. */
function clock() {
  const now = new Date()
  const two = (number) => String(number).padStart(2, '0')
  const milliseconds = String(now.getMilliseconds()).padStart(3, '0')
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${milliseconds}`
}

function placeOf(target, end) {
  const address = target[`${end}Address`]
  return address === null ? '?' : place(address, target[`${end}Port`])
}

/**
 * Calls `write` with each line of the trace of what happens from now on: of all sockets and servers of this thread, or of those that
 * are in the WeakSet `only`. Returns what ends it.
 */
function trace(channels, write, { hex = false, only } = {}) {
  const { listeners } = new Tracer(write, { hex, only })
  const subscribed = []
  for (const [name, listener] of Object.entries(listeners)) {
    const safe = (message) => {
      try {
        listener(message)
      } catch (error) {
        // Of a socket whose class answers in its own way: a trace must not end the program.
        write(`trace: ${printable(error?.message ?? error)}`)
      }
    }
    channels[name].subscribe(safe)
    subscribed.push([channels[name], safe])
  }
  return () => {
    for (const [channel, listener] of subscribed) channel.unsubscribe(listener)
  }
}

module.exports = { trace }
