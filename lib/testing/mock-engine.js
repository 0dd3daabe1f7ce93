'use strict'

// An engine without a network, in place of the native one: it reports what a test tells it to. What it reports, and when, is
// as src/binding documents it for the native engine; what that means for applications the facade decides.

const { isIP } = require('node:net')
const { constants } = require('node:os')
const { clearImmediate, setImmediate } = require('node:timers')

const { datagramsOf } = require('./mock-datagrams.js')

/** The first of the ports that the system picks. */
const FIRST_PORT = 49_152

/** With that much to be written, a test has to say when it is. It is where `send` begins to answer false. */
const HIGH_WATER = 65_536

/**
 * `{ engine, takeLast, MockListener, MockDatagrams }`: what native.js exports, made of the `real` one; a function that returns
 * the bytes of the last `send` of a connection; and the classes of listeners and of datagram sockets. `onHandle(handle)` is called with each handle that an application makes.
 */
function makeMockEngine(real, onHandle) {
  const { ARENA, EventKind } = real
  const arena = Buffer.alloc(ARENA)
  const handles = new Map()
  const ports = new Set()
  let dispatch = null
  let lastId = 0
  let lastPort = FIRST_PORT - 1
  let last = null
  let policy = 0

  const nextPort = () => {
    do lastPort++
    while (ports.has(lastPort))
    return lastPort
  }

  const outbound = {
    writeText(at, text) {
      last = Buffer.from(text, 'latin1')
      return arena.write(text, at, 'latin1')
    },
    writeBytes(at, bytes) {
      last = Buffer.from(bytes)
      arena.set(bytes, at)
      return bytes.length
    },
    stage(id, start, end) {
      handles.get(id)?.accept(end - start)
    },
    flush(id, start, end, reportDrained) {
      return handles.get(id)?.flush(end - start, reportDrained) ?? 0
    },
    stageDatagram(id, bytes, host, port) {
      handles.get(id)?.send(bytes, host, port)
    },
    flushDatagrams() {},
  }

  class EventChannel {
    constructor(receiver) {
      dispatch = receiver
    }

    outbound() {
      return outbound
    }
  }

  /** What the handles of sockets and listeners have. */
  class Handle {
    id = ++lastId
    keepsAlive = true
    /** What `report` can tell. */
    kinds = EventKind

    constructor() {
      handles.set(this.id, this)
    }

    report(kind, ...details) {
      dispatch(this.id, kind, ...details)
    }

    keepAlive(keep) {
      this.keepsAlive = keep
    }

    /** Nothing is reported of it any more. */
    forget() {
      handles.delete(this.id)
    }
  }

  class MockSocket extends Handle {
    host
    port
    asStrings
    isConnected = false
    isSecure
    isSuspended = false
    isHeld = false
    connectTimeout = 0
    idleTimeout = 0
    #unwritten = 0
    #isDrainWanted = false
    /** The close that is on its way; `null` where there is none. */
    #closing = null
    /** `close()` waits until all is written. */
    #closesWhenWritten = false
    /** What comes while nothing is read. */
    #held = []
    #delivery = null
    #ends = null
    #tls = null

    /** `channel` is `null` for one that a listener accepts. */
    constructor(channel, { host, port, asStrings, givenUp }, tls) {
      super()
      this.host = host
      this.port = port
      this.asStrings = asStrings
      this.isSecure = tls !== undefined
      if (givenUp) this.#closeSoon()
      if (channel !== null) onHandle(this)
    }

    /** It is connected. */
    opened({ ends, tls } = {}) {
      const address = isIP(this.host) > 0 ? this.host : '127.0.0.1'
      const local = isIP(address) === 6 ? '::1' : '127.0.0.1'
      this.#ends = {
        localAddress: local,
        localPort: nextPort(),
        remoteAddress: address,
        remotePort: this.port,
        ...ends,
      }
      this.isConnected = true
      this.setTls(tls)
    }

    setTls(tls) {
      this.#tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', resumed: false, ...tls }
    }

    /** Something came, and is delivered now, or when it is read. */
    arrive(kind, detail) {
      if (this.isSuspended || this.#held.length > 0) this.#held.push([kind, detail])
      else this.report(kind, detail)
    }

    #deliverHeld() {
      this.#delivery = null
      if (this.isSuspended) return
      const next = this.#held.shift()
      if (next === undefined) return
      this.report(...next)
      this.#deliverLater()
    }

    #deliverLater() {
      if (this.#held.length === 0 || this.#delivery !== null) return
      this.#delivery = setImmediate(() => this.#deliverHeld())
    }

    get unwritten() {
      return this.#unwritten
    }

    accept(length) {
      this.#unwritten += length
    }

    stage(data, start, end) {
      last = Buffer.from(data.subarray(start, end))
      this.accept(end - start)
    }

    flush(length, reportDrained) {
      this.#unwritten += length
      this.#isDrainWanted ||= reportDrained
      if (!this.isHeld && this.#unwritten < HIGH_WATER) this.#writeAll()
      return this.#unwritten
    }

    #writeAll() {
      this.#unwritten = 0
      if (this.#isDrainWanted) setImmediate(() => this.#reportDrained())
    }

    #reportDrained() {
      if (this.#unwritten > 0 || !this.#isDrainWanted) return
      this.#isDrainWanted = false
      this.report(EventKind.Drained)
    }

    /** Everything is written. Resolves when whoever wants to know is told: between turns, as `bufferedAmount` shrinks there. */
    drained() {
      return new Promise((resolve) => {
        setImmediate(() => {
          this.#unwritten = 0
          this.#reportDrained()
          if (this.#closesWhenWritten) this.#closeSoon()
          resolve()
        })
      })
    }

    suspend() {
      this.isSuspended = true
    }

    resume() {
      this.isSuspended = false
      this.#deliverLater()
    }

    upgrade() {
      this.isSecure = true
    }

    ends() {
      return this.#ends
    }

    setConnectTimeout(milliseconds) {
      this.connectTimeout = milliseconds
    }

    setIdleTimeout(milliseconds) {
      this.idleTimeout = milliseconds
    }

    setNoDelay() {
      return this.isConnected
    }

    setKeepAlive() {
      return this.isConnected
    }

    shutdown() {
      setImmediate(() => {
        this.#unwritten = 0
        if (this.#closing === null) this.report(EventKind.ShutDown)
      })
    }

    reset() {
      this.closeImmediately()
    }

    tlsDetails() {
      return this.isSecure && this.isConnected ? this.#tls : null
    }

    tlsSession() {
      return null
    }

    close() {
      if (this.#unwritten > 0) this.#closesWhenWritten = true
      else this.#closeSoon()
    }

    closeImmediately() {
      this.#unwritten = 0
      this.#closeSoon()
    }

    abort() {
      this.#closeSoon()
    }

    reportClosed() {
      this.#closeSoon()
    }

    #closeSoon() {
      this.#closing ??= setImmediate(() => this.closed())
    }

    /** Reports that it is closed, unless that was done. */
    closed() {
      if (this.#closing !== null) clearImmediate(this.#closing)
      this.report(EventKind.Closed)
    }

    release() {
      this.#held = []
      this.#unwritten = 0
      this.forget()
      if (this.#closing !== null) clearImmediate(this.#closing)
    }
  }

  // Connections as streams (moz-tcp-socket/winter) have no mock: they must not look as if they had.
  for (const name of ['asStream', 'discardInput', 'hasUnread', 'shutdownImmediately']) {
    MockSocket.prototype[name] = () => {
      throw new Error(`${name}: the mock knows the sockets of Firefox OS alone`)
    }
  }

  class MockListener extends Handle {
    localAddress
    localPort
    failedHandshakes = 0
    asStrings
    isSecure
    isClosed = false
    #sharesPort

    constructor(_channel, { address, port, asStrings, reusePort }, tls) {
      super()
      if (port !== 0 && ports.has(port) && !reusePort) {
        throw new Error(`${constants.errno.EADDRINUSE}:the mock already listens there`)
      }
      this.localAddress = address
      this.localPort = port === 0 ? nextPort() : port
      this.asStrings = asStrings
      this.isSecure = tls !== undefined
      this.#sharesPort = reusePort
      ports.add(this.localPort)
      onHandle(this)
    }

    /** A client connected: returns the handle of the accepted socket, which `adopt` is called with before handlers run. */
    accepted(adopt, { host, port = nextPort() }) {
      const tls = this.isSecure ? {} : undefined
      const handle = new MockSocket(null, { host, port, asStrings: this.asStrings }, tls)
      handle.opened({ ends: { localAddress: this.localAddress, localPort: this.localPort } })
      adopt(handle)
      this.report(EventKind.Accepted, handle, host, port)
      return handle
    }

    close() {
      this.isClosed = true
      this.forget()
      if (!this.#sharesPort) ports.delete(this.localPort)
    }
  }

  MockListener.prototype.demand = () => {
    throw new Error('demand: the mock knows the servers of Firefox OS alone')
  }

  const MockDatagrams = datagramsOf({ Handle, nextPort, onHandle })

  const engine = {
    ...real,
    EventChannel,
    TCPSocket: MockSocket,
    TCPServerSocket: MockListener,
    UDPSocket: MockDatagrams,
    processPolicy: () => policy,
    setProcessPolicy: (value) => (policy = value),
  }
  const takeLast = () => {
    const bytes = last
    last = null
    return bytes
  }
  return { engine, takeLast, MockListener, MockDatagrams }
}

module.exports = { makeMockEngine }
