'use strict'

// `installInWindow`: the API in a window of jsdom or happy-dom, as its scripts would find it on a device.

const { reportException } = require('../platform/native.js')
const { describe } = require('../convert.js')
const { loaderFor } = require('./window-realm.js')

const OPTIONS = ['manifest', 'origin', 'generation', 'connect', 'listen', 'onError']

/** Puts the API into `window`. Returns `{ close() }`, which closes its sockets and takes the API away. */
function installInWindow(window, options = {}) {
  const { onError = reportException, ...rights } = toOptions(options)
  const load = loaderFor(evaluatorOf(window), (thrown) => report(window, thrown, onError))
  const { navigator, ...classes } = globalsOf(load, rights)
  const places = [
    ...Object.entries(Object.getOwnPropertyDescriptors(navigator)).map(([name, { value }]) => ({
      target: window.navigator,
      name,
      value,
    })),
    ...Object.entries(classes).map(([name, value]) => ({ target: window, name, value })),
  ]
  const { closeAll } = load('lib/channel.js')
  const close = once([closeAll, ...places.map(define)])
  followWindow(window, close)
  return { close }
}

/** Calls `steps` when it is called first, and then lets go of them, so that whoever has it does not keep the window by that. */
function once(steps) {
  return () => {
    for (const step of steps.splice(0)) step()
  }
}

function toOptions(options) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options ${describe(options)}: must be an object`)
  }
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw new TypeError(`${unknown}: is no option; there are ${OPTIONS.join(', ')}`)
  if (options.onError !== undefined && typeof options.onError !== 'function') {
    throw new TypeError(`onError ${describe(options.onError)}: must be a function`)
  }
  return options
}

/** The `eval` of the window's realm. */
function evaluatorOf(window) {
  const { eval: evaluate } = Object(window)
  if (typeof evaluate !== 'function' || typeof window.navigator !== 'object') {
    throw new TypeError(`window ${describe(window)}: must be a window of jsdom or happy-dom`)
  }
  // Within a test runner's environment, the code that calls this is the window's own.
  if (evaluate('globalThis') === globalThis && globalThis.window !== window) {
    throw new TypeError(
      'window: has no realm of its own, because it runs no scripts; make a jsdom with runScripts: "dangerously" or "outside-only"',
    )
  }
  return evaluate
}

/** `{ navigator, …classes }`: what there is without a manifest, or what an application with these rights finds. */
function globalsOf(load, rights) {
  if (Object.keys(rights).length > 0) {
    return load('lib/navigator.js').createGlobals({ manifest: null, ...rights })
  }
  const { mozTCPSocket, ...api } = load('index.js')
  const classes = Object.entries(api).filter(([name]) => /^(?:TCP|UDP)/.test(name))
  return { navigator: { mozTCPSocket, TCPSocket: mozTCPSocket }, ...Object.fromEntries(classes) }
}

/** Returns what takes it back. */
function define({ target, name, value }) {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
  return () => {
    if (before === undefined) delete target[name]
    else Object.defineProperty(target, name, before)
  }
}

/** When the window closes, its sockets do. */
function followWindow(window, close) {
  const { close: original } = window
  if (typeof original !== 'function') return
  window.close = function closeWindow(...args) {
    close()
    return original.apply(this, args)
  }
}

/**
 * What a handler threw is an error of the window, as for handlers of its own elements: an `error` event. Where nobody prevents its default,
 * `onError` gets it.
 */
function report(window, thrown, onError) {
  const { ErrorEvent } = window
  if (typeof ErrorEvent === 'function' && typeof window.dispatchEvent === 'function') {
    const message = Object(thrown) === thrown && 'message' in thrown ? `${thrown.message}` : String(thrown)
    const event = new ErrorEvent('error', { error: thrown, message, cancelable: true })
    if (!window.dispatchEvent(event)) return
  }
  onError(thrown)
}

module.exports = { installInWindow }
