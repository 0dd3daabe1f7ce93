'use strict'

// What a value may be, as far as the doctor cares: a thing of the API, a function or an object literal of the file. Everything else has no
// kind. There is one object for each kind of the API; functions and object literals have one each.

const { OTHER_NAVIGATOR } = require('./rules.js')

const kind = (tag, more) => Object.freeze({ tag, ...more })

const K = {
  window: kind('window'),
  navigator: kind('navigator'),
  /** `navigator.mozTCPSocket` */
  factory: kind('factory'),
  TCPSocket: kind('TCPSocket'),
  TCPServerSocket: kind('TCPServerSocket'),
  UDPSocket: kind('UDPSocket'),
  /** `require('moz-tcp-socket')` */
  module: kind('module'),
  socket: kind('socket', { isSocket: true }),
  /** What a server has accepted; by `listen()`, the argument of `onconnect`, which has itself as `socket`. */
  accepted: kind('accepted', { isSocket: true, isAccepted: true }),
  connectArgument: kind('connectArgument', { isSocket: true, isAccepted: true, isArgument: true }),
  /** Made by `listen()`, and by `new TCPServerSocket`. */
  listener: kind('listener', { isServer: true }),
  server: kind('server', { isServer: true }),
  event: kind('event', { isEvent: true }),
  dataEvent: kind('dataEvent', { isEvent: true }),
  errorEvent: kind('errorEvent', { isEvent: true }),
  connectEvent: kind('connectEvent', { isEvent: true }),
  /** `event.data` of an error, and of data. */
  errorData: kind('errorData'),
  payload: kind('payload'),
  view: kind('view'),
  buffer: kind('buffer'),
}

/** What must not get out of sight. */
const isApi = ({ tag, isSocket, isServer }) =>
  isSocket ||
  isServer ||
  tag === 'factory' ||
  tag === 'TCPSocket' ||
  tag === 'TCPServerSocket' ||
  tag === 'method'

/** Whether a function or an object literal hands out such a thing. */
function holdsApi({ tag, answers, properties }) {
  if (tag === 'function') return [...answers].some(isApi)
  return tag === 'object' && [...properties.values()].some((kinds) => [...kinds].some(isApi))
}

/** The same, of which it is not sure. */
const doubtful = new Map()
function perhaps(known) {
  if (!Object.values(K).includes(known) || known.isMaybe) return known
  if (!doubtful.has(known)) doubtful.set(known, Object.freeze({ ...known, isMaybe: true }))
  return doubtful.get(known)
}

/** A method of something, before it is called. */
const methods = new Map()
function method(of, name) {
  const key = `${of.tag}.${name}${of.isMaybe ? '?' : ''}`
  if (!methods.has(key)) methods.set(key, kind('method', { of, name }))
  return methods.get(key)
}

const CLASSES = {
  __proto__: null,
  TCPSocket: K.TCPSocket,
  TCPServerSocket: K.TCPServerSocket,
  UDPSocket: K.UDPSocket,
}
const VIEWS = /^(?:Big)?(?:Ui|I)nt(?:8|16|32|64)(?:Clamped)?Array$|^Float\d+Array$|^DataView$/

/** What a name is that nobody declares. */
function globalKind(name) {
  if (name === 'navigator') return K.navigator
  if (name === 'window' || name === 'self' || name === 'globalThis' || name === 'global' || name === 'top')
    return K.window
  return CLASSES[name]
}

const EVENT_KINDS = { __proto__: null, data: K.dataEvent, error: K.errorEvent }

/** What the handler of `type` gets on a thing of kind `target`. */
function handlerArgument(target, type, isListener = false) {
  if (target.isSocket) return EVENT_KINDS[type] ?? K.event
  if (type === 'error') return K.errorEvent
  // A listener gets an event, whoever made the server.
  return target.tag === 'listener' && !isListener ? K.connectArgument : K.connectEvent
}

/** What the module `name` exports. Two others have this API, and this package takes their place: docs/porting.md. */
function moduleKind(name) {
  if (name === 'moz-tcp-socket') return K.module
  return name === 'emailjs-tcp-socket' || name === 'tcp-socket' ? K.factory : undefined
}

const FACTORY_METHODS = new Set(['open', 'listen'])

/** What the member `name` of a thing is; undefined where it has no kind. */
function memberKind(target, name) {
  switch (target.tag) {
    case 'window':
      return globalKind(name)
    case 'navigator':
      return name === 'mozTCPSocket' || name === 'TCPSocket' ? K.factory : undefined
    case 'module':
      return name === 'mozTCPSocket' ? K.factory : name === 'default' ? K.module : CLASSES[name]
    case 'factory':
    case 'TCPSocket':
      // Of a module whose default it is.
      if (name === 'default') return target
      return FACTORY_METHODS.has(name) ? method(target, name) : undefined
    case 'dataEvent':
      return name === 'data' ? K.payload : targetOf(name)
    case 'errorEvent':
      return name === 'data' ? K.errorData : undefined
    case 'connectEvent':
      return name === 'socket' || name === 'data' ? K.accepted : undefined
    case 'event':
      return targetOf(name)
    case 'view':
      return name === 'buffer' ? K.buffer : undefined
    default:
      if (target.isArgument && name === 'socket') return K.accepted
      if (target.isSocket || target.isServer) return METHODS.has(name) ? method(target, name) : undefined
      return undefined
  }
}

const METHODS = new Set([
  'send',
  'close',
  'closeImmediately',
  'suspend',
  'resume',
  'upgradeToSecure',
  'addEventListener',
  'removeEventListener',
  'open',
  'listen',
  'ref',
  'unref',
])

/** Of an event, what it happened to. Which of a client and an accepted socket, does not matter for most. */
const targetOf = (name) => (name === 'target' || name === 'currentTarget' ? K.socket : undefined)

/** What `new name(…)` makes, of built-ins that are sent. */
function builtinInstance(name) {
  if (VIEWS.test(name)) return K.view
  return name === 'ArrayBuffer' ? K.buffer : undefined
}

module.exports = {
  K,
  OTHER_NAVIGATOR,
  builtinInstance,
  globalKind,
  handlerArgument,
  holdsApi,
  isApi,
  memberKind,
  moduleKind,
  perhaps,
}
