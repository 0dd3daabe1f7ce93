'use strict'

// How many listeners a target has: EventTarget does not tell, and a connection that nobody gets must not be kept. And
// which of them wait for a signal: EventTarget leaves something on that for each, also when the target is long closed.

const { isAborted, whenAborted } = require('./aborts.js')
const { FunctionPrototypeCall, Object, SafeMap } = require('./builtins.js')

class Listeners {
  /**
   * By event type: `{ listener, capture, actual, unlink }` of each. `actual` is what was registered for it, `unlink` takes
   * back what its signal was told, if there is one.
   */
  #entries = new SafeMap()

  /** How many there are for events of `type`. */
  count(type) {
    return this.#entries.get(type)?.length ?? 0
  }

  /**
   * Takes note of `addEventListener(type, listener, options)` of `target`. `register(listener, options)` and
   * `unregister(listener, options)` are those of EventTarget; the first throws where there is something wrong. `observe`,
   * if given, is called with each event and what the listener returned for it. Of a target that `isRetired` no signal is
   * told.
   */
  add(target, type, listener, options, { register, unregister, observe, isRetired }) {
    const { once, passive, signal } = Object(options)
    // Nothing to do, or something to throw: EventTarget knows.
    if (signal !== undefined && (!isSignal(signal) || isAborted(signal))) return register(listener, options)
    const capture = isCapture(options)
    const settings = signal ? { __proto__: null, once, passive, capture } : options
    if (!isListener(listener)) return register(listener, settings)
    const found = this.#find(type, listener, capture)
    if (found) return register(found.actual, capture)
    const entry = { listener, capture, actual: listener, unlink: null }
    if (once || signal || observe) {
      entry.actual = (event) => {
        // Its target may have been closed before, and does not hear of it then.
        if (signal && isAborted(signal)) return undefined
        if (once) this.#forget(type, entry)
        const result =
          typeof listener === 'function'
            ? FunctionPrototypeCall(listener, target, event)
            : listener.handleEvent(event)
        observe?.(event, result)
        return result
      }
    }
    if (signal && !isRetired) {
      entry.unlink = whenAborted(signal, () => {
        this.#forget(type, entry)
        unregister(entry.actual, { __proto__: null, capture })
      })
    }
    try {
      register(entry.actual, settings)
    } catch (thrown) {
      unlink(entry)
      throw thrown
    }
    const entries = this.#entries.get(type)
    if (entries === undefined) this.#entries.set(type, [entry])
    else entries[entries.length] = entry
  }

  /** Takes note of `removeEventListener`. Returns the listener to remove. */
  remove(type, listener, capture) {
    const found = this.#find(type, listener, capture)
    if (!found) return listener
    this.#forget(type, found)
    return found.actual
  }

  /** The target is closed: no signal refers to it from now on. Its listeners stay, for events that a script makes. */
  retire() {
    this.#entries.forEach((entries) => {
      for (let i = 0; i < entries.length; i++) unlink(entries[i])
    })
  }

  #find(type, listener, capture) {
    const entries = this.#entries.get(type)
    for (let i = 0; i < (entries?.length ?? 0); i++) {
      const entry = entries[i]
      if (entry.listener === listener && entry.capture === capture) return entry
    }
    return undefined
  }

  #forget(type, entry) {
    unlink(entry)
    const entries = this.#entries.get(type)
    let kept = 0
    for (let i = 0; i < entries.length; i++) {
      if (entries[i] !== entry) entries[kept++] = entries[i]
    }
    entries.length = kept
  }
}

function unlink(entry) {
  entry.unlink?.()
  entry.unlink = null
}

/** What the options of a listener say; `true` means that they have it. */
function isCapture(options) {
  return !!(typeof options === 'object' || typeof options === 'function' ? options?.capture : options)
}

function isListener(value) {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}

/** What EventTarget takes for a signal: those of other libraries, too. */
function isSignal(value) {
  return typeof value === 'object' && value !== null && 'aborted' in value
}

module.exports = { Listeners, isCapture }
