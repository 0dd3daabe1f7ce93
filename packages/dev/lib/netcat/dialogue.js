'use strict'

// The plain part of a connection before STARTTLS: asks and answers in lines, or in pieces of bytes, each bounded in length and all of it in
// time. What a server sends beyond its consent to TLS came in the clear, and is refused: somebody on the way may have put it there, to
// be taken for something that the server said under TLS (RFC 3207 section 6).

/** The longest line, in bytes, and the most bytes of the whole dialogue. */
const LONGEST_LINE = 8192
const MOST_BYTES = 262_144
/** How long the dialogue may take, in milliseconds. */
const TIME = 30_000

/** The server does not do what it should: the message is for whoever called it. */
class Refusal extends Error {}

class Dialogue {
  #socket
  #buffer = Buffer.alloc(0)
  #received = 0
  #wake = null
  /** Why nothing more will come. */
  #over = null
  #timer

  /** Takes the handlers of `socket`, which is open or connecting, of binary type "arraybuffer". */
  constructor(socket) {
    this.#socket = socket
    socket.ondata = ({ data }) => this.#onData(Buffer.from(data))
    socket.onerror = ({ data }) => this.#end(data)
    socket.onclose = () => this.#end(new Refusal('the server closed the connection before TLS'))
    this.#timer = setTimeout(
      () => this.#end(new Refusal(`the server did not agree to TLS within ${TIME / 1000} seconds`)),
      TIME,
    )
  }

  #onData(bytes) {
    this.#received += bytes.length
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    if (this.#received > MOST_BYTES) this.#end(new Refusal('the server says too much before TLS'))
    this.#wake?.()
  }

  #end(why) {
    this.#over ??= why
    this.#wake?.()
  }

  /** Sends a line. */
  say(line) {
    this.send(`${line}\r\n`)
  }

  send(text) {
    if (this.#over) throw this.#over
    this.#socket.send(text)
  }

  /** Resolves with the next line, without its end. */
  async line() {
    for (;;) {
      const at = this.#buffer.indexOf(10)
      if (at > LONGEST_LINE || (at < 0 && this.#buffer.length > LONGEST_LINE))
        throw new Refusal(`the server sent a line of more than ${LONGEST_LINE} bytes`)
      if (at >= 0) {
        const line = this.#buffer.toString('latin1', 0, at)
        this.#buffer = this.#buffer.subarray(at + 1)
        return line.endsWith('\r') ? line.slice(0, -1) : line
      }
      await this.#more()
    }
  }

  /** Resolves with the next byte, as a character. */
  async character() {
    while (this.#buffer.length === 0) await this.#more()
    const character = String.fromCharCode(this.#buffer[0])
    this.#buffer = this.#buffer.subarray(1)
    return character
  }

  async #more() {
    if (this.#over) throw this.#over
    await new Promise((resolve) => (this.#wake = resolve))
    this.#wake = null
  }

  /** The server has agreed to TLS with what was read last. Throws where it sent more than that, or is gone. */
  finish() {
    const extra = this.#buffer.length
    if (extra > 0) {
      const bytes = extra === 1 ? '1 byte' : `${extra} bytes`
      throw new Refusal(
        `the server sent ${bytes} in the clear after its consent to TLS: somebody on the way may have put them there`,
      )
    }
    if (this.#over) throw this.#over
  }

  /** Gives the handlers back. */
  leave() {
    clearTimeout(this.#timer)
    this.#socket.ondata = this.#socket.onerror = this.#socket.onclose = null
  }
}

module.exports = { Dialogue, Refusal }
