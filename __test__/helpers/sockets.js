'use strict'

// What nearly every spec needs: sockets that are closed when the test ends, and a recorder that checks the order of
// events of each of them.

const { once } = require('node:events')
const net = require('node:net')

const { TCPSocket, TCPServerSocket, mozTCPSocket } = require('../../index.js')

/** The real one, also where a test has its own. */
const { nextTick } = process

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** A promise that can be settled from outside. */
function deferred() {
  const result = {}
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }))
  return result
}

/**
 * Records the events of a socket, hands them out one at a time, and throws when their order breaks the contract
 * (section 5.2): `open` first, nothing after `close`, `error` once and only right before `close`, no `data` while
 * suspended, and neither `open` nor `data` once the application has closed it. Each must be a task of its own: promise
 * reactions and process.nextTick of the one before have run.
 */
class Recorder {
  /** Without `keepsData`, `data` events and their bytes are only judged: gigabytes may come. */
  constructor(socket, { accepted = socket.readyState === 'open', keepsData = true } = {}) {
    this.socket = socket
    this.keepsData = keepsData
    /** Types, in order. */
    this.types = []
    /** All events, in order. */
    this.events = []
    this.violations = []
    this.chunks = []
    this.bytes = 0
    this.opened = accepted
    /** Calls of suspend() without their resume(). */
    this.suspensions = 0
    /** The application has closed it. */
    this.givenUp = false
    /** What the last event queued has run. */
    this.taskIsOver = true
    this.waiters = []
    for (const type of TYPES) socket.addEventListener(type, (event) => this.#record(event))
    this.#count('suspend', () => this.suspensions++)
    this.#count('resume', () => this.suspensions--)
    this.#count('close', () => (this.givenUp = true))
    this.#count('closeImmediately', () => (this.givenUp = true))
  }

  /** Does `also` after each call of a method that does not throw. Own state, so as not to ask the socket whether it is right. */
  #count(method, also) {
    const { socket } = this
    const original = socket[method]
    const value = (...args) => {
      const result = original.apply(socket, args)
      also()
      return result
    }
    // As invisible as the method itself: some tests look at what a socket has of its own.
    Object.defineProperty(socket, method, { value, configurable: true, writable: true })
  }

  #record(event) {
    const { type } = event
    const last = this.types.at(-1)
    const complain = (why) => this.violations.push(`${type} after [${this.types.join(' ')}]: ${why}`)
    if (!this.taskIsOver) complain('each event is a task of its own')
    this.taskIsOver = false
    // Ticks run before promises, and those that promises queue after them.
    void Promise.resolve().then(() => nextTick(() => (this.taskIsOver = true)))
    if (last === 'close') complain('nothing may follow close')
    if (last === 'error' && type !== 'close') complain('only close may follow error')
    if (type === 'open' && this.opened) complain('open comes once, and never on an accepted socket')
    if ((type === 'data' || type === 'drain') && !this.opened) complain('comes only after open')
    if (type === 'data' && this.suspensions > 0) complain('comes while suspended')
    if ((type === 'data' || type === 'open') && this.givenUp) complain('comes after close()')
    if (type === 'data' && this.socket.readyState !== 'open') complain('readyState must be open')
    if (type === 'open') this.opened = true
    if ((type === 'error' || type === 'close') && this.socket.readyState !== 'closed')
      complain('readyState must be closed')
    if (event.target !== this.socket) complain('target must be the socket')
    if (type !== 'data' || this.keepsData || last !== 'data') this.types.push(type)
    if (type === 'data') this.#recordData(event, complain)
    else this.events.push(event)
    this.#wake()
  }

  #recordData(event, complain) {
    const { data } = event
    const length = typeof data === 'string' ? data.length : data.byteLength
    if (length === 0) complain('data is never empty')
    this.bytes += length
    if (!this.keepsData) return
    this.events.push(event)
    this.chunks.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data.slice(0)))
  }

  #wake() {
    this.waiters = this.waiters.filter(({ ready, promise }) => {
      const result = ready()
      if (result !== undefined) promise.resolve(result)
      return result === undefined
    })
  }

  /** Resolves with the first defined value of `ready()`, which is asked now and after each event. */
  when(ready) {
    const promise = deferred()
    this.waiters.push({ ready, promise })
    this.#wake()
    return promise.promise
  }

  /** Resolves with the first event of `type`, which may have come already. */
  event(type) {
    return this.when(() => this.events.find((event) => event.type === type))
  }

  /** Resolves with all bytes received so far, once there are at least `count`. */
  data(count) {
    return this.when(() => (this.bytes >= count ? Buffer.concat(this.chunks) : undefined))
  }

  /** Resolves when the socket is closed, with the types of all events but `data`. */
  async closed() {
    await this.event('close')
    return this.types.filter((type) => type !== 'data')
  }

  /** Forgets the bytes received so far. */
  forgetData() {
    this.chunks = []
    this.bytes = 0
  }
}

