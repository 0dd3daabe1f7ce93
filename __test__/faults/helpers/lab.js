'use strict'

// What the network tests are made of: two hosts, an agent with our sockets on the first and one with Node's on the second,
// connections of every kind between them, and the verdict on how it went.

const { makePki } = require('../../helpers/pki.js')
const { openAccount } = require('./ledger.js')
const { scope } = require('../../helpers/sockets.js')
const { startAgent } = require('./agents.js')
const { makeHosts } = require('./hosts.js')

/** Kinds of connections: which end is ours, or whether both are, and whether there is TLS. */
const kindsOf = (role, bothOurs = false) =>
  [false, true].map((isSecure) => {
    const name = `${bothOurs ? 'both ours' : `our ${role}`}, ${isSecure ? 'TLS' : 'plain'}`
    return { name, role, isSecure, bothOurs }
  })

/** Our client and our server, plain and TLS. */
const KINDS = [...kindsOf('client'), ...kindsOf('server')]

/** These, and both ends ours. */
const ALL_KINDS = [...KINDS, ...kindsOf('client', true)]

function kindOf(role, isSecure) {
  return KINDS.find((kind) => kind.role === role && kind.isSecure === isSecure)
}

/** One end of a connection, in an agent. */
class End {
  constructor(agent, number) {
    this.agent = agent
    this.number = number
  }

  /** Gives an order of agent.js about this connection. */
  ask(order, ...args) {
    return this.agent.ask(order, this.number, ...args)
  }

  call(method, ...args) {
    return this.ask('call', method, ...args)
  }
}

class Lab {
  #descriptors
  #kilobytes

  /** See `makeLab`. */
  constructor(account, own, { first, second, wire }, link, ours, theirs) {
    Object.assign(this, { account, own, first, second, wire, link, ours, theirs })
  }

  /** What clients are told: where to connect to, and how. */
  to(kind, port, options = {}) {
    const host = this.hostOf(kind.role === 'client' ? 'theirs' : 'ours')
    const trust = kind.isSecure ? { ca: makePki().ca, servername: 'localhost' } : {}
    return { host: host[this.link], port, useSecureTransport: kind.isSecure, ...trust, ...options }
  }

  hostOf(side) {
    return side === 'ours' ? this.first : this.second
  }

