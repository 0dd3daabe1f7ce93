'use strict'

// A proxy on the loopback between a client and a server, with a switch for each thing that can happen to a connection on the
// way. All switches are for all connections, those that are there and those to come.

const { once } = require('node:events')
const net = require('node:net')
const { inspect } = require('node:util')

const { Lane } = require('./lane.js')
const { toInteger, toMilliseconds, toOneOf, toOptions, toPace, toPort } = require('./values.js')

const DIRECTIONS = ['toServer', 'toClient']

/** What a switch of one direction is before anybody touches it. */
const untouched = () => ({
  isStalled: false,
  isBlackHole: false,
  pace: null,
  delay: 0,
  cut: null,
  corrupt: [],
})

class FaultProxy {
  #to
  #server
  #place = null
  #switches = { toServer: untouched(), toClient: untouched() }
  /** `{ client, server, lanes, ending }` of each connection that is there. */
  #links = new Set()
  #counts = { connections: 0, toServer: 0, toClient: 0, dropped: 0 }
  #closing = null

  constructor(to) {
    this.#to = to
    this.#makeServer()
  }

  #makeServer() {
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  async #listen(port, host) {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    this.#place = this.#server.address()
  }

  static async start(to, listen) {
    const proxy = new FaultProxy(to)
    await proxy.#listen(0, listen)
    return proxy
  }

  /** Where clients connect to. It stays the same. */
  get port() {
    return this.#place.port
  }

  get host() {
    return this.#place.address
  }

  /** How many connections there were and are, and how many bytes were passed on or lost. */
  get counts() {
    return { ...this.#counts, open: this.#links.size }
  }

  /** Nothing is passed on, nor read. Connections stay. */
  stall(options) {
    return this.#set('stall', options, { isStalled: true })
  }

  /** Everything is read, and lost: also that a side ended. */
  blackhole(options) {
    return this.#set('blackhole', options, { isBlackHole: true })
  }

  /** Takes back what `stall`, `blackhole`, `slow` and `delay` did. What was lost stays lost. */
  resume(options) {
    return this.#set('resume', options, { isStalled: false, isBlackHole: false, pace: null, delay: 0 })
  }

  /** Passed on at that pace; `null` is as fast as it goes. */
  slow(pace) {
    const value = toPace('slow', pace)
    return this.#set('slow', { direction: pace?.direction }, { pace: value })
  }

  /** Passed on that many milliseconds later than it came. */
  delay(milliseconds, options) {
    toMilliseconds('delay', milliseconds)
    return this.#set('delay', options, { delay: milliseconds })
  }

  /** Each connection is cut when that many further bytes went through. */
  cut(options = {}) {
    const {
      afterBytes = 0,
      direction,
      reset = false,
    } = toOptions('cut', options, ['afterBytes', 'direction', 'reset'])
    toInteger('cut: afterBytes', afterBytes, 0)
    return this.#at('cut', direction, (lane) => lane.cutAfter(afterBytes, reset), {
      cut: { afterBytes, reset },
    })
  }

  /** One byte of each connection is changed: that which is `at` bytes from here. `mask` has the bits that change. */
  corrupt(options = {}) {
    const { at = 0, mask = 0xff, direction } = toOptions('corrupt', options, ['at', 'mask', 'direction'])
    toInteger('corrupt: at', at, 0)
    toInteger('corrupt: mask', mask, 1, 0xff)
    return this.#at(
      'corrupt',
      direction,
      (lane) => lane.corruptAt(at, mask),
      (switches) => ({
        corrupt: [...switches.corrupt, { at, mask }],
      }),
    )
  }

  /** Resets the connections that are there, on both sides. */
  reset() {
    for (const link of this.#links) this.#end(link, true)
    return this
  }

  /** From now on connections are refused. Those that are there stay. */
  async refuse() {
    if (!this.#server.listening) return
    // Its event waits for the connections, too, and the port is free before.
    this.#server.close()
  }

  /** Takes connections again, at the same port. */
  async accept() {
    if (this.#server.listening || this.#closing) return
    this.#makeServer()
    await this.#listen(this.#place.port, this.#place.address)
  }

  #set(name, options, values) {
    return this.#at(
      name,
      toOptions(name, options ?? {}, ['direction']).direction,
      (lane) => lane.changed(),
      values,
    )
  }

  /** Changes the switches of a direction, or of both, and then tells the lanes. */
  #at(name, direction, tell, values) {
    if (direction !== undefined) toOneOf(`${name}: direction`, direction, DIRECTIONS)
    for (const each of DIRECTIONS) {
      if (direction !== undefined && direction !== each) continue
      const switches = this.#switches[each]
      Object.assign(switches, typeof values === 'function' ? values(switches) : values)
      for (const { lanes } of this.#links) if (lanes[each]) tell(lanes[each])
    }
    return this
  }

  #accept(client) {
    this.#counts.connections++
    const server = net.connect({ ...this.#to, allowHalfOpen: true })
    const link = { client, server, lanes: {}, ending: new AbortController() }
    this.#links.add(link)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // What becomes of one side becomes of the other. A reset is one, and so is that nobody listens there.
      socket.on('error', () => this.#end(link, true))
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) this.#forget(link)
      })
    }
    link.lanes.toServer = this.#makeLane(link, 'toServer', client, server)
    link.lanes.toClient = this.#makeLane(link, 'toClient', server, client)
  }

  #makeLane(link, direction, source, sink) {
    const switches = this.#switches[direction]
    const lane = new Lane(source, sink, switches, {
      signal: link.ending.signal,
      onCut: (reset) => this.#end(link, reset),
      onCount: ({ passed, dropped }) => {
        this.#counts[direction] += passed
        this.#counts.dropped += dropped
      },
    })
    if (switches.cut !== null) lane.cutAfter(switches.cut.afterBytes, switches.cut.reset)
    for (const { at, mask } of switches.corrupt) lane.corruptAt(at, mask)
    return lane
  }

  #forget(link) {
    link.ending.abort()
    this.#links.delete(link)
  }

  /** Ends both sides, after what was passed on. */
  #end(link, withReset) {
    link.ending.abort()
    for (const socket of [link.client, link.server]) {
      if (withReset) socket.resetAndDestroy()
      else {
        socket.end()
        // What still comes has nowhere to go.
        socket.removeAllListeners('data')
        socket.resume()
        socket.once('end', () => socket.destroySoon())
      }
    }
  }

  /** Ends whatever goes on. Resolves when nothing of it is left. Never rejects. */
  close() {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close() {
    const ends = []
    for (const { client, server, ending } of this.#links) {
      ending.abort()
      for (const socket of [client, server]) {
        if (socket.closed) continue
        ends.push(new Promise((resolve) => socket.once('close', resolve)))
        socket.destroy()
      }
    }
    if (this.#server.listening) {
      ends.push(once(this.#server, 'close'))
      this.#server.close()
    }
    await Promise.all(ends)
  }

  [inspect.custom]() {
    return `FaultProxy on port ${this.port} ${inspect({ switches: this.#switches, counts: this.counts })}`
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(FaultProxy.prototype, Symbol.asyncDispose, {
    value() {
      return this.close()
    },
    writable: true,
    configurable: true,
  })
}

/** Starts a proxy to port `to` of `host`, at a port of `listen` that the system picks, and resolves when it listens. */
function faultProxy(options = {}) {
  const {
    to,
    host = '127.0.0.1',
    listen = '127.0.0.1',
  } = toOptions('faultProxy', options, ['to', 'host', 'listen'])
  toPort('faultProxy: to', to, 1)
  return FaultProxy.start({ port: to, host }, listen)
}

module.exports = { faultProxy }
