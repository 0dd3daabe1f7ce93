'use strict'

// What both sides of a connection said, for people: one line for each line of a text protocol, with marks for CR, LF and TAB;
// other bytes in hexadecimal.

const { isUtf8 } = require('node:buffer')
const { inspect } = require('node:util')

/** Bytes of one side's turn that are kept; of the rest only how many there were. */
const KEPT = 65_536
/** Lines that are shown of one turn: half of them from its beginning, half from its end. */
const SHOWN = 40
const BYTES_IN_LINE = 16
/** A line of text is cut after that many characters. */
const LONGEST_LINE = 200

const MARKS = { '\t': '␉', '\n': '␊', '\r': '␍' }

/** Whether all of it is text: UTF-8, and no control characters but those with marks. */
function isText(bytes) {
  return isUtf8(bytes) && !/[\0-\x08\v\f\x0e-\x1f\x7f]/.test(bytes.toString('utf8'))
}

/** Lines that show `bytes`, at most `SHOWN`. */
function show(bytes) {
  const lines = isText(bytes) ? showText(bytes.toString('utf8')) : showHex(bytes)
  if (lines.length <= SHOWN) return lines
  const half = SHOWN / 2
  return [...lines.slice(0, half), `… ${lines.length - SHOWN} more lines …`, ...lines.slice(-half)]
}

function showText(text) {
  return (
    text.match(/[^\n]*\n|[^\n]+$/g)?.map((line) => {
      const marked = line.replaceAll(/[\t\n\r]/g, (character) => MARKS[character])
      return marked.length <= LONGEST_LINE
        ? marked
        : `${marked.slice(0, LONGEST_LINE)}… (${line.length} characters)`
    }) ?? ['(nothing)']
  )
}

function showHex(bytes) {
  const lines = []
  for (let at = 0; at < bytes.length; at += BYTES_IN_LINE) {
    const piece = bytes.subarray(at, at + BYTES_IN_LINE)
    const hex = piece.toString('hex').replaceAll(/..(?=.)/g, '$& ')
    const text = piece.toString('latin1').replaceAll(/[^ -~]/g, '.')
    lines.push(`${hex.padEnd(3 * BYTES_IN_LINE - 1)}  ${text}`)
  }
  return lines
}

/** A transcript as it was when it was asked for. Assertion libraries compare and print its `lines`. */
class Transcript {
  /** What was said and what happened, as text. */
  lines

  constructor(lines) {
    this.lines = lines
  }

  toString() {
    return this.lines.join('\n')
  }

  toJSON() {
    return this.lines
  }

  [inspect.custom]() {
    return this.toString()
  }
}

/** Takes notes of what is said on any number of connections. */
class Recorder {
  /** `{ connection, speaker, chunks, kept, length }` of a turn, `{ connection, note }` of what happened. */
  #entries = []
  #connections = 0

  /** The `speaker`, `'client'` or `'peer'`, said `bytes` on the connection of that number. */
  said(connection, speaker, bytes) {
    this.#connections = Math.max(this.#connections, connection)
    let last = this.#entries.at(-1)
    if (last?.connection !== connection || last.speaker !== speaker) {
      last = { connection, speaker, chunks: [], kept: 0, length: 0 }
      this.#entries.push(last)
    }
    last.length += bytes.length
    const part = bytes.subarray(0, KEPT - last.kept)
    last.kept += part.length
    // A copy: pools of memory are used again.
    if (part.length > 0) last.chunks.push(Buffer.from(part))
  }

  /** Something else happened. */
  note(connection, note) {
    this.#connections = Math.max(this.#connections, connection)
    this.#entries.push({ connection, note })
  }

  transcript() {
    return new Transcript(this.#entries.flatMap((entry) => this.#show(entry)))
  }

  #show({ connection, speaker, note, chunks, kept, length }) {
    const prefix = this.#connections > 1 ? `#${connection} ` : ''
    if (note !== undefined) return [`${prefix}-- ${note}`]
    const lines = show(Buffer.concat(chunks))
    if (length > kept) lines.push(`… ${length - kept} more bytes`)
    return lines.map((line) => `${prefix}${speaker === 'client' ? 'C:' : 'S:'} ${line}`)
  }
}

module.exports = { Recorder, Transcript, show }
