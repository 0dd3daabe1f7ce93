'use strict'

// How many listeners a target has: EventTarget does not tell, and a connection that nobody gets must not be kept.

class Listeners {
  /** By event type: `{ listener, capture, actual }` of each; `actual` is what was registered for it. */
  #entries = new Map()

  /** How many there are for events of `type`. */
  count(type) {
    return this.#entries.get(type)?.length ?? 0
  }

  /**
   * Takes note of `addEventListener(type, listener, options)` of `target`. `register(listener)` is what registers one,
   * and throws where there is something wrong with it.
   */
  add(target, type, listener, options, register) {
    const found = this.#find(type, listener, options)
    if (found) return register(found.actual)
    const { once, signal } = Object(options)
    if (!listener || signal?.aborted) return register(listener)
    const entry = { listener, capture: isCapture(options), actual: listener }
    const forget = () => this.#forget(type, entry)
    if (once) {
      entry.actual = (event) => {
        forget()
        return typeof listener === 'function' ? listener.call(target, event) : listener.handleEvent(event)
      }
    }
    register(entry.actual)
    signal?.addEventListener('abort', forget, { once: true })
    if (!this.#entries.has(type)) this.#entries.set(type, [])
    this.#entries.get(type).push(entry)
  }

  /** Takes note of `removeEventListener`. Returns the listener to remove. */
  remove(type, listener, options) {
    const found = this.#find(type, listener, options)
    if (!found) return listener
    this.#forget(type, found)
    return found.actual
  }

  #find(type, listener, options) {
    const capture = isCapture(options)
    return this.#entries.get(type)?.find((entry) => entry.listener === listener && entry.capture === capture)
  }

  #forget(type, entry) {
    const entries = this.#entries.get(type)
    const index = entries.indexOf(entry)
    if (index >= 0) entries.splice(index, 1)
  }
}

function isCapture(options) {
  return Boolean(typeof options === 'object' ? options?.capture : options)
}

module.exports = { Listeners }
