'use strict'

// An EventTarget with on* handler attributes, as WebIDL's EventHandler describes them. Nearly every application uses
// the attributes alone, so a target without listeners calls its handler directly and skips the dispatch.

const { reportException } = require('./errors.js')
const { setTarget } = require('./events.js')
const { Listeners } = require('./listeners.js')

let fire
let wants
let defineInterface

class HandlerTarget extends EventTarget {
  /** By event type: the handler attribute's value, and the listener that stands for it. */
  #handlers = new Map()
  /** Listeners of the application. */
  #listeners = new Listeners()

  addEventListener(type, listener, options) {
    const name = String(type)
    super.addEventListener(name, listener && this.#listeners.add(this, name, listener, options), options)
  }

  removeEventListener(type, listener, options) {
    const name = String(type)
    super.removeEventListener(name, listener && this.#listeners.remove(name, listener, options), options)
  }

  #call(handler, argument) {
    if (typeof handler.value !== 'function') return true
    try {
      handler.value.call(this, argument)
      return true
    } catch (thrown) {
      handler.threw = true
      reportException(thrown)
      return false
    }
  }

  #handle(type) {
    return this.#handlers.get(type)?.value ?? null
  }

  #setHandle(type, value) {
    const usable = typeof value === 'function' || (typeof value === 'object' && value !== null)
    const handler = this.#handlers.get(type)
    if (handler) {
      handler.value = usable ? value : null
    } else if (usable) {
      const fresh = { value, threw: false, argument: undefined }
      this.#handlers.set(type, fresh)
      // Its place among the listeners is where the handler was first set.
      super.addEventListener(type, (event) => {
        const { argument = event } = fresh
        fresh.argument = undefined
        this.#call(fresh, argument)
      })
    }
  }

  // What the rest of the facade may do with a target; not for applications, so not statics of a public class.
  static {
    /** Whether anybody gets events of `type`: the handler attribute, or a listener that is there now. */
    wants = (target, type) =>
      target.#listeners.count(type) > 0 || typeof target.#handlers.get(type)?.value === 'function'

    /**
     * Delivers `event`. What a handler throws is reported as uncaught. `argument` is what the handler attribute gets
     * in place of the event. Returns false when the handler attribute threw.
     */
    fire = (target, event, argument = event) => {
      const handler = target.#handlers.get(event.type)
      if (target.#listeners.count(event.type) === 0) {
        setTarget(event, target)
        return handler === undefined || target.#call(handler, argument)
      }
      if (handler === undefined) {
        target.dispatchEvent(event)
        return true
      }
      handler.threw = false
      handler.argument = argument
      target.dispatchEvent(event)
      // A listener may have kept the event from the handler.
      handler.argument = undefined
      return !handler.threw
    }

    /**
     * Makes `Class` look like the interface it is in WebIDL: attributes `on…` for each of `handlers`, and everything
     * enumerable.
     */
    defineInterface = (Class, { handlers, attributes, methods }) => {
      for (const type of handlers) {
        Object.defineProperty(Class.prototype, `on${type}`, {
          get() {
            return this.#handle(type)
          },
          set(value) {
            this.#setHandle(type, value)
          },
          enumerable: true,
          configurable: true,
        })
      }
      for (const name of [...attributes, ...methods]) {
        Object.defineProperty(Class.prototype, name, { enumerable: true })
      }
      Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true })
    }
  }
}

module.exports = { HandlerTarget, fire, wants, defineInterface }
