'use strict'

// Suite C of Gecko's tests, retold: client and server of the second generation. It takes the API and the realm it was
// loaded in, so that it can run again where the sockets, and the ArrayBuffers they deliver, are of another global.

const { deferred } = require('../../helpers/sockets.js')

const SMALL = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
/** Three bytes more than the 64 KiB above which `send` answers false. */
const LARGE = Buffer.from(Array.from({ length: 65539 }, (_, index) => index % 256))
const FULL = 65536

const BINARY = { binaryType: 'arraybuffer' }

/**
 * Queues the events of a socket, apart from its data. Call it in the turn in which the socket was made, or inside the
 * connect handler.
 */
class Events {
  #trial
  #queue = []
  #waiter = null
  #chunks = []
  #wanted = null

  constructor({ trial, realm }, socket) {
    this.#trial = trial
    for (const type of ['open', 'drain', 'error', 'close'])
      socket[`on${type}`] = (event) => this.#event(event)
    socket.ondata = ({ data }) => {
      trial.is(data instanceof realm.ArrayBuffer, true, 'event.data is an ArrayBuffer of the realm')
      trial.is(ArrayBuffer.isView(data), false, 'event.data is a view')
      this.#chunks.push(Buffer.from(new Uint8Array(data)))
      this.#offer()
    }
  }

  #event(event) {
    if (this.#waiter === null) {
      this.#queue.push(event)
      return
    }
    const waiter = this.#waiter
    this.#waiter = null
    waiter.resolve(event)
  }

  #offer() {
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (this.#wanted === null || bytes < this.#wanted.bytes) return
    const { resolve } = this.#wanted
    this.#wanted = null
    resolve(this.#take())
  }

  #take() {
    return Buffer.concat(this.#chunks.splice(0))
  }

  /** The type of the next event that is not data. */
  async next() {
    let event = this.#queue.shift()
    if (event === undefined) {
      this.#waiter = deferred()
      event = await this.#trial.until(this.#waiter.promise)
    }
    return event.type
  }

  /** What arrived since the last call, once it is at least `bytes` long. */
  data(bytes) {
    this.#wanted = { bytes, ...deferred() }
    const { promise } = this.#wanted
    this.#offer()
    return this.#trial.until(promise)
  }

  /** What arrives until the next event, which must be close. */
  async dataUntilClose() {
    this.#trial.is(await this.next(), 'close', 'event at the end of the data')
    return this.#take()
  }
}

function start(trial, { api, realm }) {
  const f = { trial, api, realm, sockets: [] }
  // Buffers as an application in that realm would have them.
  f.small = realm.Uint8Array.from(SMALL)
  f.large = realm.Uint8Array.from(LARGE)
  f.server = new api.TCPServerSocket(0, BINARY, -1)
  f.server.onerror = trial.unexpected('error at the server')
  return f
}

function stop({ server, sockets }) {
  server.close()
  for (const socket of sockets) socket.closeImmediately()
}

/** Resolves with the next accepted socket. One more than that is a failure. */
function nextConnection(f) {
  const { promise, resolve } = deferred()
  f.server.onconnect = ({ socket }) => {
    f.server.onconnect = f.trial.unexpected('second connection')
    f.sockets.push(socket)
    f.accepted = socket
    f.acceptedEvents = new Events(f, socket)
    resolve()
  }
  return f.trial.until(promise)
}

function openClient(f, options) {
  f.client = new f.api.TCPSocket('127.0.0.1', f.server.localPort, options)
  f.sockets.push(f.client)
  f.clientEvents = new Events(f, f.client)
}

async function connect(f, options = BINARY) {
  const { trial } = f
  const connection = nextConnection(f)
  openClient(f, options)
  trial.is(await f.clientEvents.next(), 'open', 'first event of the client')
  trial.is(f.client.readyState, 'open', 'state of the client')
  await connection
  trial.is(f.accepted.readyState, 'open', 'state of the accepted socket')
}

/** Both directions of the current connection. */
function directions(f) {
  return [
    { from: f.client, fromEvents: f.clientEvents, toEvents: f.acceptedEvents, name: 'client to server' },
    { from: f.accepted, fromEvents: f.acceptedEvents, toEvents: f.clientEvents, name: 'server to client' },
  ]
}

