'use strict'

// The window that an app runs in: jsdom, with what Firefox OS had beside it. Its page and its scripts come from the app's folder and from nowhere
// else.

const { readFileSync } = require('node:fs')

const { JSDOM, ResourceLoader, VirtualConsole } = require('jsdom')
const { installInWindow } = require('moz-tcp-socket/testing')

const { fileOf, holds } = require('../app/manifest.js')
const { addEncoding } = require('./encoding.js')

/** Loads what pages name, scripts and frames among it, from the app's folder. */
class AppFiles extends ResourceLoader {
  #app
  #origin
  #refused

  /** `refused(url)` hears of what is not a file of the app. */
  constructor(app, origin, refused) {
    super()
    this.#app = app
    this.#origin = origin
    this.#refused = refused
  }

  fetch(url) {
    const { origin, protocol, pathname } = new URL(url)
    // On the device packaged apps had URLs of their own, whose host is an id that nobody knows beforehand.
    const isOwn = origin === this.#origin || protocol === 'app:'
    const file = isOwn ? fileOf(this.#app.root, pathname) : undefined
    if (file !== undefined) return Promise.resolve(readFileSync(file))
    this.#refused(url)
    return null
  }
}

/**
 * Opens the first page of `app`. `files` is its FileServer, `globals` goes on the window, and `onError(thrown)` and `onConsole(method, args)`
 * hear of errors and of what the app prints. Returns `{ window, close() }`.
 */
function openWindow(app, { files, globals, prepare, onError, onConsole }) {
  const { origin } = files
  const virtualConsole = new VirtualConsole()
  for (const method of ['debug', 'error', 'info', 'log', 'table', 'trace', 'warn']) {
    virtualConsole.on(method, (...args) => onConsole(method, args))
  }
  // Of scripts that throw, with what they threw as its `detail` or `cause`; and of what jsdom cannot do.
  virtualConsole.on('jsdomError', (error) => onError(error.detail ?? error.cause ?? error))
  const resources = new AppFiles(app, origin, (url) =>
    onConsole('warn', [`${url}: is no file of the app, and is not loaded`]),
  )
  let installed
  const { window } = new JSDOM(readFileSync(fileOf(app.root, new URL(app.launchPath, origin).pathname)), {
    url: origin + app.launchPath,
    contentType: 'text/html',
    runScripts: 'dangerously',
    resources,
    pretendToBeVisual: true,
    virtualConsole,
    beforeParse(window_) {
      for (const [name, value] of Object.entries(globals)) put(window_, name, value)
      addEncoding(window_)
      addMozSystem(window_, files, holds(app, 'systemXHR'))
      addMozApps(window_, app, origin)
      installed = installInWindow(window_, {
        manifest: app.manifest,
        origin,
        generation: app.generation === 3 ? 2 : 'both',
        onError,
      })
      prepare(window_)
    },
  })
  return {
    window,
    close() {
      installed.close()
      window.close()
    },
  }
}

function put(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}

/** `new XMLHttpRequest({ mozSystem: true })` asks any server, where the app has the permission for that. */
function addMozSystem(window, files, isAllowed) {
  class XMLHttpRequest extends window.XMLHttpRequest {
    #isSystem

    constructor(options) {
      super()
      const { mozSystem = false, mozAnon = false } = options ?? {}
      this.#isSystem = Boolean(mozSystem) && isAllowed
      put(this, 'mozSystem', this.#isSystem)
      put(this, 'mozAnon', this.#isSystem || Boolean(mozAnon))
    }

    open(method, url, ...rest) {
      const { href, origin } = new URL(url, window.document.baseURI)
      const isElsewhere = this.#isSystem && origin !== files.origin
      return super.open(method, isElsewhere ? files.elsewhere(href) : url, ...rest)
    }
  }
  put(window, 'XMLHttpRequest', XMLHttpRequest)
}

/** `navigator.mozApps.getSelf()`, by which apps read their own manifest. */
function addMozApps(window, app, origin) {
  const self = { manifest: app.manifest, origin, manifestURL: `${origin}/manifest.webapp`, launch: () => {} }
  const getSelf = () => {
    const request = { result: null, error: null, readyState: 'pending', onsuccess: null, onerror: null }
    window.setTimeout(() => {
      Object.assign(request, { result: self, readyState: 'done' })
      request.onsuccess?.({ type: 'success', target: request })
    })
    return request
  }
  put(window.navigator, 'mozApps', { getSelf })
}

module.exports = { openWindow }
