'use strict'

// A client that reads a whole mailbox by POP3 and checks that all of it came, as `peer/src/mailbox.rs` does in Rust. It
// knows no sockets, so that it costs every subject the same: a subject gives it what arrives, and sends what it says.

const { Buffer } = require('node:buffer')
const process = require('node:process')

const LINE = Buffer.from('\r\n')
/** What ends an answer of several lines. */
const DOT = Buffer.from('\r\n.\r\n')
const STUFFED = Buffer.from('\r\n..')

class Pop3 {
  /** Calls `send` with each command, as a Buffer, and `close` when the mailbox was read. */
  constructor(send, close) {
    this.send = send
    this.close = close
    this.parts = []
    this.tail = LINE.subarray(0, 0)
    this.expected = LINE
    this.dialogue = this.read()
    this.dialogue.next()
    // A program whose connection ends early must not pass as one that is done.
    process.exitCode = 1
  }

  /** What arrived: a Uint8Array, which is kept until the answer is complete. */
  take(bytes) {
    const part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.parts.push(part)
    this.tail = Buffer.concat([this.tail, part.subarray(-DOT.length)]).subarray(-DOT.length)
    // One answer is under way, so its end is the end of what arrived.
    if (!this.tail.subarray(-this.expected.length).equals(this.expected)) return
    const answer = this.parts.length === 1 ? part : Buffer.concat(this.parts)
    this.parts = []
    this.tail = LINE.subarray(0, 0)
    if (answer.toString('latin1', 0, 3) !== '+OK') throw new Error('the server refused a command')
    this.dialogue.next(answer)
  }

  ask(command, expected = LINE) {
    this.expected = expected
    this.send(Buffer.from(`${command}\r\n`, 'latin1'))
  }

  /** Each `yield` waits for an answer. */
  *read() {
    yield
    yield this.ask('USER reader')
    yield this.ask('PASS secret')
    const [count, octets] = numbers(yield this.ask('STAT'))
    yield this.ask('UIDL', DOT)
    let sum = 0
    for (let number = 1; number <= count; number += 1) {
      const answer = yield this.ask(`RETR ${number}`, DOT)
      const [size] = numbers(answer)
      if (message(answer).length !== size) throw new Error('a message of another size than announced')
      sum += size
    }
    if (sum !== octets) throw new Error('a mailbox of another size than announced')
    yield this.ask('QUIT')
    process.exitCode = 0
    this.close()
  }
}

/** The numbers in the first line of an answer. */
function numbers(answer) {
  const line = answer.toString('latin1', 0, answer.indexOf(LINE))
  return line.split(' ').slice(1).map(Number)
}

/** The message in an answer to RETR, without doubled dots. */
function message(answer) {
  const end = answer.length - DOT.length + LINE.length
  const parts = []
  // A doubled dot may be in the first line, whose end is that of the status.
  let from = answer.indexOf(LINE) + LINE.length
  let search = from - LINE.length
  for (;;) {
    const at = answer.indexOf(STUFFED, search)
    if (at < 0) break
    parts.push(answer.subarray(from, at + LINE.length))
    from = at + LINE.length + 1
    search = from
  }
  parts.push(answer.subarray(from, end))
  return Buffer.concat(parts)
}

module.exports = { Pop3 }