/**
 * Ties sockets to a test: `scope(t).open(…)` and friends. At its end everything is closed, and the test fails if a
 * recorder saw a violation.
 */
function scope(t) {
  const cleanUps = []
  t.teardown(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  })
  const own = {
    /** Runs `cleanUp` when the test ends, before what was registered earlier. */
    onEnd(cleanUp) {
      cleanUps.push(cleanUp)
    },

    /** Records the events of `socket`, and closes it when the test ends. */
    watch(socket) {
      const recorder = new Recorder(socket)
      cleanUps.push(() => {
        if (recorder.violations.length > 0) throw new Error(recorder.violations.join('\n'))
        socket.closeImmediately()
      })
      return recorder
    },

    /** `[socket, recorder]` of `new TCPSocket(host, port, options)`. */
    open(host, port, options) {
      const socket = new TCPSocket(host, port, options)
      return [socket, own.watch(socket)]
    },

    /** A TCPServerSocket on a free port; `accepted()` resolves with the next `[socket, recorder]`. */
    listen(options, { port = 0, backlog, create = (...args) => new TCPServerSocket(...args) } = {}) {
      const server = create(port, options, backlog)
      const [arrived, wanted] = [[], []]
      server.onconnect = ({ socket }) => {
        const pair = [socket, own.watch(socket)]
        if (wanted.length > 0) wanted.shift().resolve(pair)
        else arrived.push(pair)
      }
      cleanUps.push(() => server.close())
      const accepted = () => {
        if (arrived.length > 0) return Promise.resolve(arrived.shift())
        wanted.push(deferred())
        return wanted.at(-1).promise
      }
      return { server, port: server.localPort, accepted }
    },

    /** An open client and its accepted peer, both ours: `{ server, client, accepted, clientEvents, acceptedEvents }`. */
    async pair(clientOptions = { binaryType: 'arraybuffer' }, serverOptions = { binaryType: 'arraybuffer' }) {
      const listening = own.listen(serverOptions)
      const [client, clientEvents] = own.open('127.0.0.1', listening.port, clientOptions)
      const [[accepted, acceptedEvents]] = await Promise.all([
        listening.accepted(),
        clientEvents.event('open'),
      ])
      return { ...listening, client, accepted, clientEvents, acceptedEvents, next: listening.accepted }
    },

    /** A `node:net` server, on 127.0.0.1 unless `host` is another: `{ port, connection() }`, with sockets that ignore their errors. */
    async netServer({ host = '127.0.0.1', ...options } = {}, onConnection = undefined) {
      const server = net.createServer({ noDelay: true, ...options })
      const sockets = []
      server.on('connection', (socket) => {
        socket.on('error', () => {})
        sockets.push(socket)
        onConnection?.(socket)
      })
      server.listen(0, host)
      await once(server, 'listening')
      cleanUps.push(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      let next = 0
      const connection = async () => {
        const index = next++
        while (sockets.length <= index) await once(server, 'connection')
        return sockets[index]
      }
      return { server, port: server.address().port, connection }
    },

    /** An open client of ours, connected to a `node:net` socket: `{ socket, events, peer }`. */
    async toNode(options = { binaryType: 'arraybuffer' }, serverOptions) {
      const server = await own.netServer(serverOptions)
      const [socket, events] = own.open('127.0.0.1', server.port, options)
      const [peer] = await Promise.all([server.connection(), events.event('open')])
      return { socket, events, peer, ...server }
    },

    /** Some round trips of another connection: whatever else was on its way has arrived. */
    async letTimeGo() {
      const { socket, events, peer } = await own.toNode()
      peer.pipe(peer)
      for (let answers = 1; answers <= 3; answers++) {
        socket.send('?')
        await events.data(answers)
      }
    },
  }
  return own
}

/** Resolves with what a `node:net` socket receives: `count` bytes, or all until its end. */
async function receive(peer, count = Infinity) {
  const chunks = []
  let bytes = 0
  if (count === 0) return Buffer.alloc(0)
  for await (const chunk of peer.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= count) break
  }
  return Buffer.concat(chunks)
}

/**
 * A port on which nothing listens, and nothing will: one below those that the system gives out, so that no test beside
 * this one can get it.
 */
async function closedPort() {
  for (let port = 1; port < 1024; port++) {
    const probe = net.connect(port, '127.0.0.1')
    const refused = await new Promise((resolve) => {
      probe.on('connect', () => resolve(false)).on('error', () => resolve(true))
    })
    probe.destroy()
    if (refused) return port
  }
  throw new Error('every port below 1024 is in use')
}

/** A port to listen on that was free a moment ago, for servers that cannot choose one themselves. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** An exact ArrayBuffer with the bytes of `source`. */
function arrayBuffer(source) {
  return Uint8Array.from(source).buffer
}

module.exports = {
  Recorder,
  TCPSocket,
  TCPServerSocket,
  arrayBuffer,
  closedPort,
  deferred,
  freePort,
  mozTCPSocket,
  receive,
  scope,
}
