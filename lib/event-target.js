'use strict'

// An EventTarget with on* handler attributes, as WebIDL's EventHandler describes them. Nearly every application uses
// the attributes alone, so a target without listeners calls its handler directly and skips the dispatch.

const {
  ArrayPrototypeIncludes,
  DOMException,
  Event,
  EventPrototypeGetType,
  EventTarget,
  EventTargetPrototypeAddEventListener,
  EventTargetPrototypeDispatchEvent,
  EventTargetPrototypeRemoveEventListener,
  FunctionPrototypeCall,
  TypeError,
} = require('./builtins.js')
const { requireArguments, toText } = require('./convert.js')
const { deliverTo, isUnderWay } = require('./events.js')
const { reportLater } = require('./exceptions.js')
const { asInterface, showAttributes } = require('./interface.js')
const { Listeners, isCapture } = require('./listeners.js')
const { isMap } = require('./platform/types.js')

let fire
let wants
let whenWanted
let retire
let defineInterface

/**
 * Where Node's EventTarget keeps maps of listeners. They would be a third of the memory of a socket that has handlers
 * alone, so until it gets a listener it has those of `blank`, which refuse to be written to.
 */
const blank = new EventTarget()
const slots = Object.getOwnPropertySymbols(blank).filter((slot) => isMap(blank[slot]))
for (const slot of slots) {
  Object.defineProperty(blank[slot], 'set', {
    value() {
      throw new TypeError("use the socket's own addEventListener")
    },
  })
}

/** Whether an event looks dispatched to the first of its listeners alone, as in Node.js. Deno refuses one that does so before. */
const FORGETS_TARGET = (() => {
  const target = new EventTarget()
  let seen
  EventTargetPrototypeAddEventListener(target, 'probe', () => {})
  EventTargetPrototypeAddEventListener(target, 'probe', (event) => (seen = event.currentTarget))
  EventTargetPrototypeDispatchEvent(target, new Event('probe'))
  return seen !== target
})()

/** As `indexOf`, which is slower where it is not called as a method. */
function indexIn(types, type) {
  for (let i = 0; i < types.length; i++) if (types[i] === type) return i
  return -1
}

const NO_EVENTS = { handlers: [], answered: [] }

class HandlerTarget extends EventTarget {
  /** What `constructor` got. Here, because a program can change what an object inherits. */
  #events
  /** The values of the handler attributes, in the order of their names. None before the first is set. */
  #values = null
  /** Which of the handlers are listeners, too: a bit for each. */
  #registered = 0
  /** Listeners of the application, if there ever was one. */
  #listeners = null
  /** See `retire`. */
  #isRetired = false
  /** See `whenWanted`: `{ type, callback }`. */
  #awaited = null
  /** What is being delivered to listeners: `{ event, argument, answers, threw }`. */
  #delivery = null

  /**
   * `events`: `handlers` are the types of those with an attribute `on…`, `answered` the types whose handlers and listeners are asked
   * for an answer.
   */
  constructor(events = NO_EVENTS) {
    super()
    this.#events = events
    for (let i = 0; i < slots.length; i++) this[slots[i]] = blank[slots[i]]
  }

