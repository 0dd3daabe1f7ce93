'use strict'

// A server that does what a script says, on a port that the system picks, and that tells where the client deviates.

const { once } = require('node:events')
const net = require('node:net')
const { inspect } = require('node:util')

const { testCertificates } = require('./certificates.js')
const { Conversation } = require('./conversation.js')
const { STEPS, Script } = require('./script.js')
const { after } = require('./time.js')
const { Recorder } = require('./transcript.js')
const { toInteger, toMilliseconds, toOptions } = require('./values.js')

/** Milliseconds that a client may take for each thing that is expected of it. */
const DEADLINE = 5000

const OPTIONS = ['host', 'tls', 'deadline']

class ScriptedPeer {
  #server
  /** Where it listens, or did. */
  #place = null
  #tls
  #isSecure
  #deadline
  /** By number, from 1 on; there may be gaps. */
  #scripts = []
  #conversations = []
  #recorder = new Recorder()
  #ending = new AbortController()
  #closing = null

  constructor({ tls = false, deadline = DEADLINE }) {
    toMilliseconds('scriptedPeer: deadline', deadline)
    if (typeof tls !== 'boolean') toOptions('scriptedPeer: tls', tls, Object.keys(Object(tls)))
    this.#isSecure = tls !== false
    const { cert, key } = testCertificates()
    this.#tls = { cert, key, ...(typeof tls === 'object' ? tls : {}) }
    this.#deadline = deadline
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  async listen(host) {
    this.#server.listen(0, host)
    await once(this.#server, 'listening')
    this.#place = this.#server.address()
  }

  get port() {
    return this.#place.port
  }

  get host() {
    return this.#place.address
  }

  /** The authority of the certificate, in PEM: for the client's option `ca`. */
  get ca() {
    return testCertificates().ca
  }

  /** What both sides said until now. */
  get transcript() {
    return this.#recorder.transcript()
  }

  /** How many clients have come. */
  get connections() {
    return this.#conversations.length
  }

  /** The script of the client that comes as that one, from 1 on. The peer's own methods are those of the first. */
  connection(number) {
    toInteger('connection', number, 1, 10_000)
    this.#scripts[number] ??= new Script(`connection ${number}`, {
      deadline: this.#deadline,
      tls: this.#tls,
      signal: this.#ending.signal,
      fail: (problem) => this.#explain(problem),
    })
    return this.#scripts[number]
  }

  /** Resolves when all steps are done that there are, and rejects where a client deviated, or none came. */
  get done() {
    return this.#whenDone()
  }

  async #whenDone() {
    const scripts = this.#scripts.filter((script) => script.isUsed)
    const absent = after(this.#deadline, () => {
      for (const [number, script] of this.#scripts.entries()) {
        if (script?.isUsed && !script.hasBegun) {
          script.fail(new Error(`connection ${number}: no client came within ${this.#deadline} ms`))
        }
      }
    })
    await Promise.all(scripts.map((script) => script.settled()))
    absent()
    for (const [number, script] of this.#scripts.entries()) {
      const problem = script?.unexpected
      if (problem && !script.failure) {
        problem.message = `connection ${number}, after its last step: ${problem.message}`
        script.fail(problem)
      }
      if (script?.failure) throw script.failure
    }
    if (this.#ending.signal.aborted) throw new Error('scriptedPeer: was closed before the script was done')
  }

  #explain(problem) {
    const transcript = this.transcript.toString()
    const talk = transcript === '' ? '(nobody has said anything)' : transcript
    problem.message = `scripted peer: ${problem.message}\n\n${talk.replaceAll(/^/gm, '  ')}\n`
    return Object.assign(problem, { name: 'ScriptedPeerError', code: 'ERR_SCRIPT_DEVIATION' })
  }

  async #accept(socket) {
    const number = this.#conversations.length + 1
    const conversation = new Conversation(socket, number, this.#recorder)
    this.#conversations.push(conversation)
    this.#recorder.note(number, 'a client connected')
    const script = this.connection(number)
    if (!script.isUsed && number > 1) {
      script.begin(conversation)
      script.fail(new Error(`connection ${number}: the script has none of that number`))
      conversation.reset()
      return
    }
    if (this.#isSecure) {
      try {
        await this.#secure(conversation)
      } catch (error) {
        script.fail(new Error(`connection ${number}: TLS handshake: ${error.message}`))
        await conversation.destroy()
        return
      }
    }
    script.begin(conversation)
  }

  async #secure(conversation) {
    const late = new AbortController()
    const stop = () => late.abort()
    const cancel = after(this.#deadline, stop)
    this.#ending.signal.addEventListener('abort', stop)
    try {
      await conversation.secure(this.#tls, late.signal)
    } finally {
      cancel()
      this.#ending.signal.removeEventListener('abort', stop)
    }
  }

  /** Ends whatever goes on. Resolves when nothing of it is left. Never rejects. */
  close() {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close() {
    this.#ending.abort()
    for (const script of this.#scripts) script?.wake()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await Promise.all(this.#conversations.map((conversation) => conversation.destroy()))
    await closed
  }

  [inspect.custom]() {
    return `ScriptedPeer on port ${this.port}\n${this.transcript}`
  }
}

for (const step of STEPS) {
  const value = function (...args) {
    this.connection(1)[step](...args)
    return this
  }
  Object.defineProperty(value, 'name', { value: step })
  Object.defineProperty(ScriptedPeer.prototype, step, { value, writable: true, configurable: true })
}
if (Symbol.asyncDispose) {
  Object.defineProperty(ScriptedPeer.prototype, Symbol.asyncDispose, {
    value() {
      return this.close()
    },
    writable: true,
    configurable: true,
  })
}

/** Starts a scripted peer, on a port of `host` that the system picks, and resolves when it listens. */
async function scriptedPeer(options = {}) {
  const { host = '127.0.0.1', ...rest } = toOptions('scriptedPeer', options, OPTIONS)
  const peer = new ScriptedPeer(rest)
  await peer.listen(host)
  return peer
}

module.exports = { scriptedPeer }
