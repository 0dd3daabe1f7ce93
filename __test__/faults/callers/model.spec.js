'use strict'

// Random sequences of calls on a connection, both of whose ends are ours, against a small model of the contract: what each call
// returns or throws, `readyState`, `bufferedAmount`, which events may come when, and which bytes arrive. A failure prints the
// seed and the path; with those in MODEL_SEED and MODEL_PATH it runs again.

const fc = require('fast-check')
const test = require('ava')

const { makePki } = require('../../helpers/pki.js')
const { TCPServerSocket, TCPSocket } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { attempt } = require('./oracle.js')
const { within } = require('./states.js')

const HIGH_WATER = 65_536
const LOCAL = '127.0.0.1'
/** Milliseconds for each of the two kinds. */
const BUDGET = 25_000

/** Bytes that tell their place in the stream. */
function pattern(from, count) {
  const bytes = new Uint8Array(count)
  for (let i = 0; i < count; i++) bytes[i] = ((from + i) * 31 + ((from + i) >> 8)) & 0xff
  return bytes
}

class Violation extends Error {}

/** One end: the socket, and what the contract says that it must be. */
class End {
  constructor(socket, name) {
    this.socket = socket
    this.name = name
    this.readyState = socket.readyState
    this.suspensions = 0
    this.accepted = 0
    this.received = 0
    this.drainDue = false
    /** How this end was given up: 'close' or 'closeImmediately'. */
    this.endedBy = null
    this.failed = false
    this.types = []
    this.problem = undefined
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve))
    for (const type of ['open', 'data', 'drain', 'error', 'close'])
      socket[`on${type}`] = (event) => {
        try {
          this.check(type, event)
        } catch (error) {
          this.problem ??= error
        }
      }
  }

  fail(what) {
    throw new Violation(`${this.name}: ${what}; events ${this.types.slice(-8)}`)
  }

  /** An event came. */
  check(type, { data }) {
    const last = this.types.at(-1)
    this.types.push(type)
    if (type === 'close') {
      this.readyState = 'closed'
      this.resolveClosed()
    }
    if (type === 'error') {
      this.readyState = 'closed'
      this.failed = true
    }
    if (last === 'close') this.fail(`${type} after close`)
    if (last === 'error' && type !== 'close') this.fail(`${type} after error`)
    if (type === 'open') this.fail('open came once more')
    if (type === 'data') {
      if (this.readyState !== 'open') this.fail(`data while ${this.readyState}`)
      if (this.suspensions > 0) this.fail('data while suspended')
      if (data.byteLength === 0) this.fail('data without data')
      const expected = Buffer.from(pattern(this.received, data.byteLength))
      if (!expected.equals(Buffer.from(data))) this.fail(`other bytes at ${this.received}`)
      this.received += data.byteLength
    }
    if (type === 'drain') {
      if (!this.drainDue) this.fail('drain is not due')
      if (this.socket.bufferedAmount !== 0) this.fail('drain while something is pending')
      if (this.endedBy === 'closeImmediately') this.fail('drain after closeImmediately()')
      this.drainDue = false
    }
    if (type === 'close' && this.drainDue && !this.failed && this.endedBy !== 'closeImmediately')
      this.fail('close came before a drain that was due')
    this.agree()
  }

  /** What can be asked at any time. */
  agree() {
    if (this.problem !== undefined) throw this.problem
    const { socket } = this
    if (socket.readyState !== this.readyState) this.fail(`is ${socket.readyState}, not ${this.readyState}`)
    if (this.readyState === 'closed' && socket.bufferedAmount !== 0) this.fail('closed with pending bytes')
    if (socket.bufferedAmount > this.accepted) this.fail('more is pending than was sent')
    if (socket.bytesWritten !== this.accepted)
      this.fail(`bytesWritten ${socket.bytesWritten}, not ${this.accepted}`)
    if (socket.bytesRead !== this.received) this.fail(`bytesRead ${socket.bytesRead}, not ${this.received}`)
  }

  send(size, form) {
    const { socket } = this
    const bytes = pattern(this.accepted, size)
    const payload = { buffer: bytes.buffer, view: bytes, text: Buffer.from(bytes).toString('latin1') }[form]
    const before = socket.bufferedAmount
    const { value, thrown } = attempt(() => socket.send(payload))
    if (this.readyState !== 'open') {
      if (thrown?.name !== 'NS_ERROR_FAILURE')
        this.fail(`send() while ${this.readyState}: ${thrown ?? value}`)
      return
    }
    if (thrown !== undefined) this.fail(`send() threw ${thrown}`)
    this.accepted += size
    const after = socket.bufferedAmount
    if (after !== before + size) this.fail(`${size} bytes more than ${before} are ${after}`)
    if (value !== after <= HIGH_WATER) this.fail(`send() says ${value} at ${after}`)
    if (after >= HIGH_WATER) this.drainDue = true
  }

  suspend() {
    this.suspensions++
    this.socket.suspend()
  }

  resume() {
    const { thrown } = attempt(() => this.socket.resume())
    if ((thrown?.name === 'NS_ERROR_FAILURE') !== (this.suspensions === 0)) this.fail(`resume(): ${thrown}`)
    if (this.suspensions > 0) this.suspensions--
  }

  close() {
    this.socket.close()
    if (this.readyState !== 'open') return
    this.readyState = 'closing'
    this.endedBy = 'close'
  }

  closeImmediately() {
    this.socket.closeImmediately()
    if (this.readyState === 'closed') return
    this.readyState = 'closing'
    this.endedBy = 'closeImmediately'
    this.drainDue = false
    if (this.socket.bufferedAmount !== 0) this.fail('closeImmediately() left something pending')
  }
}