  addEventListener(type, listener, options) {
    requireArguments('addEventListener', arguments.length, 2)
    const name = toText(type, 'type')
    // Its place among the listeners is before those that came after it.
    this.#register(name)
    this.#listeners ??= new Listeners()
    this.#listeners.add(this, name, listener, options, {
      register: (actual, settings) => this.#listen(name, actual, settings),
      unregister: (actual, settings) => EventTargetPrototypeRemoveEventListener(this, name, actual, settings),
      observe: ArrayPrototypeIncludes(this.#events.answered, name)
        ? (event, answer) => this.#answered(event, answer)
        : undefined,
      isRetired: this.#isRetired,
    })
    this.#attached(name)
  }

  removeEventListener(type, listener, options) {
    requireArguments('removeEventListener', arguments.length, 2)
    const name = toText(type, 'type')
    const capture = isCapture(options)
    const actual = this.#listeners === null ? listener : this.#listeners.remove(name, listener, capture)
    // Node does not take `true` for an answer here, unlike where it adds one.
    EventTargetPrototypeRemoveEventListener(this, name, actual, { __proto__: null, capture })
  }

  dispatchEvent(event) {
    if (isUnderWay(event)) throw new DOMException('The event is being dispatched', 'InvalidStateError')
    return this.#dispatchToAll(event)
  }

  #dispatchToAll(event) {
    // Scripts can make events of any type, and of classes that only look like Event.
    this.#register(event instanceof Event ? EventPrototypeGetType(event) : event?.type)
    return FORGETS_TARGET ? deliverTo(this, event, () => this.#dispatch(event)) : this.#dispatch(event)
  }

  #dispatch(event) {
    return EventTargetPrototypeDispatchEvent(this, event)
  }

  #listen(type, listener, options) {
    if (slots.length > 0 && this[slots[0]] === blank[slots[0]]) {
      const fresh = new EventTarget()
      for (let i = 0; i < slots.length; i++) this[slots[i]] = fresh[slots[i]]
    }
    EventTargetPrototypeAddEventListener(this, type, listener, options)
  }

  #count(type) {
    return this.#listeners?.count(type) ?? 0
  }

  #handler(type) {
    return this.#values === null ? null : (this.#values[indexIn(this.#events.handlers, type)] ?? null)
  }

  #setHandler(type, value) {
    const usable = typeof value === 'function' || (typeof value === 'object' && value !== null)
    if (!usable && this.#values === null) return
    if (this.#values === null) {
      this.#values = []
      for (let i = 0; i < this.#events.handlers.length; i++) this.#values[i] = null
    }
    this.#values[indexIn(this.#events.handlers, type)] = usable ? value : null
    if (this.#count(type) > 0) this.#register(type)
    this.#attached(type)
  }

  /** There may be somebody now who gets events of `type`. */
  #attached(type) {
    if (this.#awaited?.type !== type || !wants(this, type)) return
    const { callback } = this.#awaited
    this.#awaited = null
    callback()
  }

  #answered(event, answer) {
    const listeners = this.#delivery?.event === event ? this.#delivery.answers?.listeners : undefined
    if (listeners !== undefined) listeners[listeners.length] = answer
  }

  /** Makes a listener of the handler for `type`, if there is one that is not: it has listeners beside it now. */
  #register(type) {
    const bit = 1 << indexIn(this.#events.handlers, type)
    if (this.#handler(type) === null || this.#registered & bit) return
    this.#registered |= bit
    this.#listen(type, (event) => {
      const handler = this.#handler(type)
      const delivery = this.#delivery
      if (delivery?.event === event)
        delivery.threw = !this.#call(handler, delivery.argument, delivery.answers)
      // A script's own: what the handler throws is for whoever dispatches it, as with any listener.
      else if (typeof handler === 'function') FunctionPrototypeCall(handler, this, event)
    })
  }

  /** Returns false when the handler threw. */
  #call(handler, argument, answers) {
    if (typeof handler !== 'function') return true
    try {
      const answer = FunctionPrototypeCall(handler, this, argument)
      if (answers) answers.handler = answer
      return true
    } catch (thrown) {
      reportLater(thrown)
      return false
    }
  }

  // What the rest of the facade may do with a target; not for applications, so not statics of a public class.
  static {
    /** Whether anybody gets events of `type`: the handler attribute, or a listener that is there now. */
    wants = (target, type) => target.#count(type) > 0 || typeof target.#handler(type) === 'function'

    /** Calls `callback` once, as soon as somebody gets events of `type`. Of several such wishes the last counts. */
    whenWanted = (target, type, callback) => {
      target.#awaited = { type, callback }
    }

    /**
     * Delivers `event`, which is of `type`. What a handler throws is kept for `reportThrown`. `argument` is what the handler attribute gets
     * in place of the event. What is returned goes to `answers`, if there is one, for an event of a type that is asked for
     * them: `{ handler, listeners: […] }`. Returns false when the handler attribute threw.
     */
    fire = (target, type, event, argument = event, answers = null) => {
      if (target.#count(type) === 0) {
        return deliverTo(target, event, () => target.#call(target.#handler(type), argument, answers))
      }
      const outer = target.#delivery
      const delivery = { event, argument, answers, threw: false }
      target.#delivery = delivery
      try {
        // Not the method, which may be a subclass's own.
        target.#dispatchToAll(event)
      } catch (thrown) {
        // Node's, which does not take what has lost its prototype for an EventTarget.
        reportLater(thrown)
      }
      target.#delivery = outer
      return !delivery.threw
    }

    /** `target` is closed: it gets no more events but those that a script makes. */
    retire = (target) => {
      target.#isRetired = true
      target.#listeners?.retire()
    }

    /** Makes `Class` look like the interface it is in WebIDL: attributes `on…` for each of `handlers`, and everything enumerable. */
    defineInterface = (Class, { handlers, attributes, methods }) => {
      for (const type of handlers) {
        Object.defineProperty(Class.prototype, `on${type}`, {
          get() {
            return this.#handler(type)
          },
          set(value) {
            this.#setHandler(type, value)
          },
          enumerable: true,
          configurable: true,
        })
      }
      asInterface(Class, [...attributes, ...methods])
      showAttributes(Class, attributes)
    }
  }
}

module.exports = { HandlerTarget, fire, wants, whenWanted, retire, defineInterface }
