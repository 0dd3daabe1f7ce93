'use strict'

// `createMock()`: the whole package without a network, for jest.mock() and vi.mock(). Its classes are the facade's own, over an
// engine that a test drives by hand: see facade.js.

const { inspect } = require('node:util')

const { evaluateFacade } = require('./facade.js')
const { makeMockEngine } = require('./mock-engine.js')
const { ServerControl, SocketControl, UdpControl } = require('./mock-controls.js')
const { toOptions } = require('./values.js')

/** What remembers how it was called, where no library's is given. */
function ownSpy(implementation) {
  const spy = function (...args) {
    spy.calls.push(args)
    return implementation.apply(this, args)
  }
  spy.calls = []
  return spy
}

class MockControl {
  /** All that were made, the oldest first: clients, and those that servers accepted. */
  sockets = []
  servers = []
  udpSockets = []

  get lastSocket() {
    return this.sockets.at(-1)
  }

  get lastServer() {
    return this.servers.at(-1)
  }

  get lastUdpSocket() {
    return this.udpSockets.at(-1)
  }

  /** Forgets them. */
  reset() {
    this.sockets.length = 0
    this.servers.length = 0
    this.udpSockets.length = 0
  }
}

/**
 * What `require('moz-tcp-socket')` is, without a network, and `mock` to drive it. `fn(implementation)` makes the spies that
 * methods of instances are: `jest.fn`, `vi.fn`.
 */
function createMock(options = {}) {
  const { fn = ownSpy } = toOptions('createMock', options, ['fn'])
  if (typeof fn !== 'function')
    throw new TypeError(`createMock: fn ${inspect(fn)}: must be a function, such as jest.fn`)
  const control = new MockControl()
  /** The instance that is being made, which the next handle belongs to. */
  let making = null
  /** The handle of a socket that is being accepted. */
  let accepting = null
  let parts

  const link = (instance, handle) => {
    if (handle instanceof parts.MockListener) {
      const accept = (place) => {
        handle.accepted((accepted) => (accepting = accepted), place)
        return control.lastSocket
      }
      define(instance, 'mock', new ServerControl(handle, accept))
      control.servers.push(instance)
    } else if (handle instanceof parts.MockDatagrams) {
      define(instance, 'mock', new UdpControl(instance, handle))
      control.udpSockets.push(instance)
    } else {
      define(instance, 'mock', new SocketControl(instance, handle))
      control.sockets.push(instance)
    }
  }

  /** An instance of one of the classes, at the beginning of its construction. */
  const created = (instance) => {
    spyOn(instance, fn, parts.takeLast)
    if (accepting === null) making = instance
    else {
      link(instance, accepting)
      accepting = null
    }
  }

  /** What an instance that is being made does in a task of its own is its own making as well: a UDPSocket is bound there. */
  const runSoon = (run) => (callback) => {
    const instance = making
    run(() => {
      making = instance
      callback()
      making = null
    })
  }

  const api = evaluateFacade(
    (real) => {
      parts = makeMockEngine(real, (handle) => {
        if (making === null) return
        link(making, handle)
        making = null
      })
      return parts.engine
    },
    {
      'lib/event-target.js': (target) => observe(target, created),
      'lib/context.js': closedContext,
      'lib/platform/timers.js': (timers) => ({ ...timers, runSoon: runSoon(timers.runSoon) }),
    },
  )
  // What `import moz from 'moz-tcp-socket'` is where a runner asks a factory for it.
  const mocked = { ...api, mock: control }
  Object.defineProperty(mocked, 'default', { value: mocked })
  return mocked
}

/** The module, with a HandlerTarget that tells of each instance. Both classes begin there, however they are made. */
function observe(target, created) {
  class HandlerTarget extends target.HandlerTarget {
    constructor(events) {
      super(events)
      created(this)
    }
  }
  return { ...target, HandlerTarget }
}

/** The module, with contexts that tools which look for open handles need not show: a mock leaves nothing open. */
function closedContext(module) {
  class Context extends module.Context {
    hasRef() {
      return false
    }
  }
  return { ...module, Context }
}

/** Puts a spy in place of each method that applications call. */
function spyOn(instance, fn, takeLast) {
  for (const name of methodsOf(instance)) {
    // Where a subclass has one of its own, that.
    const call = (args) => Object.getPrototypeOf(instance)[name].apply(instance, args)
    const send = (args) => {
      takeLast()
      const answer = call(args)
      instance.mock?.record?.(takeLast())
      return answer
    }
    define(
      instance,
      name,
      fn((...args) => (name === 'send' ? send(args) : call(args))),
    )
  }
}

/** The methods of the facade's class that `instance` is of: those of EventTarget are as they are. */
function methodsOf(instance) {
  const names = new Set()
  let prototype = Object.getPrototypeOf(instance)
  while (prototype !== EventTarget.prototype && prototype !== null) {
    for (const name of Object.keys(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name)
      if (typeof value === 'function') names.add(name)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return names
}

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true })
}

const CONTROLS = [MockControl, SocketControl, ServerControl, UdpControl]

/** What drives a mock: that of the module that createMock made, or of one of its sockets or servers. */
function mockOf(value) {
  const { mock } = Object(value)
  if (CONTROLS.some((Control) => mock instanceof Control)) return mock
  throw new TypeError(
    `mockOf ${inspect(value, { depth: 0 })}: must be what createMock() made, or a socket or server of that`,
  )
}

module.exports = { createMock, mockOf }
