'use strict'

// One page or worker: its sockets, listeners and TLS configurations, from the moment it was served until its WebSocket closes. Then all of
// them are closed. A page that breaks the rules of the protocol loses its WebSocket, and nothing else happens.

const engine = require('moz-tcp-socket/engine')

const { BridgedListener } = require('./bridged-listener.js')
const { BridgedSocket } = require('./bridged-socket.js')
const options = require('./engine-options.js')
const { LIMITS, Rate } = require('./limits.js')
const { FACT, ORDER, decode, encode } = require('./protocol.js')

const { native } = engine

/** How often a socket whose bytes wait is asked how many are left, in milliseconds: the engine tells only of the last. */
const REPORT_EVERY = 20

class Session {
  #bridge
  #webSocket = null
  /** Facts before the page has connected. */
  #early = []
  #sockets = new Map()
  #listeners = new Map()
  #configs = new Map()
  #nextConfig = 1
  /** TLS sessions of closed sockets, the oldest first. */
  #tlsSessions = new Map()
  #nextAccepted = 2
  #connects = new Rate(LIMITS.connects)
  #calls = new Rate(LIMITS.calls)
  #orders = new Rate(LIMITS.orders)
  #isEnded = false
  /** Sockets to be asked how much is written. */
  #unreported = new Set()
  #reportTimer = null
  #queued = 0

  /** So many bytes wait for the page that nothing is read for it. */
  isFull = false

  /** `bridge` is `{ policy, allows(host, port), allowsListening(address, port), totals, note(event) }`. */
  constructor(bridge, name) {
    this.#bridge = bridge
    /** What the panel calls it. */
    this.name = name
  }

  get sockets() {
    return this.#sockets.values()
  }

  get listeners() {
    return this.#listeners.values()
  }

  get isConnected() {
    return this.#webSocket !== null
  }

