'use strict'

// What goes over a page's WebSocket: what the native binding of the engine carries otherwise. Orders go to Node.js, facts to the page. Each is one
// binary message:
//
//     0   kind       1 byte
//     1   socket     4 bytes, big-endian: the page numbers what it makes 1, 3, 5 …, Node.js what is accepted 2, 4, 6 …
//     5   the rest:  bytes, a number of 4 or 8 bytes, or JSON in UTF-8, as `CONTENT` says
//
// Both sides use this file. docs/bridge.md explains the rules: who may send how much, and when.

const ORDER = {
  /** JSON `{ host, port, local, givenUp, tls }`, `tls` the number of a configuration, or 0. */
  Connect: 1,
  Send: 2,
  Suspend: 3,
  Resume: 4,
  /** The number of a configuration. */
  Upgrade: 5,
  Close: 6,
  CloseImmediately: 7,
  Abort: 8,
  /** Milliseconds. */
  ConnectTimeout: 9,
  IdleTimeout: 10,
  /** So many bytes of `Data` were taken. */
  Credit: 11,
  CloseListener: 12,
  /** A configuration, whose number is in place of the socket's, is used no more. */
  Forget: 13,
}

const FACT = {
  /** JSON `{ ends, tls }`. */
  Opened: 64,
  /** One byte, 1 where they came through TLS, then the bytes. */
  Data: 65,
  Ended: 66,
  /** 8 bytes: how many bytes of `Send` were handed to the operating system so far. */
  Written: 67,
  Closed: 68,
  /** JSON: a Failure, as in binding.d.ts. */
  Failed: 69,
  /** JSON `{ id, host, port, ends, tls }`; the socket is the listener. */
  Accepted: 70,
  /** JSON: what a handshake led to. */
  Secured: 71,
  /** How many handshakes with a listener failed so far. */
  FailedHandshakes: 72,
}

const HEADER = 5

const NOTHING = 0
const BYTES = 1
const NUMBER = 2
const LONG = 3
const JSON_TEXT = 4

/** What follows the header, by kind. */
const CONTENT = new Map([
  [ORDER.Connect, JSON_TEXT],
  [ORDER.Send, BYTES],
  [ORDER.Suspend, NOTHING],
  [ORDER.Resume, NOTHING],
  [ORDER.Upgrade, NUMBER],
  [ORDER.Close, NOTHING],
  [ORDER.CloseImmediately, NOTHING],
  [ORDER.Abort, NOTHING],
  [ORDER.ConnectTimeout, NUMBER],
  [ORDER.IdleTimeout, NUMBER],
  [ORDER.Credit, NUMBER],
  [ORDER.CloseListener, NOTHING],
  [ORDER.Forget, NOTHING],
  [FACT.Opened, JSON_TEXT],
  [FACT.Data, BYTES],
  [FACT.Ended, NOTHING],
  [FACT.Written, LONG],
  [FACT.Closed, NOTHING],
  [FACT.Failed, JSON_TEXT],
  [FACT.Accepted, JSON_TEXT],
  [FACT.Secured, JSON_TEXT],
  [FACT.FailedHandshakes, NUMBER],
])

/** Bytes of `Data` that the page has not taken, and bytes of `Send` that are not written: the most of each, for each socket. */
const WINDOW = 256 * 1024

/** The most bytes of one `Send`. */
const LONGEST_SEND = 64 * 1024

/** The longest message that a page may send. */
const LONGEST_MESSAGE = LONGEST_SEND + HEADER

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder('utf-8', { fatal: true }) }

/** The message of `kind` about socket `id`, with `content`: bytes, a number, or what becomes JSON. */
function encode(kind, id, content) {
  const form = CONTENT.get(kind)
  const bytes =
    form === BYTES ? content : form === JSON_TEXT ? utf8.encoder.encode(JSON.stringify(content)) : undefined
  const size = bytes?.length ?? (form === NUMBER ? 4 : form === LONG ? 8 : 0)
  const message = new Uint8Array(HEADER + size)
  const view = new DataView(message.buffer)
  view.setUint8(0, kind)
  view.setUint32(1, id)
  if (bytes !== undefined) message.set(bytes, HEADER)
  else if (form === NUMBER) view.setUint32(HEADER, content)
  else if (form === LONG) view.setBigUint64(HEADER, BigInt(content))
  return message
}

/** `{ kind, id, content }` of a message, a Uint8Array. Bytes are a view on it. Throws where it is none of those. */
function decode(message) {
  if (message.length < HEADER) throw new Error(`a message of ${message.length} bytes`)
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const kind = view.getUint8(0)
  const form = CONTENT.get(kind)
  if (form === undefined) throw new Error(`a message of kind ${kind}`)
  const rest = message.subarray(HEADER)
  const id = view.getUint32(1)
  if (form === BYTES) return { kind, id, content: rest }
  if (form === JSON_TEXT) return { kind, id, content: JSON.parse(utf8.decoder.decode(rest)) }
  const size = form === NUMBER ? 4 : form === LONG ? 8 : 0
  if (rest.length !== size) throw new Error(`a message of kind ${kind} with ${rest.length} bytes`)
  if (form === NUMBER) return { kind, id, content: view.getUint32(HEADER) }
  return { kind, id, content: form === LONG ? Number(view.getBigUint64(HEADER)) : undefined }
}

/** Orders that a page may send. */
const ORDERS = new Set(Object.values(ORDER))

module.exports = { FACT, LONGEST_MESSAGE, LONGEST_SEND, ORDER, ORDERS, WINDOW, decode, encode }
