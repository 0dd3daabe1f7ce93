'use strict'

// What one application finds, by its manifest: `navigator.mozTCPSocket` and the global classes, with its rights and no others
// (decision Q-49). Contract sections 1.4 and 8.2 say what is there without the permission.

const { AllowList } = require('./allow-list.js')
const { makeAppClasses } = require('./app-classes.js')
const {
  ArrayIsArray,
  ObjectKeys,
  RegExpPrototypeExec,
  SafeMap,
  StringPrototypeToLowerCase,
  TypeError,
} = require('./builtins.js')
const { describe, toHost, toPort } = require('./convert.js')
const { TCPServerSocketEvent, TCPSocketErrorEvent, TCPSocketEvent, UDPMessageEvent } = require('./events.js')
const { defineHidden } = require('./interface.js')
const { mayUse, mayUseUdp, toPolicy } = require('./policy.js')
const { Rights } = require('./rights.js')

const NAMES = new SafeMap([
  ['manifest', true],
  ['origin', true],
  ['generation', true],
  ['connect', true],
  ['listen', true],
])

/** A scheme, a name or an IPv6 address, and perhaps a port. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/(?:\[([^[\]]*:[^[\]]*)\]|([^[\]:]+))(?::(\d{1,5}))?$/

/** The `navigator` of the application, with what was put on it. */
function createNavigator(options) {
  return createGlobals(options).navigator
}

/** What goes on the global object of the application: `{ navigator }`, and the classes where they are there. */
function createGlobals(options) {
  const { policy, generation, ...rest } = toOptions(options)
  const isPermitted = mayUse(policy)
  const { mozTCPSocket, UDPSocket, ...classes } = makeAppClasses(new Rights({ policy, ...rest }))
  const navigator = {}
  if (isPermitted || generation !== 2) {
    defineHidden(navigator, 'mozTCPSocket', mozTCPSocket)
    // What drafts called it first; applications ask for `navigator.TCPSocket || navigator.mozTCPSocket`.
    defineHidden(navigator, 'TCPSocket', mozTCPSocket)
  }
  const hasClasses = isPermitted && generation !== 1
  return {
    navigator,
    ...(hasClasses && { ...classes, TCPSocketEvent, TCPSocketErrorEvent, TCPServerSocketEvent }),
    // There never was one without its permission.
    ...(mayUseUdp(policy) && { UDPSocket, UDPMessageEvent }),
  }
}

function toOptions(value) {
  if (typeof value !== 'object' || value === null || ArrayIsArray(value)) {
    throw new TypeError(`options ${describe(value)}: must be an object with a manifest`)
  }
  // Its own properties alone: one that somebody put on a prototype grants nothing.
  const options = { __proto__: null, ...value }
  const names = ObjectKeys(options)
  for (let i = 0; i < names.length; i++) {
    // One that is misspelled would narrow nothing.
    if (!NAMES.has(names[i]))
      throw new TypeError(
        `${names[i]}: is no option; there are manifest, origin, generation, connect and listen`,
      )
  }
  return {
    policy: options.manifest === null ? 0 : toPolicy(options.manifest, 'manifest'),
    origin: toOrigin(options.origin),
    generation: toGeneration(options.generation),
    connect: toList(options.connect, 'connect'),
    listen: toList(options.listen, 'listen'),
  }
}

function toOrigin(value) {
  if (value === undefined) return undefined
  const origin = typeof value === 'string' ? StringPrototypeToLowerCase(value) : ''
  const parts = RegExpPrototypeExec(ORIGIN, origin)
  try {
    if (parts === null) throw new TypeError('must have a scheme and a host')
    toHost(parts[1] ?? parts[2])
    if (parts[3] !== undefined) toPort(parts[3], 1)
    return origin
  } catch (cause) {
    throw new TypeError(`origin ${describe(value)}: must be an origin, such as "app://mail.example"`, {
      cause,
    })
  }
}

function toGeneration(value) {
  if (value === undefined) return 'both'
  if (value !== 1 && value !== 2 && value !== 'both') {
    throw new TypeError(`generation ${describe(value)}: must be 1, 2 or "both"`)
  }
  return value
}

function toList(value, name) {
  return value === undefined ? undefined : new AllowList(value, name)
}

module.exports = { createGlobals, createNavigator }