  /** The page's WebSocket. From now on it gives orders, and is told facts. */
  connect(webSocket) {
    this.#webSocket = webSocket
    webSocket.on('message', (message, isBinary) => this.#onMessage(message, isBinary))
    webSocket.on('close', () => this.end())
    webSocket.on('error', () => webSocket.terminate())
    for (const message of this.#early) this.#transmit(message)
    this.#early = []
  }

  #onMessage(message, isBinary) {
    if (this.#isEnded) return
    try {
      if (!isBinary) throw new Error('a message that is text')
      this.#obey(decode(message))
    } catch (error) {
      this.#bridge.note({ page: this.name, event: 'refused', detail: error.message })
      this.#webSocket.close(1008, reasonOf(error))
      this.#finish()
      return
    }
    if (!this.#orders.take()) {
      // What is not read stays with the page, whose WebSocket is slowed down by TCP.
      this.#webSocket.pause()
      setTimeout(() => this.#webSocket.resume(), this.#orders.wait).unref()
    }
  }

  #obey({ kind, id, content }) {
    if (kind === ORDER.Connect) return this.#open(id, content)
    if (kind === ORDER.CloseListener) {
      const listener = this.#listeners.get(id)
      this.#listeners.delete(id)
      return listener?.close()
    }
    if (kind === ORDER.Forget) return void this.#configs.delete(id)
    const order = SOCKET_ORDERS.get(kind)
    if (order === undefined) throw new Error(`a message of kind ${kind}, which is no order`)
    const socket = this.#sockets.get(id)
    // It has failed, or is closed, and the page does not know yet. One that never was is no different.
    if (socket !== undefined) order(socket, content, this)
  }

  #open(id, content) {
    const { tls, ...place } = content ?? {}
    const target = options.connectOptions(place)
    this.#requireNewId(id)
    const secure = tls !== 0 ? this.config(tls) : undefined
    const { host, port } = target
    const refused = this.#refusal(host, port)
    this.#bridge.note({
      page: this.name,
      socket: id,
      event: refused ? 'refused' : 'connect',
      detail: refused ?? `${host} ${port}`,
    })
    if (refused !== undefined) {
      const failure = { name: 'SecurityError', class: 'SecurityProtocol', code: 0x805a1fff, detail: refused }
      return this.tell(FACT.Failed, id, failure)
    }
    const handle = new native.TCPSocket(engine.eventChannel(), target, secure)
    const peer = `${host} ${port}`
    this.#add(new BridgedSocket(this, id, handle, { isConnected: false, isSecure: tls !== 0, peer }))
  }

  #refusal(host, port) {
    const { policy, totals } = this.#bridge
    if (!policy.mayUse) return 'the app has no permission "tcp-socket"'
    if (!this.#bridge.allows(host, port)) return `${host} ${port}: is not among what the bridge allows`
    if (this.#sockets.size >= LIMITS.socketsOfPage)
      return `the bridge allows a page ${LIMITS.socketsOfPage} sockets`
    if (totals.sockets >= LIMITS.sockets) return `the bridge allows ${LIMITS.sockets} sockets`
    if (!this.#connects.take()) return `the bridge allows a page ${LIMITS.connects.each} connections a second`
    return undefined
  }

  /** The page numbers what it makes itself, with odd numbers. */
  #requireNewId(id) {
    if (id % 2 !== 1 || this.#sockets.has(id) || this.#listeners.has(id))
      throw new Error(`socket ${id} is not a new one`)
  }

  #add(socket) {
    this.#sockets.set(socket.id, socket)
    this.#bridge.totals.sockets++
  }

  /** A connection that a listener accepted. */
  accept(listener, handle, host, port, isSecure) {
    const { totals } = this.#bridge
    if (this.#isEnded || this.#sockets.size >= LIMITS.socketsOfPage || totals.sockets >= LIMITS.sockets) {
      turnAway(handle)
      return
    }
    const id = this.#nextAccepted
    this.#nextAccepted += 2
    const socket = new BridgedSocket(this, id, handle, {
      isConnected: true,
      isSecure,
      peer: `${host} ${port}`,
    })
    this.#add(socket)
    this.#bridge.note({ page: this.name, socket: id, event: 'accept', detail: `${host} ${port}` })
    this.tell(FACT.Accepted, listener.id, { id, host, port, ...socket.connected() })
  }

  /** What needs its answer at once: `{ op, … }`. Returns what becomes JSON; throws what the page is to throw. */
  call({ op, ...rest }) {
    if (this.#isEnded) throw new Error('The page has gone.')
    if (!this.#calls.take()) throw new Error(`the bridge allows a page ${LIMITS.calls.each} calls a second`)
    switch (op) {
      case 'client':
        return this.#makeConfig(() => {
          const session = options.optional(rest.session, 'session', (id) => this.#tlsSession(id))
          const host = options.optional(rest.host, 'host', options.text)
          return native.TlsConfig.client(options.clientTlsOptions(rest.options), session, host)
        })
      case 'server':
        return this.#makeConfig(() => native.TlsConfig.server(options.serverTlsOptions(rest.options)))
      case 'listen':
        return this.#listen(rest)
      default:
        throw new Error(`no call ${JSON.stringify(op)}`)
    }
  }

  #makeConfig(make) {
    if (this.#configs.size >= LIMITS.configurations) {
      throw new Error(`the bridge allows a page ${LIMITS.configurations} TLS configurations`)
    }
    const config = make()
    const number = this.#nextConfig++
    this.#configs.set(number, config)
    return { config: number }
  }

  config(number) {
    const config = this.#configs.get(number)
    if (config === undefined) throw new Error(`no TLS configuration ${number}`)
    return config
  }

  #tlsSession(id) {
    const session = this.#sockets.get(id)?.handle?.tlsSession() ?? this.#tlsSessions.get(id)
    if (!session) throw new Error('sessionFrom: that session is not kept any more')
    return session
  }

  #listen({ id, place, tls }) {
    options.integer(id, 'id', 1, 0xffffffff)
    this.#requireNewId(id)
    const { policy } = this.#bridge
    const { address, port, ...more } = options.listenOptions(place)
    if (!policy.mayUse) throw new Error('TCPSocket does not have permission in this context.\n')
    if (port !== 0 && port < 1024 && !policy.mayListenBelow)
      throw new Error(`port ${port}: only a certified application may listen below 1024`)
    if (!this.#bridge.allowsListening(address, port))
      throw new Error(`listen ${address} ${port}: is not among what the bridge allows`)
    if (this.#listeners.size >= LIMITS.listeners)
      throw new Error(`the bridge allows a page ${LIMITS.listeners} listeners`)
    const config = tls === 0 || tls === undefined ? undefined : this.config(tls)
    const listener = new BridgedListener(this, id, { address, port, ...more }, config)
    this.#listeners.set(id, listener)
    const { localAddress, localPort } = listener
    this.#bridge.note({
      page: this.name,
      socket: id,
      event: 'listen',
      detail: `${localAddress} ${localPort}`,
    })
    return { localAddress, localPort }
  }

  /** Tells the page a fact. */
  tell(kind, id, content) {
    if (this.#isEnded) return
    if (!UNNOTED.has(kind))
      this.#bridge.note({ page: this.name, socket: id, event: FACT_NAMES.get(kind), detail: content?.detail })
    const message = encode(kind, id, content)
    this.#queued += message.length
    if (this.#queued >= LIMITS.waitingBytes.most) this.#setFull(true)
    if (this.#webSocket === null) this.#early.push(message)
    else this.#transmit(message)
  }

  #transmit(message) {
    this.#webSocket.send(message, () => {
      this.#queued -= message.length
      if (this.isFull && this.#queued <= LIMITS.waitingBytes.least) this.#setFull(false)
    })
  }

  #setFull(isFull) {
    if (this.isFull === isFull) return
    this.isFull = isFull
    for (const socket of this.#sockets.values()) socket.queueChanged()
  }

  /** `socket` has something to tell soon that the engine has no event for. */
  reportLater(socket) {
    this.#unreported.add(socket)
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = null
      const due = [...this.#unreported]
      this.#unreported.clear()
      for (const each of due) each.report()
    }, REPORT_EVERY)
  }

  /** `socket` is closed. Its TLS session can be taken up. */
  closed(socket, tlsSession) {
    if (!this.#sockets.delete(socket.id)) return
    this.#bridge.totals.sockets--
    this.#unreported.delete(socket)
    if (!tlsSession) return
    this.#tlsSessions.set(socket.id, tlsSession)
    if (this.#tlsSessions.size > LIMITS.sessions)
      this.#tlsSessions.delete(this.#tlsSessions.keys().next().value)
  }

  /** A listener failed. */
  listenerFailed(listener, failure) {
    this.#listeners.delete(listener.id)
    this.tell(FACT.Failed, listener.id, failure)
  }

  /** The page has gone, or is to. */
  end() {
    this.#finish()
    this.#webSocket?.terminate()
  }

  #finish() {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#reportTimer)
    for (const listener of this.#listeners.values()) listener.close()
    for (const socket of this.#sockets.values()) socket.abandon()
    this.#listeners.clear()
    this.#configs.clear()
    this.#tlsSessions.clear()
    this.#early = []
    this.#bridge.ended(this)
  }
}

/** What is wrong, as a WebSocket can say it: in ASCII, and not much of it. */
function reasonOf(error) {
  return error.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 100)
}

/** A connection that nobody can take. */
function turnAway(handle) {
  const { id } = handle
  engine.attach(id, {
    [engine.receive](kind) {
      if (kind !== native.EventKind.Closed && kind !== native.EventKind.Failed) return
      engine.detach(id)
      handle.release()
    },
  })
  handle.closeImmediately()
}

/** They are too many for the panel's list of events, or noted elsewhere. */
const UNNOTED = new Set([FACT.Data, FACT.Written, FACT.Accepted])
const FACT_NAMES = new Map(Object.entries(FACT).map(([name, kind]) => [kind, name.toLowerCase()]))

const SOCKET_ORDERS = new Map([
  [ORDER.Send, (socket, bytes) => socket.send(bytes)],
  [ORDER.Suspend, (socket) => socket.suspend()],
  [ORDER.Resume, (socket) => socket.resume()],
  [ORDER.Credit, (socket, count) => socket.credit(count)],
  [ORDER.Upgrade, (socket, number, session) => socket.upgrade(session.config(number))],
  [ORDER.Close, ({ handle }) => handle.close()],
  [ORDER.CloseImmediately, ({ handle }) => handle.closeImmediately()],
  [ORDER.Abort, ({ handle }) => handle.abort()],
  [ORDER.ConnectTimeout, ({ handle }, time) => handle.setConnectTimeout(options.milliseconds(time))],
  [ORDER.IdleTimeout, ({ handle }, time) => handle.setIdleTimeout(options.milliseconds(time))],
])

module.exports = { Session }
