'use strict'

// This page's WebSocket, and the requests whose answer has to be there at once. Everything is taken from the page before its first script, so
// that what the app makes of WebSocket or XMLHttpRequest changes nothing.

const { decode, encode } = require('../bridge/protocol.js')
const { config } = require('./config.js')
const { task } = require('./tasks.js')

const { XMLHttpRequest } = globalThis
const { base, subprotocol, token } = config

/** What sockets fail with when Node.js is gone. */
const GONE = {
  name: 'NetworkInterruptError',
  class: 'Network',
  code: 0x804b0047,
  detail: 'the bridge to Node.js is closed',
}

/** By number, who gets the facts of a socket or listener: `take(kind, content)`, and `lost(failure)` when the bridge closes. */
const receivers = new Map()
/** Orders from before it is open. */
let early = []
let isLost = false

const url = new URL(`${base}page`, self.location.origin)
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
const webSocket = new WebSocket(url, [subprotocol, token])
const transmit = webSocket.send.bind(webSocket)
webSocket.binaryType = 'arraybuffer'
webSocket.addEventListener('open', () => {
  for (const message of early) transmit(message)
  early = null
})
webSocket.addEventListener('message', ({ data }) => {
  const { kind, id, content } = decode(new Uint8Array(data))
  receivers.get(id)?.take(kind, content)
})
webSocket.addEventListener('close', () => {
  isLost = true
  for (const receiver of receivers.values()) task(() => receiver.lost(GONE))
})

/** Facts about `id` go to `receiver` from now on. */
function receive(id, receiver) {
  receivers.set(id, receiver)
  // The facade waits for events only when the socket is made.
  if (isLost) task(() => receiver.lost(GONE))
}

function forget(id) {
  receivers.delete(id)
}

/** Gives an order. */
function order(kind, id, content) {
  if (isLost) return
  const message = encode(kind, id, content)
  if (early !== null) early.push(message)
  else transmit(message)
}

/** Asks, and waits. Throws an Error with what Node.js says is wrong. */
function call(question) {
  const request = new XMLHttpRequest()
  request.open('POST', `${base}call`, false)
  request.setRequestHeader('content-type', 'application/json')
  request.setRequestHeader('x-moz-tcp-socket', token)
  try {
    request.send(JSON.stringify(question))
  } catch (cause) {
    throw new Error(GONE.detail, { cause })
  }
  if (request.status !== 200) throw new Error(`the bridge to Node.js refuses: ${request.responseText.trim()}`)
  const { error, value } = JSON.parse(request.responseText)
  if (error !== undefined) throw new Error(error)
  return value
}

let last = -1

/** The number of something that the page makes. */
function newId() {
  last += 2
  return last
}

module.exports = { call, forget, newId, order, receive }