async function sendSmall(f, { from, toEvents, name }) {
  f.trial.is(from.send(f.small.buffer, 0, 256), true, `${name}: send`)
  f.trial.sameBytes(await toEvents.data(256), SMALL, name)
}

async function sendSlices(f, { from, toEvents, name }) {
  f.trial.is(from.send(f.small.buffer, 0, 7), true, `${name}: first slice`)
  f.trial.is(from.send(f.small.buffer, 7, 249), true, `${name}: second slice`)
  f.trial.sameBytes(await toEvents.data(256), SMALL, name)
}

async function sendLarge(f, { from, fromEvents, toEvents, name }) {
  f.trial.is(from.send(f.large.buffer, 0, 65539), false, `${name}: send`)
  f.trial.is(await fromEvents.next(), 'drain', `${name}: next event`)
  f.trial.sameBytes(await toEvents.data(65539), LARGE, name)
}

/** 64 KiB are not too much, and the three bytes after them, all that is left of the 65539 asked for, are. */
async function sendToThreshold(f, { from, fromEvents, toEvents, name }) {
  f.trial.is(from.send(f.large.buffer, 0, FULL), true, `${name}: send of exactly 64 KiB`)
  f.trial.is(from.send(f.large.buffer, FULL, 65539), false, `${name}: send of the rest`)
  f.trial.is(await fromEvents.next(), 'drain', `${name}: next event`)
  f.trial.sameBytes(await toEvents.data(65539), LARGE, name)
}

/** `one` closes; both see nothing but close. */
async function closeFrom(f, one, oneEvents, other, otherEvents) {
  const { trial } = f
  one.close()
  trial.is(one.readyState, 'closing', 'state after close()')
  trial.is(await otherEvents.next(), 'close', 'next event of the other end')
  trial.is(other.readyState, 'closed', 'state of the other end')
  trial.is(await oneEvents.next(), 'close', 'next event of the end that closed')
  trial.is(one.readyState, 'closed', 'state of the end that closed')
}

const steps = {
  connect: (f) => connect(f),

  smallToServer: (f) => sendSmall(f, directions(f)[0]),
  smallToClient: (f) => sendSmall(f, directions(f)[1]),
  slicesToServer: (f) => sendSlices(f, directions(f)[0]),
  slicesToClient: (f) => sendSlices(f, directions(f)[1]),

  async largeBothWays(f) {
    for (const direction of directions(f)) await sendLarge(f, direction)
  },

  async thresholdBothWays(f) {
    for (const direction of directions(f)) await sendToThreshold(f, direction)
  },

  async acceptRule(f) {
    const { trial } = f
    const seen = []
    const complete = deferred()
    f.server.onconnect = (event) => {
      trial.is(event.type, 'connect', 'type of the event')
      trial.is(event.socket instanceof f.api.TCPSocket, true, 'the event has a socket')
      const { socket } = event
      f.sockets.push(socket)
      seen.push({ socket, events: new Events(f, socket) })
      if (seen.length === 3) complete.resolve()
    }
    const clients = [0, 1, 2].map((number) => {
      const client = new f.api.TCPSocket('127.0.0.1', f.server.localPort, BINARY)
      f.sockets.push(client)
      const { promise, resolve } = deferred()
      client.onerror = trial.unexpected('error')
      // Everything is on its way before the server's handler can run.
      client.onopen = () => {
        client.send(f.small.buffer, number, 100)
        client.close()
      }
      client.onclose = resolve
      return promise
    })
    await trial.until(Promise.all(clients))
    await trial.until(complete.promise)
    const got = []
    for (const { events } of seen) got.push(await events.dataUntilClose())
    got.sort(Buffer.compare)
    got.forEach((bytes, number) => trial.sameBytes(bytes, SMALL.subarray(number, number + 100), 'first data'))
    trial.is(
      new Set(seen.map(({ socket }) => socket)).size,
      clients.length,
      'sockets, one for each connection',
    )
  },

  acceptedCloses: (f) => closeFrom(f, f.accepted, f.acceptedEvents, f.client, f.clientEvents),
  clientCloses: (f) => closeFrom(f, f.client, f.clientEvents, f.accepted, f.acceptedEvents),

  async closeFlushes(f) {
    const { trial, client, clientEvents, acceptedEvents } = f
    trial.is(client.send(f.large.buffer, 0, 65539), false, 'send')
    client.close()
    trial.is(await clientEvents.next(), 'drain', 'first event after close()')
    trial.is(await clientEvents.next(), 'close', 'second event after close()')
    trial.sameBytes(await acceptedEvents.data(65539), LARGE, 'what was sent before close()')
    trial.is(await acceptedEvents.next(), 'close', 'next event of the accepted socket')
  },

  async stringMode(f) {
    const { trial } = f
    await connect(f, { binaryType: 'string' })
    const array = f.realm.Uint8Array.from(LARGE)
    array.toString = Object.prototype.toString
    const text = '[object Uint8Array]'
    trial.is(f.client.send(array), true, 'send of an array on a string socket')
    f.client.close()
    trial.sameBytes(await f.acceptedEvents.data(text.length), Buffer.from(text), 'the array as text')
    trial.is(await f.clientEvents.next(), 'close', 'next event, no drain before it')
  },

  async closeImmediately(f) {
    const { trial, client, acceptedEvents } = f
    trial.is(client.send(f.large.buffer, 0, 65539), false, 'first send')
    trial.is(client.send(f.large.buffer, 0, 65539), false, 'second send')
    client.closeImmediately()
    // An end by a reset would be an error event here.
    const got = await acceptedEvents.dataUntilClose()
    trial.is(got.length < 131078, true, `less than everything arrives (${got.length} bytes)`)
    trial.sameBytes(got, Buffer.concat([LARGE, LARGE]).subarray(0, got.length), 'what arrived is a prefix')
    trial.is(await f.clientEvents.next(), 'close', 'next event of the client, no drain before it')
  },

  async listenerStops(f) {
    const { trial } = f
    f.server.close()
    openClient(f, BINARY)
    trial.is(await f.clientEvents.next(), 'error', 'first event')
    trial.is(f.client.readyState, 'closed', 'state after error')
    trial.is(await f.clientEvents.next(), 'close', 'second event')
  },
}

