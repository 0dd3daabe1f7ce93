'use strict'

// Connections and listeners of an agent, alike for our sockets and those of Node: what one side of a test does with them, and what
// it saw.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const { Recorder, TCPServerSocket, TCPSocket, deferred } = require('../../helpers/sockets.js')
const { Bytes } = require('./bytes.js')

/** One end of a connection to port `port`. */
class Connection {
  sent
  arrived
  /** When what happened, in milliseconds from the beginning. */
  times = {}
  types = []
  error = null
  #began = performance.now()
  #opened = deferred()
  #closed = deferred()
  #work
  #waiters = []

  constructor(port, isClient) {
    const numbers = [2 * port, 2 * port + 1]
    const [mine, theirs] = isClient ? numbers : numbers.reverse()
    this.sent = new Bytes(mine)
    this.arrived = new Bytes(theirs)
  }

  get opened() {
    return Promise.race([this.#opened.promise, this.#closed.promise])
  }

  get closed() {
    return this.#closed.promise
  }

  /** An event of the socket. */
  saw(type, error) {
    this.types.push(type)
    this.times[type] = Math.round(performance.now() - this.#began)
    if (type === 'open') this.#opened.resolve()
    if (type === 'error') this.error = error
    if (type === 'close') {
      this.#closed.resolve()
      this.#wake()
    }
    if (type === 'drain') this.#pump()
  }

  sawBytes(bytes) {
    this.arrived.check(bytes)
    this.#wake()
    this.#closeWhenDone()
  }

  exchange(work) {
    this.#work = work
    this.#pump()
  }

  #pump() {
    const work = this.#work
    if (!work) return
    while (this.sent.count < work.send) {
      if (!this.isOpen() || !this.write(this.sent.next(work.send - this.sent.count))) return
    }
    this.#closeWhenDone()
  }

  #closeWhenDone() {
    const work = this.#work
    if (!work?.closes || this.sent.count < work.send || this.arrived.count < work.receive) return
    this.#work = undefined
    this.end()
  }

  sendAtOnce(count) {
    const until = this.sent.count + count
    while (this.sent.count < until) this.write(this.sent.next(until - this.sent.count))
    return this.report()
  }

  received(count) {
    const waiter = { count, ...deferred() }
    this.#waiters.push(waiter)
    this.#wake()
    return waiter.promise
  }

  #wake() {
    const isDone = ({ count }) => this.arrived.count >= count || this.types.includes('close')
    for (const waiter of this.#waiters) if (isDone(waiter)) waiter.resolve()
    this.#waiters = this.#waiters.filter((waiter) => !isDone(waiter))
  }

  report() {
    const { types, times, error } = this
    return {
      types,
      times,
      error,
      sent: this.sent.report(),
      received: this.arrived.report(),
      ...this.state(),
    }
  }
}

class OurConnection extends Connection {
  constructor({ host, port, socket = undefined, ...options }) {
    super(port, socket === undefined)
    this.socket = socket ?? new TCPSocket(host, port, { ...options, binaryType: 'arraybuffer' })
    this.recorder = new Recorder(this.socket, { keepsData: false })
    for (const type of ['open', 'drain', 'close']) this.socket.addEventListener(type, () => this.saw(type))
    this.socket.addEventListener('data', ({ data }) => this.sawBytes(Buffer.from(data)))
    this.socket.addEventListener('error', ({ name, message, data }) => {
      this.saw('error', { name, message, code: data.code, detail: data.message })
    })
    if (socket) this.saw('open')
  }

  isOpen() {
    return this.socket.readyState === 'open'
  }

  write(piece) {
    return this.socket.send(piece)
  }

  end() {
    this.socket.close()
  }

  state() {
    const { bufferedAmount, readyState, localPort } = this.socket
    return { bufferedAmount, readyState, localPort, violations: this.recorder.violations }
  }
}

class NodeConnection extends Connection {
  constructor({ host, port, socket, raw, useSecureTransport = false, ...options }) {
    super(port, socket === undefined)
    const to = { host, port, noDelay: true, ...options }
    /** Below TLS, where there is that. */
    this.raw = raw ?? socket ?? net.connect(to)
    this.socket = socket ?? (useSecureTransport ? tls.connect({ ...to, socket: this.raw }) : this.raw)
    this.socket.on(useSecureTransport && !socket ? 'secureConnect' : 'connect', () => this.saw('open'))
    this.socket.on('data', (bytes) => this.sawBytes(bytes))
    this.socket.on('drain', () => this.saw('drain'))
    this.socket.on('close', () => this.saw('close'))
    this.socket.on('error', ({ code, message }) => this.saw('error', { name: code, code, detail: message }))
    if (socket) this.saw('open')
  }

  isOpen() {
    return this.socket.writable
  }

  write(piece) {
    return this.socket.write(piece)
  }

  end() {
    this.socket.end()
  }

  reset() {
    this.raw.resetAndDestroy()
  }

  state() {
    const { writableLength, localPort } = this.socket
    return { bufferedAmount: writableLength, localPort, violations: [] }
  }
}

class Listener {
  #arrived = []
  #wanted = []
  acceptedCount = 0

  arrive(connection) {
    this.acceptedCount++
    if (this.#wanted.length > 0) this.#wanted.shift().resolve(connection)
    else this.#arrived.push(connection)
  }

  accept() {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift())
    this.#wanted.push(deferred())
    return this.#wanted.at(-1).promise
  }
}

class OurListener extends Listener {
  ready = Promise.resolve()

  constructor(options) {
    super()
    this.server = new TCPServerSocket(0, { ...options, binaryType: 'arraybuffer' })
    this.port = this.server.localPort
    this.server.onconnect = ({ socket }) => this.arrive(new OurConnection({ port: this.port, socket }))
  }

  get failedHandshakes() {
    return this.server.failedHandshakes
  }

  close() {
    this.server.close()
  }
}

class NodeListener extends Listener {
  failedHandshakes = 0

  constructor({ useSecureTransport, ...options }) {
    super()
    this.server = useSecureTransport ? tls.createServer(options) : net.createServer(options)
    const arrive = (socket, raw) => {
      socket.setNoDelay(true)
      this.arrive(new NodeConnection({ port: this.port, socket, raw }))
    }
    const raws = new Map()
    this.server.on('connection', (raw) => {
      if (!useSecureTransport) return arrive(raw, raw)
      const { remotePort } = raw
      raws.set(remotePort, raw)
      raw.once('close', () => raws.delete(remotePort))
    })
    this.server.on('secureConnection', (socket) => arrive(socket, raws.get(socket.remotePort)))
    this.server.on('tlsClientError', () => this.failedHandshakes++)
    this.server.listen(0, '0.0.0.0')
    this.ready = once(this.server, 'listening').then(() => (this.port = this.server.address().port))
  }

  close() {
    this.server.close()
  }
}

module.exports = {
  CONNECTIONS: { ours: OurConnection, node: NodeConnection },
  LISTENERS: { ours: OurListener, node: NodeListener },
}