  /** `[client, server]`: on which side they are, and of which kind their sockets. */
  #sides(kind) {
    const [ours, theirs] = [
      [this.ours, 'ours'],
      [this.theirs, kind.bothOurs ? 'ours' : 'node'],
    ]
    return kind.role === 'client' ? [ours, theirs] : [theirs, ours]
  }

  /** Listens as `kind` needs it: `{ listener, port, agent }`. `options` are for a listener of ours. */
  async listen(kind, { connectTimeout: _ofClients, ...options } = {}) {
    const [, [agent, sockets]] = this.#sides(kind)
    const { cert, key } = kind.isSecure ? makePki() : {}
    const own = agent === this.ours ? options : {}
    const listening = { useSecureTransport: kind.isSecure, cert, key, ...own }
    return { agent, ...(await agent.ask('listen', sockets, listening)) }
  }

  /** Begins to connect; resolves with the client's end. `options` are for a client of ours. */
  async begin(kind, port, options = {}) {
    const [[agent, sockets]] = this.#sides(kind)
    const own = agent === this.ours ? options : {}
    return new End(agent, await agent.ask('connect', sockets, this.to(kind, port, own)))
  }

  /** Makes a connection of `kind`, `options` being those of our socket: `{ kind, ours, theirs }`. */
  async connect(kind, options) {
    const { agent, listener, port } = await this.listen(kind, options)
    const client = await this.begin(kind, port, options)
    const [number] = await Promise.all([agent.ask('accept', listener), client.ask('opened')])
    await agent.ask('closeListener', listener)
    const server = new End(agent, number)
    return kind.role === 'client'
      ? { kind, ours: client, theirs: server }
      : { kind, ours: server, theirs: client }
  }

  connectAll(kinds = KINDS, options = undefined) {
    return Promise.all(kinds.map((kind) => this.connect(kind, options)))
  }

  /** Resolves once all that was sent is acknowledged: a silent connection is one on which TCP itself has nothing to do. */
  async silence() {
    const hosts = [this.first, this.second]
    while (hosts.some((host) => host.unacknowledged() > 0))
      await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** From now on no descriptor may stay. What is opened once and for all has been by then. */
  async warmUp(kinds = KINDS) {
    const agents = [this.ours, this.theirs]
    const sockets = agents.map((agent) => agent.sockets())
    const pairs = await this.connectAll(kinds)
    await Promise.all(pairs.map((pair) => exchange(pair, 100_000)))
    await Promise.all(agents.map((agent, index) => agent.above(sockets[index], 'sockets')))
    this.#descriptors = this.ours.descriptors().length
    await this.ours.ask('collect')
    this.ours.forgetPeak()
    this.#kilobytes = this.ours.memory().now
  }

  /** KiB that the process with our sockets has grown by at most since it was warm. */
  growth() {
    return Math.max(0, this.ours.memory().peak - this.#kilobytes)
  }

  /** Resolves as `promise`, or with `undefined` after `ms`, which counts as a hang. */
  async within(ms, promise) {
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, ms)
    })
    const result = await Promise.race([promise, late]).finally(() => clearTimeout(timer))
    if (result === undefined) this.account.run({ runs: 0, hangs: 1 })
    return result
  }

  /** When our sockets are closed: nothing may be left of them, and their process must end by itself. */
  async finish() {
    const { account, ours } = this
    if (ours.exit === undefined) account.run({ runs: 0, leaks: await ours.above(this.#descriptors) })
    const exit = await ours.leave()
    if (exit === undefined) account.run({ runs: 0, hangs: 1 })
    else if (exit.code !== 0) {
      console.error(`our process ended with ${exit.code ?? exit.signal}:\n${ours.stderr}`)
      account.run({ runs: 0, crashes: 1 })
    }
    account.close()
  }
}

/** Moves `bytes` both ways and closes. Resolves with `{ ours, theirs }`, the reports of both ends. */
async function exchange({ ours, theirs, kind }, bytes) {
  const work = { send: bytes, receive: bytes }
  const [our, their] = await Promise.all([
    ours.ask('exchange', { ...work, closes: kind.role === 'client' }),
    theirs.ask('exchange', { ...work, closes: kind.role === 'server' }),
  ])
  return { ours: our, theirs: their }
}

/** Resolves once nothing moves any more on connections: with how far each end is that can be asked, ours or both. */
async function standstill(pairs, sides = ['ours', 'theirs']) {
  const ends = pairs.flatMap((pair) => sides.map((side) => pair[side]))
  for (let before; ;) {
    const reports = await Promise.all(ends.map((end) => end.ask('report')))
    const now = reports.map(({ sent, received, bufferedAmount }) => [
      sent.count,
      received.count,
      bufferedAmount,
    ])
    if (JSON.stringify(now) === JSON.stringify(before)) return now
    before = now
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

/** What was wrong with an exchange of `bytes` that should have gone well: numbers for the account. */
function judgeExchange({ ours, theirs }, bytes) {
  let lostBytes = 0
  for (const [from, to] of [
    [ours, theirs],
    [theirs, ours],
  ]) {
    const { sent } = from
    const { received } = to
    lostBytes += Math.abs(bytes - received.count)
    if (received.wrongAt !== undefined) lostBytes += received.count - received.wrongAt
    else if (sent.sha256 !== received.sha256 && sent.count === received.count) lostBytes += received.count
  }
  return { lostBytes, wrongOrders: wrongOrders(ours, 'open close') + theirs.violations.length }
}

/** What was wrong with the end of a connection that could not go well, by the report of our socket: numbers for the account. */
function judgeEnd({ received, ...report }, expected = 'open error close') {
  const lostBytes = received.wrongAt === undefined ? 0 : received.count - received.wrongAt
  return { lostBytes, wrongOrders: wrongOrders(report, expected) }
}

function wrongOrders({ types, violations }, expected) {
  const story = types.filter((type) => type !== 'drain').join(' ')
  return violations.length + (story === expected ? 0 : 1)
}

/** How many labs there may be at once: beyond that, their processes keep each other waiting. */
const MOST_LABS = 5

const waiting = []
let labs = 0

/** Resolves when there may be one more, until `own` ends. */
async function takeTurn(own) {
  if (labs === MOST_LABS) await new Promise((resolve) => waiting.push(resolve))
  else labs++
  own.onEnd(() => {
    const next = waiting.shift()
    if (next) next()
    else labs--
  })
}

/** Both hosts, where only what happens to processes and clocks matters: this machine. */
function hereOnly() {
  const host = { wrapper: [], onWire: '127.0.0.1', onCable: '127.0.0.1' }
  return { first: host, second: host }
}

/**
 * `t` gets a line in the table of `file`; `line` as for `openAccount`. Makes hosts, unless it all `isHere`, and agents; they end with
 * the test. `ours` and `theirs` are how to start the agents, `link` is what joins them: `'onWire'` or `'onCable'`.
 */
async function makeLab(t, file, line, { isHere = false, link = 'onWire', ours = {}, theirs = {} } = {}) {
  const own = scope(t)
  await takeTurn(own)
  const account = openAccount(t, file, line)
  const hosts = isHere ? hereOnly() : await makeHosts(own)
  const agents = await Promise.all([
    startAgent(own, hosts.first, ours),
    startAgent(own, hosts.second, theirs),
  ])
  return new Lab(account, own, hosts, link, ...agents)
}

module.exports = { ALL_KINDS, End, KINDS, exchange, judgeEnd, judgeExchange, kindOf, makeLab, standstill }
