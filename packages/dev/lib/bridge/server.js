'use strict'

// Serves one app: its files, the bridge's script, the WebSockets of its pages, and the panel. On loopback alone; guard.js decides who may ask.

const { randomBytes } = require('node:crypto')
const { createReadStream, readFileSync, statSync } = require('node:fs')
const http = require('node:http')
const { constants } = require('node:os')

const { AllowList } = require('moz-tcp-socket')
const { native } = require('moz-tcp-socket/engine')
const { WebSocketServer } = require('ws')

const { AppError, fileOf, holds, readApp } = require('../app/manifest.js')
const { pageScript } = require('./bundle.js')
const { withBridge } = require('./csp.js')
const { Guard, HEADERS } = require('./guard.js')
const { inject } = require('./html.js')
const { LIMITS } = require('./limits.js')
const { Monitor } = require('./monitor.js')
const { panelPage } = require('./panel.js')
const { LONGEST_MESSAGE } = require('./protocol.js')
const { Session } = require('./session.js')
const { contentType, typeOf } = require('./static-files.js')
const { Visits } = require('./visits.js')
const { prepend } = require('./workers.js')

/** Paths of the bridge. No app has files there: names of files of packages do not begin like this. */
const BASE = '/__bridge/'
const PANEL = '/__sockets'

/** What a WebSocket says first of itself; its token is the other one. */
const SUBPROTOCOL = 'moz-tcp-socket'

const DOCUMENTS = new Set(['document', 'iframe', 'frame', undefined])
const WORKERS = new Set(['worker', 'sharedworker'])

/** Files that are read whole, because something is put into them, are this long at most. */
const LONGEST_TEXT = 64 << 20

class BridgeServer {
  #app
  #http
  #webSockets
  #guard
  #visits = new Visits()
  #sessions = new Set()
  #monitor = new Monitor()
  #policy
  #allow
  #allowListening
  #totals = { sockets: 0 }
  #pages = 0
  #script

