'use strict'

// A page without a browser: asks the bridge as one would, or as one that means ill would. Every header can be replaced, and left out with `undefined`.

const { once } = require('node:events')
const http = require('node:http')

const { WebSocket } = require('ws')

const { decode, encode } = require('../../lib/bridge/protocol.js')

const SUBPROTOCOL = 'moz-tcp-socket'

/** Those that have a value. */
function defined(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
}

/** Resolves with `{ status, headers, body }` of a request to `url`. */
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  const { hostname, port, host } = new URL(url)
  // Not `new URL`'s path: that has no `..` any more.
  const path = url.slice(url.indexOf(host) + host.length) || '/'
  const given = defined({ host, ...headers })
  return new Promise((resolve, reject) => {
    const request = http.request({
      hostname: hostname === 'localhost' ? '127.0.0.1' : hostname,
      port,
      path,
      method,
      headers: given,
      agent: false,
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(parts).toString(),
        })
      })
    })
    request.end(body)
  })
}

/** The token of the page that is in `text`, or undefined. */
function tokenIn(text) {
  return /"token":"([\w-]+)"/.exec(text)?.[1]
}

/** Opens the app, and returns the token of its page. */
async function visit(url) {
  return tokenIn((await ask(url)).body)
}

/** Resolves with a WebSocket of the bridge, or `{ status, body }` where it is refused. */
function dial(url, token, { headers = {}, path = '/__bridge/page', protocols = [SUBPROTOCOL, token] } = {}) {
  const { origin, port } = new URL(url)
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    headers: defined({ host: `localhost:${port}`, origin, ...headers }),
  })
  return new Promise((resolve, reject) => {
    webSocket.once('open', () => resolve(webSocket))
    webSocket.once('error', reject)
    webSocket.once('unexpected-response', (_request, response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () =>
        resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }),
      )
    })
  })
}

/** A page that speaks the protocol by hand: `order(kind, id, content)`, and `fact()`, which resolves with the next one. */
class Client {
  #facts = []
  #waiting = []

  static async open(url) {
    const token = await visit(url)
    const webSocket = await dial(url, token)
    return new Client(url, token, webSocket)
  }

  constructor(url, token, webSocket) {
    this.url = url
    this.token = token
    this.webSocket = webSocket
    this.closed = once(webSocket, 'close')
    this.isOpen = true
    webSocket.on('close', () => {
      this.isOpen = false
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the bridge closed'))
    })
    webSocket.on('error', () => {})
    webSocket.on('message', (message) => {
      const fact = decode(new Uint8Array(message))
      const waiting = this.#waiting.shift()
      if (waiting) waiting.resolve(fact)
      else this.#facts.push(fact)
    })
  }

  order(kind, id, content) {
    this.webSocket.send(encode(kind, id, content))
  }

  fact() {
    if (this.#facts.length > 0) return Promise.resolve(this.#facts.shift())
    if (!this.isOpen) return Promise.reject(new Error('the bridge closed'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Facts that came and nobody has taken. */
  get waiting() {
    return this.#facts.length
  }

  /** The next fact of `kind`; others before it are dropped. */
  async next(kind) {
    for (;;) {
      const fact = await this.fact()
      if (fact.kind === kind) return fact
    }
  }

  async call(question, headers = {}) {
    const { origin } = new URL(this.url)
    return ask(`${origin}/__bridge/call`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', 'x-moz-tcp-socket': this.token, ...headers },
      body: JSON.stringify(question),
    })
  }

  close() {
    this.webSocket.terminate()
  }
}

module.exports = { Client, ask, dial, tokenIn, visit }
