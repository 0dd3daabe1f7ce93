'use strict'

// Who may ask: pages of the served origin, and nobody else. A browser sends what other sites make it send to this port as well, so each request
// is judged by what the browser itself says about it: `Host` (against names that are made to point to 127.0.0.1), `Origin`, and
// `Sec-Fetch-Site`. Everything that reaches the network needs a token on top, which only the text of a served page has.

/** Headers of every answer: nobody else may frame it, read it, take it for another type, or keep a handle to its window. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "frame-ancestors 'self'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
}

/** Requests that a site made whose origin is another one; `same-site` is another port of localhost. */
const FOREIGN_SITES = new Set(['cross-site', 'same-site'])

class Guard {
  #host
  #origin

  constructor(port) {
    this.#host = `localhost:${port}`
    this.#origin = `http://${this.#host}`
  }

  get origin() {
    return this.#origin
  }

  /** `{ status, text }` of why `request` is refused, whatever it asks for; undefined where it is not. */
  refusal({ headers }) {
    if (headers.host !== this.#host)
      return { status: 421, text: `This is ${this.#origin}, and not ${headers.host}.` }
    if (headers.origin !== undefined && headers.origin !== this.#origin)
      return { status: 403, text: 'Another origin may not use this.' }
    if (FOREIGN_SITES.has(headers['sec-fetch-site']))
      return { status: 403, text: `Another site may not use this. Type its address: ${this.#origin}/` }
    return undefined
  }

  /** The same of what reaches the network: browsers tell the origin of a WebSocket and of a POST in any case. */
  refusalOfBridge(request) {
    const refusal = this.refusal(request)
    if (refusal !== undefined) return refusal
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin === undefined) return { status: 403, text: 'A request without an origin may not use this.' }
    if (site !== undefined && site !== 'same-origin')
      return { status: 403, text: 'Only a page of the app may use this.' }
    return undefined
  }
}

module.exports = { Guard, HEADERS }