/** A call on one of the ends, for fc.commands: `check` and `run` are its interface. */
class Call {
  constructor(side, name, args) {
    Object.assign(this, { side, name, args })
  }

  check() {
    return true
  }

  async run(_model, ends) {
    const end = ends[this.side]
    end.agree()
    end[this.name](...this.args)
    for (const one of ends) one.agree()
  }

  toString() {
    return `${['client', 'server'][this.side]}.${this.name}(${this.args})`
  }
}

/** Lets `turns` turns of the event loop pass. */
class Wait {
  constructor(turns) {
    this.turns = turns
  }

  check() {
    return true
  }

  async run(_model, ends) {
    for (let i = 0; i < this.turns; i++) {
      await new Promise(setImmediate)
      for (const end of ends) end.agree()
    }
  }

  toString() {
    return `wait(${this.turns})`
  }
}

const side = fc.nat(1)
const size = fc.oneof(
  { weight: 5, arbitrary: fc.nat(2000) },
  { weight: 2, arbitrary: fc.integer({ min: HIGH_WATER - 2, max: HIGH_WATER + 2 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 131_071, 131_072, 300_000) },
  { weight: 1, arbitrary: fc.constant(4_000_000) },
)
const call = (name, weight) => ({ weight, arbitrary: side.map((of) => new Call(of, name, [])) })
const commands = fc.commands(
  [
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc
          .tuple(side, size, fc.constantFrom('buffer', 'view', 'text'))
          .map(([of, bytes, form]) => new Call(of, 'send', [bytes, form])),
      },
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 6 }).map((turns) => new Wait(turns)) },
      call('suspend', 3),
      call('resume', 4),
      call('close', 1),
      call('closeImmediately', 1),
    ),
  ],
  { maxCommands: 40 },
)

/** Both ends of a new connection to `server`, which passes its accepted sockets to `taken`. */
async function connect(server, secure) {
  const options = {
    binaryType: 'arraybuffer',
    useSecureTransport: secure,
    ca: secure ? makePki().ca : undefined,
  }
  const client = new TCPSocket(LOCAL, server.localPort, options)
  const opened = new Promise((resolve, reject) => {
    client.onopen = resolve
    client.onerror = ({ data }) => reject(data)
  })
  const end = new Promise((resolve) => {
    server.onconnect = ({ socket }) => resolve(new End(socket, 'server'))
  })
  const [, accepted] = await within(Promise.all([opened, end]), 'open')
  return [new End(client, 'client'), accepted]
}

/** Whatever is still there ends; what was sent has come, as far as it must. */
async function finish(ends) {
  for (const end of ends) while (end.suspensions > 0) end.resume()
  const [one, other] = ends
  // An end that was not given up is the first to know that the other was.
  if (one.endedBy === null && other.endedBy === null) one.close()
  await within(
    Promise.all(ends.map(({ closed }) => closed)),
    `close of ${ends.map(({ types }) => types.at(-1))}`,
  )
  for (const [from, to] of [ends, [other, one]]) {
    from.agree()
    if (to.received > from.accepted) from.fail(`sent ${from.accepted} bytes, ${to.received} came`)
    const mustCome = from.endedBy === 'close' && !from.failed && to.endedBy === null
    // An end that never sent anything has nothing to see delivered: it does not wait for what the other still sends.
    if (mustCome && from.accepted > 0 && to.failed) to.fail('failed, although the other end closed in order')
    if (mustCome && to.received !== from.accepted)
      from.fail(`sent ${from.accepted} bytes, ${to.received} came`)
  }
}

for (const secure of [false, true]) {
  const kind = secure ? 'TLS' : 'plain'
  test.serial(`any sequence of calls on a ${kind} connection does what the contract says`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-14', 'REL-19'],
      fault: 'random calls',
      did: `sequences of up to 40 calls on both ends of a ${kind} connection, against a model of the contract`,
    })
    const { cert, key } = makePki()
    const server = new TCPServerSocket(0, {
      binaryType: 'arraybuffer',
      localAddress: LOCAL,
      useSecureTransport: secure,
      cert,
      key,
    })
    t.teardown(() => server.close())
    const seed = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31)
    let runs = 0
    const property = fc.asyncProperty(commands, async (calls) => {
      runs++
      const ends = await connect(server, secure)
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: ends }), calls)
        await finish(ends)
      } finally {
        for (const { socket } of ends) socket.closeImmediately()
      }
    })
    t.log(`MODEL_SEED=${seed}`)
    const { failed, error, errorInstance, counterexample, counterexamplePath } = await fc.check(property, {
      seed,
      path: process.env.MODEL_PATH,
      numRuns: 100_000,
      interruptAfterTimeLimit: BUDGET,
      markInterruptAsFailure: false,
    })
    t.false(failed, `MODEL_PATH=${counterexamplePath} ${counterexample}: ${error} ${errorInstance?.stack}`)
    t.true(runs >= 50, `${runs} sequences`)
    account.run({ runs })
    account.close()
  })
}