  constructor(app, { allow, allowListening }) {
    this.#app = app
    this.#allow = allow
    this.#allowListening = allowListening
    this.#policy = { mayUse: holds(app, 'tcp-socket'), mayListenBelow: app.type === 'certified' }
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: LONGEST_MESSAGE,
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    })
    this.#http = http.createServer((request, response) => void this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Listens on `port` of 127.0.0.1. Resolves with the address of the app. */
  async listen(port) {
    this.#script = await pageScript()
    await new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen({ port, host: '127.0.0.1' }, resolve)
    })
    this.#guard = new Guard(this.#http.address().port)
    return this.#guard.origin + this.#app.launchPath
  }

  /** Closes everything: pages' sockets and listeners, too. */
  async close() {
    this.#visits.clear()
    for (const session of this.#sessions) session.end()
    for (const webSocket of this.#webSockets.clients) webSocket.terminate()
    this.#monitor.close()
    const closed = new Promise((resolve) => this.#http.close(resolve))
    this.#http.closeAllConnections()
    await closed
  }

  async #answer(request, response) {
    try {
      const refusal = this.#guard.refusal(request)
      if (refusal !== undefined) return say(response, refusal.status, refusal.text)
      const url = new URL(request.url, this.#guard.origin)
      if (url.pathname === `${BASE}call`) return this.#call(request, response)
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return say(response, 405, 'Only GET and HEAD.')
      if (url.pathname === `${BASE}page.js`) return send(response, 200, contentType('page.js'), this.#script)
      if (url.pathname === `${BASE}config.js`) return this.#configScript(url, response)
      if (url.pathname === PANEL) return this.#panel(request, response)
      this.#file(url, request, response)
    } catch (error) {
      say(
        response,
        error instanceof URIError || error instanceof TypeError ? 400 : 500,
        'It cannot be answered.',
      )
    }
  }

  #file(url, request, response) {
    const pathname = url.pathname.endsWith('/') ? `${url.pathname}index.html` : url.pathname
    const file = fileOf(this.#app.root, pathname)
    if (file === undefined) {
      // Browsers ask for it by themselves, and few apps have one there.
      if (pathname === '/favicon.ico') return send(response, 204, 'image/x-icon', '')
      return say(response, 404, 'There is no such file in the app.')
    }
    const destination = request.headers['sec-fetch-dest']
    const type = typeOf(file)
    const { csp } = this.#app.manifest
    const nonce = randomBytes(16).toString('base64url')
    const policy =
      typeof csp === 'string'
        ? withBridge(csp.replaceAll(/[^\x20-\x7e]/g, ' '), nonce, this.#guard.origin)
        : undefined
    const headers =
      policy === undefined ? {} : { 'content-security-policy': [HEADERS['content-security-policy'], policy] }

    if (type === 'text/html' && DOCUMENTS.has(destination) && isShort(file)) {
      const { body, charset } = inject(readFileSync(file), this.#scripts(nonce), {
        nonce,
        origin: this.#guard.origin,
      })
      return send(response, 200, charset === undefined ? type : contentType(file, charset), body, headers)
    }
    // A browser that says it starts a worker lets only this origin do so; that is why a browser that says nothing gets no token here.
    const isOurs = WORKERS.has(destination) && request.headers['sec-fetch-site'] === 'same-origin'
    if (type === 'text/javascript' && isOurs && isShort(file)) {
      return send(response, 200, contentType(file), this.#workerScript(readFileSync(file, 'utf8')), headers)
    }
    response.writeHead(200, {
      ...HEADERS,
      ...headers,
      'content-type': contentType(file),
      'content-length': statSync(file).size,
    })
    if (request.method === 'HEAD') return response.end()
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response)
  }

  /** The two scripts of a page. The first alone has the token, and is part of the page, where no other origin can read it. */
  #scripts(nonce) {
    const config = this.#configFor(this.#newPage('page'))
    return `<script nonce="${nonce}">${config}</script><script nonce="${nonce}" src="${BASE}page.js"></script>`
  }

  #workerScript(source) {
    const token = this.#newPage('worker')
    return prepend(source, {
      script: this.#script,
      config: this.#configFor(token),
      configUrl: `${BASE}config.js?${token}`,
      scriptUrl: `${BASE}page.js`,
    })
  }

  /** The first script once more, for who knows the token already: a worker that is a module imports it. */
  #configScript(url, response) {
    const token = url.search.slice(1)
    if (this.#visits.find('page', token) === undefined) return say(response, 404, 'There is no such page.')
    send(response, 200, contentType('config.js'), this.#configFor(token))
  }

  #newPage(kind) {
    const token = this.#visits.add('page', undefined)
    const session = new Session(this.#bridgeFor(token), `${kind} ${++this.#pages}`)
    this.#visits.find('page', token).session = session
    this.#sessions.add(session)
    return token
  }

  #bridgeFor(token) {
    return {
      policy: this.#policy,
      totals: this.#totals,
      allows: (host, port) => this.#allow?.allows(host, port) ?? true,
      allowsListening: (address, port) => this.#allowListening?.allows(address, port) ?? true,
      note: (event) => this.#monitor.note(event),
      ended: (session) => {
        this.#visits.delete(token)
        this.#sessions.delete(session)
      },
    }
  }

  /** A script that leaves for the bridge's what that needs to know. */
  #configFor(token) {
    const { mayUse, mayListenBelow } = this.#policy
    const config = {
      token,
      base: BASE,
      subprotocol: SUBPROTOCOL,
      generation: this.#app.generation,
      mayUse,
      policy: (mayUse ? 0 : 1) | (mayListenBelow ? 0 : 2),
      platform: process.platform,
      sharesTlsSessions: native.sharesTlsSessions(),
      errors: Object.fromEntries(Object.entries(constants.errno).map(([name, number]) => [number, name])),
    }
    const text = JSON.stringify(config).replaceAll('<', '\\u003c')
    return `self[Symbol.for("moz-tcp-socket.bridge")]=${text}`
  }

  /** What a page must know at once, by a synchronous request. */
  async #call(request, response) {
    const refusal = this.#guard.refusalOfBridge(request)
    if (refusal !== undefined) return say(response, refusal.status, refusal.text)
    if (request.method !== 'POST') return say(response, 405, 'Only POST.')
    // Neither can be sent to another origin without asking it first, and the answer is no.
    if (request.headers['content-type'] !== 'application/json')
      return say(response, 415, 'Only application/json.')
    const visit = this.#visits.find('page', request.headers['x-moz-tcp-socket'])
    if (visit === undefined) return say(response, 403, 'Only a page that was served may use this.')
    const parts = []
    let length = 0
    for await (const part of request) {
      length += part.length
      if (length > LIMITS.callBytes) {
        say(response, 413, `At most ${LIMITS.callBytes} bytes.`)
        return request.destroy()
      }
      parts.push(part)
    }
    let answer
    try {
      answer = { value: visit.session.call(Object(JSON.parse(Buffer.concat(parts).toString()))) }
    } catch (error) {
      answer = { error: error.message }
    }
    send(response, 200, 'application/json', JSON.stringify(answer))
  }

  #panel(request, response) {
    if (!DOCUMENTS.has(request.headers['sec-fetch-dest'])) return say(response, 403, 'This is a page.')
    const nonce = randomBytes(16).toString('base64url')
    const token = this.#visits.add('panel', undefined)
    const body = panelPage({
      nonce,
      token,
      name: this.#app.name,
      socketPath: `${BASE}panel`,
      subprotocol: SUBPROTOCOL,
    })
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self' ${this.#guard.origin.replace(/^http/, 'ws')}; frame-ancestors 'none'`
    send(response, 200, 'text/html; charset=utf-8', body, {
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
    })
  }

  #upgrade(request, socket, head) {
    socket.on('error', () => socket.destroy())
    const refuse = (status, text) => {
      socket.end(
        `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n${text}\n`,
      )
    }
    const refusal = this.#guard.refusalOfBridge(request)
    if (refusal !== undefined) return refuse(refusal.status, refusal.text)
    const kind = [`${BASE}page`, `${BASE}panel`].find((path) => path === request.url)?.slice(BASE.length)
    if (kind === undefined) return refuse(404, 'There is nothing to connect to.')
    const [protocol, token] = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/)
    if (protocol !== SUBPROTOCOL || this.#visits.find(kind, token) === undefined) {
      return refuse(403, 'Only a page that was served may connect, once.')
    }
    if (this.#webSockets.clients.size >= LIMITS.connections)
      return refuse(503, `At most ${LIMITS.connections} pages.`)
    const visit = this.#visits.connect(kind, token)
    if (visit === undefined) return refuse(403, 'Only a page that was served may connect, once.')
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (kind === 'page') return visit.session.connect(webSocket)
      webSocket.on('close', () => this.#visits.delete(token))
      webSocket.on('error', () => webSocket.terminate())
      this.#monitor.watch(webSocket, () => this.#sessions)
    })
  }
}

function isShort(file) {
  return statSync(file).size <= LONGEST_TEXT
}

function send(response, status, type, body, headers = {}) {
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function say(response, status, text) {
  if (response.headersSent) return response.destroy()
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
}

/**
 * Serves the app at `path`. Resolves with `{ url, close() }`. `allow` and `allowListen` are lists of patterns, as AllowList has them, that narrow what the
 * manifest allows.
 */
async function serveApp(path, { port = 0, allow, allowListen } = {}) {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`port ${port}: must be from 0 to 65535`)
  const app = readApp(path)
  if (app.kind === 'script') throw new AppError(`${path}: is a script; serve takes an app with a page`)
  const server = new BridgeServer(app, {
    allow: allow === undefined ? undefined : new AllowList(allow, 'allow'),
    allowListening: allowListen === undefined ? undefined : new AllowList(allowListen, 'allowListen'),
  })
  const url = await server.listen(port)
  return { url, close: () => server.close() }
}

module.exports = { serveApp }