const ORIGINAL_ORDER = `
  connect smallToServer smallToClient slicesToServer slicesToClient thresholdBothWays largeBothWays
  acceptedCloses connect clientCloses connect closeFlushes stringMode connect closeImmediately
  listenerStops
`

/** Titles, and the steps of each. */
const cases = [
  ['GT-23 connect: open is the first event, and both ends are open', 'connect'],
  ['GT-24 a small buffer from client to server', 'connect smallToServer'],
  ['GT-25 a small buffer from server to client', 'connect smallToClient'],
  ['GT-26 slices of one buffer from client to server, in one turn', 'connect slicesToServer'],
  ['GT-27 slices of one buffer from server to client, in one turn', 'connect slicesToClient'],
  [
    'GT-28 data is always an ArrayBuffer of the realm of the listener, never a view',
    'connect smallToServer smallToClient largeBothWays',
  ],
  [
    'GT-29 more than 64 KiB in one send, both ways, twice: false and then drain',
    'connect largeBothWays largeBothWays',
  ],
  ['GT-30 handlers attached inside onconnect see everything, once for each connection', 'acceptRule'],
  [
    'GT-31 exactly 64 KiB is not too much, one byte more is, and drain follows each time',
    'connect thresholdBothWays largeBothWays',
  ],
  ['GT-32 the accepted side closes: closing, then close at both ends', 'connect acceptedCloses'],
  ['GT-33 the client closes: closing, then close at both ends', 'connect clientCloses'],
  ['GT-34 close flushes: drain, then close, and every byte arrives', 'connect closeFlushes'],
  ['GT-35 a string socket sends the text of what is not an ArrayBuffer', 'stringMode'],
  ['GT-36 closeImmediately drops what is queued, and ends without error', 'connect closeImmediately'],
  [
    'GT-37 when the listener has stopped, error comes first and the state is closed',
    'connect clientCloses listenerStops',
  ],
  ['GT-23 … GT-37 in the order of the original run, on one server', ORIGINAL_ORDER],
].map(([title, list]) => ({ title, steps: list.trim().split(/\s+/) }))

/** The suite on one copy of the API: `api` is what the package exports, `realm` the global of the code that uses it. */
module.exports = (api, realm = globalThis) => ({
  start: (trial) => start(trial, { api, realm }),
  stop,
  steps,
  cases,
})
