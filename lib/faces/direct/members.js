'use strict'

// What all classes of Direct Sockets have: `opened`, `closed`, `close()`, and what this package adds to them. A class of its own above them
// would be one that the specification does not have.

const { ObjectDefineProperties, PromisePrototypeThen, SafeWeakMap, TypeError } = require('../../builtins.js')
const { domException } = require('../../dom-exceptions.js')
const { isObject } = require('../../interface.js')
const { deferred, handled, nothing } = require('../../promises.js')

/** By socket: `{ core, isLocked, opened }`. */
const states = new SafeWeakMap()

/** Gives `socket` its core, which does the work. `isLocked()` says whether somebody has a lock on one of its streams. */
function adopt(socket, core, isLocked) {
  states.set(socket, { core, isLocked, opened: null })
}

/** The state of `socket`, which is to be of a class of Direct Sockets. */
function stateOf(socket) {
  const state = isObject(socket) ? states.get(socket) : undefined
  if (state === undefined) throw new TypeError('Illegal invocation')
  return state
}

/** `make()`, or a promise of what it throws: methods that return promises do not throw. */
function promised(make) {
  try {
    return make()
  } catch (thrown) {
    const { promise, reject } = deferred()
    reject(thrown)
    return promise
  }
}

/** A promise that is rejected with a DOMException called InvalidStateError. */
function rejectedState(message) {
  return promised(() => {
    throw domException('InvalidStateError', message)
  })
}

const members = {
  get opened() {
    const state = stateOf(this)
    // Of whoever asks: that this one rejects is to be handled, as by any promise.
    return (state.opened ??= PromisePrototypeThen(state.core.opened))
  },
  get closed() {
    return stateOf(this).core.closed
  },
  close() {
    const closing = promised(() => {
      const { core, isLocked } = stateOf(this)
      if (core.state === 'opening') return rejectedState('close(): the socket is not open yet')
      if (core.state === 'open' && isLocked()) return rejectedState('close(): one of the streams is locked')
      return core.close()
    })
    return handled(closing)
  },
  ref() {
    stateOf(this).core.keepAlive(true)
    return this
  },
  unref() {
    stateOf(this).core.keepAlive(false)
    return this
  },
}

/** Gives `Class` these members. */
function defineMembers(Class) {
  const descriptors = Object.getOwnPropertyDescriptors(members)
  descriptors.ref.enumerable = descriptors.unref.enumerable = false
  ObjectDefineProperties(Class.prototype, descriptors)
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true })
  if (Symbol.asyncDispose === undefined) return
  Object.defineProperty(Class.prototype, Symbol.asyncDispose, {
    // It closes whatever is locked, and whoever wants to know how it ended asks `closed`.
    value: function asyncDispose() {
      return PromisePrototypeThen(stateOf(this).core.close(), nothing, nothing)
    },
    writable: true,
    configurable: true,
  })
}

module.exports = { adopt, defineMembers, promised, stateOf }
