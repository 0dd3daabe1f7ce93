'use strict'

// Serves an app's files to the window that runs it, on loopback: XMLHttpRequest of jsdom makes requests of its own. It also makes the
// requests of an app that may ask other servers than its own (`mozSystem`), which a window refuses by the rules of the Web. That needs a
// token, which only the window has; whoever else is on this machine gets nothing but the app's files.

const { randomBytes, timingSafeEqual } = require('node:crypto')
const { createReadStream } = require('node:fs')
const { createServer } = require('node:http')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')

const { fileOf } = require('../app/manifest.js')
const { contentType } = require('../bridge/static-files.js')

/** Where requests to others go. */
const ELSEWHERE = '/.elsewhere/'

/** Of a request that is passed on: about the connection, or about the window's own page. */
const NOT_PASSED = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'cookie',
  'host',
  'keep-alive',
  'origin',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Of an answer: what was undone on the way, or is about the connection. */
const NOT_RETURNED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'transfer-encoding',
])

class FileServer {
  #root
  #server
  #token = randomBytes(16).toString('hex')
  /** Ends the requests to others that are under way. */
  #end = new AbortController()

  constructor(root) {
    this.#root = root
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  async listen() {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
  }

  get origin() {
    return `http://localhost:${this.#server.address().port}`
  }

  /** What to ask for in place of `url`, a whole one of another server. */
  elsewhere(url) {
    return `${this.origin}${ELSEWHERE}${this.#token}/${encodeURIComponent(url)}`
  }

  close() {
    this.#end.abort()
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request, response) {
    const { host } = request.headers
    // A name that somebody made point here (DNS rebinding).
    if (`http://${host}` !== this.origin) return refuse(response, 403)
    const { pathname } = new URL(request.url, this.origin)
    if (pathname.startsWith(ELSEWHERE)) return this.#ask(request, response, pathname.slice(ELSEWHERE.length))
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405)
    const file = fileOf(this.#root, pathname)
    if (file === undefined) return refuse(response, 404)
    response.writeHead(200, { 'content-type': contentType(file), 'cache-control': 'no-store' })
    if (request.method === 'HEAD') return response.end()
    return pipeline(createReadStream(file), response)
  }

  async #ask(request, response, path) {
    const [token, target] = path.split('/')
    if (!isEqual(token, this.#token)) return refuse(response, 403)
    const { method } = request
    const headers = Object.entries(request.headers).filter(([name]) => !NOT_PASSED.has(name))
    const body = method === 'GET' || method === 'HEAD' ? undefined : Readable.toWeb(request)
    let answer
    try {
      const options = { method, headers, body, duplex: 'half', signal: this.#end.signal }
      answer = await fetch(decodeURIComponent(target), options)
    } catch {
      // To the window that is a network error, which has no status.
      return response.destroy()
    }
    const returned = [...answer.headers].filter(([name]) => !NOT_RETURNED.has(name))
    response.writeHead(answer.status, answer.statusText, returned.flat())
    if (answer.body === null) return response.end()
    return pipeline(Readable.fromWeb(answer.body), response)
  }
}

function refuse(response, status) {
  response.writeHead(status, { 'content-type': 'text/plain' }).end()
}

function isEqual(given = '', token) {
  return given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token))
}

module.exports = { FileServer }
