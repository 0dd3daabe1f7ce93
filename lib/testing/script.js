'use strict'

// What a scripted peer does on one connection, step by step. Each method adds a step, also while earlier ones run, and returns
// the script. The steps run one after the other; the first that fails is the end of it.

const { inspect } = require('node:util')

const { after } = require('./time.js')
const { show } = require('./transcript.js')
const { toBytes, toInteger, toMilliseconds, toOptions, toPace } = require('./values.js')

class Script {
  #name
  #deadline
  #tls
  #steps = []
  /** How many of them are done. */
  #done = 0
  #conversation = null
  /** Aborts when the peer is closed. */
  #signal
  #failed
  /** The first failure. */
  #failure = null
  #isRunning = false
  /** Lets `stall()` go on. */
  #release = null
  #releases = 0
  /** What the last `expect` took. */
  #taken = null
  #waiting = []

  /** `fail(problem)` makes an Error of what is wrong and of the transcript. */
  constructor(name, { deadline, tls, signal, fail }) {
    this.#name = name
    this.#deadline = deadline
    this.#tls = tls
    this.#signal = signal
    this.#failed = fail
  }

  /** Sends `data`; or what that returns, called with what the last `expect` took, and with the match if that was a RegExp. */
  reply(data) {
    const make = typeof data === 'function' ? (...args) => toBytes('reply', data(...args)) : null
    const bytes = make === null ? toBytes('reply', data) : null
    return this.#add('reply', async (conversation) => {
      await conversation.send(bytes ?? make(this.#taken), this.#signal)
      if (conversation.gone !== null && conversation.gone !== 'ended') {
        throw new Error(`cannot reply: the connection is lost (${conversation.gone})`)
      }
    })
  }

