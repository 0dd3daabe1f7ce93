'use strict'

// One POP3 session of the embedded server. It knows the protocol, and of the connection only a wire: `send(bytes)`,
// which answers false for "wait until I call drained()", `end()`, and, where TLS can be started, `startTls()`.

const MAX_PENDING_INPUT = 64 * 1024
const PIECE = 48 * 1024
const DOT = 0x2e

/** The bytes of a message as they travel: a line that starts with a dot gets another, and a lone dot ends it all. */
function* travelling(bytes) {
  for (let from = 0, to; from < bytes.length; from = to) {
    // Each piece starts where a line does.
    const lineEnd = bytes.lastIndexOf('\r\n', from + PIECE - 2)
    to = lineEnd < from || from + PIECE >= bytes.length ? bytes.length : lineEnd + 2
    const piece = bytes.subarray(from, to)
    yield piece[0] === DOT || piece.includes('\r\n.') ? stuffed(piece) : piece
  }
  yield Buffer.from('.\r\n')
}

function stuffed(piece) {
  const text = piece.toString('latin1').replaceAll('\r\n.', '\r\n..')
  return Buffer.from(piece[0] === DOT ? `.${text}` : text, 'latin1')
}

class Session {
  #account
  #wire
  #user = ''
  #loggedIn = false
  #input = ''
  /** What is being answered, piece by piece. */
  #output = null
  #blocked = false
  #ended = false
  /** How often the wire asked to wait. */
  waits = 0

  /** account: user, password, messages. */
  constructor(account, wire, { greet = true } = {}) {
    this.#account = account
    this.#wire = wire
    if (greet) this.#answer(['+OK Embedded POP3 server ready'])
    this.#run()
  }

  /** Input has come, as a byte string. */
  received(bytes) {
    this.#input += bytes
    if (this.#input.length > MAX_PENDING_INPUT) this.#end()
    this.#run()
  }

  drained() {
    this.#blocked = false
    this.#run()
  }

  #run() {
    while (!this.#blocked && !this.#ended) {
      if (this.#output === null) {
        const end = this.#input.indexOf('\n')
        if (end === -1) return
        const line = this.#input.slice(0, end).replace(/\r$/, '')
        this.#input = this.#input.slice(end + 1)
        this.#obey(line)
        continue
      }
      const { value, done } = this.#output.next()
      if (done) {
        this.#output = null
      } else if (!this.#wire.send(value)) {
        this.#blocked = true
        this.waits++
      }
    }
  }

  #obey(line) {
    const [verb, ...words] = line.split(' ')
    const argument = words.join(' ')
    switch (verb.toUpperCase()) {
      case 'CAPA':
        return this.#list('+OK', this.#capabilities())
      case 'QUIT':
        this.#wire.send(Buffer.from('+OK Bye\r\n'))
        return this.#end()
      case 'NOOP':
        return this.#answer(['+OK'])
      case 'STLS':
        return this.#startTls()
      case 'USER':
        this.#user = argument
        return this.#answer(['+OK'])
      case 'PASS':
        return this.#logIn(argument)
    }
    if (!this.#loggedIn) return this.#answer(['-ERR Log in first'])
    const { messages } = this.#account
    switch (verb.toUpperCase()) {
      case 'STAT':
        return this.#answer([
          `+OK ${messages.length} ${messages.reduce((sum, { bytes }) => sum + bytes.length, 0)}`,
        ])
      case 'LIST':
        return this.#list(
          `+OK ${messages.length} messages`,
          messages.map(({ number, bytes }) => `${number} ${bytes.length}`),
        )
      case 'UIDL':
        return this.#list(
          '+OK',
          messages.map(({ number, uid }) => `${number} ${uid}`),
        )
      case 'RETR':
        return this.#retrieve(messages[Number(argument) - 1])
      default:
        return this.#answer([`-ERR ${verb.slice(0, 20)} is not supported`])
    }
  }

  #capabilities() {
    return [
      'USER',
      'UIDL',
      'PIPELINING',
      ...(this.#wire.startTls ? ['STLS'] : []),
      'IMPLEMENTATION mail-check-demo',
    ]
  }

  #logIn(password) {
    this.#loggedIn = this.#user === this.#account.user && password === this.#account.password
    this.#answer([this.#loggedIn ? '+OK Logged in' : '-ERR Wrong user name or password'])
  }

  #startTls() {
    if (!this.#wire.startTls) return this.#answer(['-ERR TLS is not offered here'])
    // What a client sends in the clear behind STLS must not be taken for something that came encrypted.
    if (this.#input !== '') return this.#end()
    this.#ended = true
    this.#wire.send(Buffer.from('+OK Begin TLS\r\n'))
    this.#wire.startTls()
  }

  #retrieve(message) {
    if (message === undefined) return this.#answer(['-ERR No such message'])
    this.#output = (function* () {
      yield Buffer.from(`+OK ${message.bytes.length} octets\r\n`)
      yield* travelling(message.bytes)
    })()
  }

  #list(first, lines) {
    this.#answer([first, ...lines, '.'])
  }

  #answer(lines) {
    this.#output = [Buffer.from(lines.join('\r\n') + '\r\n')][Symbol.iterator]()
  }

  #end() {
    this.#ended = true
    this.#wire.end()
  }
}

module.exports = { Session }