  /** The client must send exactly these bytes, or a line that matches a RegExp, before the deadline. */
  expect(expected, { within = this.#deadline } = {}) {
    toMilliseconds('expect: within', within)
    const isPattern = Object.prototype.toString.call(expected) === '[object RegExp]'
    const bytes = isPattern ? null : toBytes('expect', expected)
    if (bytes?.length === 0) throw new RangeError('expect: there is nothing to expect in no bytes')
    const wanted = isPattern ? [`a line that matches ${expected}`] : show(bytes)
    const name = isPattern
      ? expected
      : inspect(bytes.toString('latin1'), { compact: true, maxStringLength: 60 })
    return this.#add(`expect ${name}`, (conversation) => {
      const taker = isPattern ? new LineTaker(expected) : new BytesTaker(bytes)
      return this.#within(within, conversation, wanted, () => {
        if (!taker.take(conversation)) return false
        this.#taken = taker.taken
        return true
      })
    })
  }

  /** The client must end, having sent nothing else. */
  expectEnd({ within = this.#deadline } = {}) {
    toMilliseconds('expectEnd: within', within)
    const wanted = ['(the client ends)']
    return this.#add('expect the end', (conversation) =>
      this.#within(within, conversation, wanted, () => {
        if (conversation.received.length > 0) throw new Differs()
        return conversation.gone === 'ended' || conversation.gone === 'closed'
      }),
    )
  }

  /** Secures the connection: waits for the client's handshake. */
  starttls(options = this.#tls) {
    toOptions('starttls', options, Object.keys(options))
    return this.#add('starttls', async (conversation) => {
      const ending = new AbortController()
      const stop = () => ending.abort()
      this.#signal.addEventListener('abort', stop, { once: true })
      const cancel = after(this.#deadline, stop)
      try {
        await conversation.secure({ ...this.#tls, ...options }, ending.signal)
      } catch (error) {
        if (this.#signal.aborted) return
        const late = `no TLS handshake within ${this.#deadline} ms`
        throw new Error(ending.signal.aborted ? late : `TLS handshake: ${error.message}`, { cause: error })
      } finally {
        cancel()
        this.#signal.removeEventListener('abort', stop)
      }
    })
  }

  /** Reads and sends nothing for that many milliseconds of real time; without a number, until `release()`. */
  stall(milliseconds) {
    if (milliseconds !== undefined) toMilliseconds('stall', milliseconds)
    return this.#add('stall', async (conversation) => {
      conversation.pause()
      await new Promise((resolve) => {
        if (this.#signal.aborted) return resolve()
        let cancel = () => {}
        const go = () => {
          cancel()
          this.#release = null
          this.#signal.removeEventListener('abort', go)
          resolve()
        }
        if (milliseconds !== undefined) cancel = after(milliseconds, go)
        else if (this.#releases > 0) {
          this.#releases--
          return resolve()
        } else this.#release = go
        this.#signal.addEventListener('abort', go)
      })
      conversation.resume()
    })
  }

  /** Ends the `stall()` that goes on, or the next one. */
  release() {
    if (this.#release === null) this.#releases++
    else this.#release()
    return this
  }

  /** From here on replies are sent at that pace; `null` is as fast as it goes. */
  slow(pace) {
    const value = toPace('slow', pace)
    return this.#add('slow', (conversation) => conversation.setPace(value))
  }

  /** The connection is cut when `after` further bytes of replies are sent: ended in the middle, or with `reset: true` reset. */
  cut(options = {}) {
    const { after: bytes = 0, reset = false } = toOptions('cut', options, ['after', 'reset'])
    toInteger('cut: after', bytes, 0)
    return this.#add('cut', (conversation) => conversation.cutAfter(bytes, reset))
  }

  /** Resets the connection: the client gets an RST. */
  reset() {
    return this.#add('reset', (conversation) => conversation.reset())
  }

  /** Ends the connection: the client gets a FIN. */
  end() {
    return this.#add('end', (conversation) => conversation.end())
  }

  #add(name, run) {
    this.#steps.push({ name, run })
    this.#advance()
    return this
  }

  /** For the peer: the client is there. */
  begin(conversation) {
    this.#conversation = conversation
    this.#advance()
  }

  /** For the peer: whether there are steps, or a client. */
  get isUsed() {
    return this.#steps.length > 0 || this.#conversation !== null
  }

  /** For the peer: whether a client has come. */
  get hasBegun() {
    return this.#conversation !== null
  }

  get failure() {
    return this.#failure
  }

  /** For the peer: resolves when all steps are done that there are by then. It never rejects. */
  async settled() {
    while (!this.#isSettled) await new Promise((resolve) => this.#waiting.push(resolve))
  }

  get #isSettled() {
    return this.#failure !== null || this.#signal.aborted || this.#done === this.#steps.length
  }

  /** For the peer: something is wrong that no step says. */
  fail(problem) {
    this.#failure ??= this.#failed(problem)
    this.#changed()
  }

  /** For the peer: what has come that no step expected; `undefined` where nothing has. */
  get unexpected() {
    const received = this.#conversation?.received
    return received?.length > 0 && !this.#conversation.isOver
      ? differs(['(nothing more)'], show(received))
      : undefined
  }

  /** For the peer, which is closed: nobody waits any more. */
  wake() {
    this.#changed()
  }

  #changed() {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #advance() {
    if (this.#isRunning || this.#conversation === null) return
    this.#isRunning = true
    while (!this.#isSettled) {
      const { name, run } = this.#steps[this.#done]
      try {
        if (!this.#conversation.isOver) await run(this.#conversation)
        if (!this.#signal.aborted) this.#done++
      } catch (error) {
        const step = `step ${this.#done + 1} of ${this.#steps.length}, ${name}`
        this.fail(Object.assign(error, { message: `${this.#name}, ${step}: ${error.message}` }))
        // What else it sends no longer matters; a client that waits for more must not wait for ever.
        await this.#conversation.destroy()
      }
    }
    this.#isRunning = false
    this.#changed()
  }

  /**
   * Tries until `attempt()` is done; fails where it throws Differs, the client can send no more, or that many milliseconds have
   * passed. What it has taken until then belongs to what is shown.
   */
  async #within(milliseconds, conversation, wanted, attempt) {
    let isLate = false
    const late = new AbortController()
    const cancel = after(milliseconds, () => {
      isLate = true
      late.abort()
    })
    const stop = () => late.abort()
    this.#signal.addEventListener('abort', stop)
    const begin = conversation.taken
    const fail = (when) => {
      const bytes = conversation.since(begin)
      const received = bytes.length > 0 ? show(bytes) : []
      if (conversation.gone !== null) {
        received.push(conversation.gone === 'ended' ? '(the client ended)' : `(${conversation.gone})`)
      }
      return differs(wanted, received.length > 0 ? received : ['(nothing)'], when)
    }
    try {
      while (!this.#signal.aborted && !attempt()) {
        if (conversation.gone !== null) throw new Differs()
        if (isLate) throw fail(` within ${milliseconds} ms`)
        await conversation.change(late.signal)
      }
    } catch (error) {
      throw error instanceof Differs ? fail('') : error
    } finally {
      cancel()
      this.#signal.removeEventListener('abort', stop)
    }
  }
}

/** What came is not what was expected. */
class Differs extends Error {}

/** Takes these bytes as they come. */
class BytesTaker {
  #bytes
  #length = 0

  constructor(bytes) {
    this.#bytes = bytes
  }

  /** Whether all of them have been taken. */
  take(conversation) {
    const rest = this.#bytes.subarray(this.#length)
    const came = conversation.received.subarray(0, rest.length)
    if (!rest.subarray(0, came.length).equals(came)) throw new Differs()
    conversation.take(came.length)
    this.#length += came.length
    return this.#length === this.#bytes.length
  }

  get taken() {
    return this.#bytes.toString('latin1')
  }
}

/** Takes a line that matches. */
class LineTaker {
  #pattern
  taken = null

  constructor({ source, flags }) {
    // One with /g goes on where it was.
    this.#pattern = new RegExp(source, flags.replaceAll(/[gy]/g, ''))
  }

  take(conversation) {
    const { received } = conversation
    const end = received.indexOf('\n')
    if (end === -1) return false
    const line = received.subarray(0, end).toString('latin1').replace(/\r$/, '')
    this.taken = this.#pattern.exec(line)
    if (this.taken === null) throw new Differs()
    conversation.take(end + 1)
    return true
  }
}

/** An Error that shows what was wanted, and what there is instead. */
function differs(wanted, received, when = '') {
  const list = (lines) => lines.map((line) => `    ${line}`).join('\n')
  return new Error(
    `not what was expected${when}\n  expected:\n${list(wanted)}\n  received:\n${list(received)}`,
  )
}

/** The methods that add steps, and `release`: a peer has them for its first connection. */
const STEPS = ['reply', 'expect', 'expectEnd', 'starttls', 'stall', 'release', 'slow', 'cut', 'reset', 'end']

module.exports = { STEPS, Script }
