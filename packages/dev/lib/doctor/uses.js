'use strict'

// Decides which rule each use of the API comes under. Flow calls the methods of Uses with what happens to things of the API: a member that is
// read or written, a call, a constructor.

const { checkListen, checkOpen } = require('./arguments.js')
const { K, OTHER_NAVIGATOR, isApi } = require('./kinds.js')
const {
  OTHER_CLASSES,
  PAGE_GLOBALS,
  SERVER_EVENTS,
  SERVER_MEMBERS,
  SOCKET_EVENTS,
  SOCKET_MEMBERS,
  TELLTALE,
} = require('./rules.js')
const { bare, children, isFunction, literal } = require('./syntax.js')

const COMPARISONS = new Set(['==', '===', '!=', '!=='])
const READY_STATES = new Set(['connecting', 'open', 'closing', 'closed'])
const CALLED_MEMBERS = new Set([
  'send',
  'suspend',
  'resume',
  'close',
  'closeImmediately',
  'upgradeToSecure',
  'addEventListener',
  'removeEventListener',
])
const VIEW_MEMBERS = new Set(['buffer', 'byteOffset', 'subarray', 'set', 'BYTES_PER_ELEMENT'])
const ERROR_MEMBERS = new Set(['name', 'message', 'type', 'data'])
/** 0x804B000C, which first-generation code took for "refused", and 0x804B000D. */
const REFUSED_NUMBERS = new Set([0x804b000c, 0x804b000d])

class Uses {
  #flow
  #report
  /** A server was made here, and `onconnect` set somewhere. */
  #serverMade = null
  #connectSet = false

  /** `report(rule, node)` is called for each use; twice for the same, perhaps. */
  constructor(flow, report) {
    this.#flow = flow
    this.#report = report
  }

  /** Of things that no data flow is needed for. */
  walk(node) {
    if (node.type === 'Identifier' && this.#flow.isDeclaredNowhere(node)) {
      if (PAGE_GLOBALS.has(node.name)) this.#report('page-global', node)
      if (OTHER_CLASSES.has(node.name)) this.#report('other-api', node)
    }
    if (node.type === 'Literal' && typeof node.value === 'string') this.#errorName(node)
    if (node.type === 'Literal' && REFUSED_NUMBERS.has(node.value)) this.#report('error-code', node)
    children(node, (child) => this.walk(child))
  }

  /** After everything was seen. */
  finish() {
    if (this.#serverMade && !this.#connectSet) this.#report('no-connect', this.#serverMade)
  }

  #parent(node) {
    let child = node
    let at = this.#flow.parents.get(node)
    while (at && bare(at) !== at) {
      child = at
      at = this.#flow.parents.get(at)
    }
    return { parent: at, child }
  }

  #isCallee(node) {
    const { parent, child } = this.#parent(node)
    return parent?.type === 'CallExpression' && parent.callee === child
  }

  #isTarget(node) {
    const { parent, child } = this.#parent(node)
    return parent?.type === 'AssignmentExpression' && parent.left === child
  }

  /** The literals that `node` is compared with. */
  #comparedWith(node) {
    const { parent, child } = this.#parent(node)
    if (parent?.type === 'BinaryExpression' && COMPARISONS.has(parent.operator)) {
      const other = parent.left === child ? parent.right : parent.left
      return [{ node: other, value: literal(other) }].filter(({ value }) => value !== undefined)
    }
    if (parent?.type === 'SwitchStatement' && parent.discriminant === child) {
      return parent.cases
        .map(({ test }) => ({ node: test, value: test && literal(test) }))
        .filter(({ value }) => value !== undefined && value !== null)
    }
    return []
  }

  /** An error's name that is compared: it is one of the API's by its spelling. */
  #errorName(node) {
    const { parent, child } = this.#parent(node)
    const isCompared =
      (parent?.type === 'BinaryExpression' && COMPARISONS.has(parent.operator)) ||
      (parent?.type === 'SwitchCase' && parent.test === child)
    if (!isCompared) return
    if (node.value === 'ConnectionRefusedError') this.#report('error-refused', node)
    if (/^Security\w*Error$/.test(node.value)) this.#report('error-security', node)
  }

  global(kind, node) {
    if (kind.tag === 'TCPSocket' || kind.tag === 'TCPServerSocket') this.#report('class', node)
    if (kind.tag === 'UDPSocket') this.#report('udp-class', node)
  }

  /** `this` in a handler. */
  self(kind, node) {
    if (kind.isSocket || kind.isServer) this.#report('handler-this', node)
  }

  /** A module that this package takes the place of. */
  replaced(node) {
    this.#report('replaced-module', node)
  }

  computed(node) {
    this.#report('computed', node)
  }

  escape(rule, node) {
    this.#report(rule, node)
  }

  codeFromText(node) {
    this.#report('code-from-text', node)
  }

  /** A member of something unknown. */
  unknownMember(name, node) {
    if (TELLTALE.has(name) && bare(node.object).type !== 'ThisExpression') this.#report('looks-like', node)
  }

  function({ node, handles }) {
    if (handles.size === 0) return
    const ofServer = handles.has('server connect')
    if (ofServer && node.async) this.#report('connect-throws', node)
    for (const thrown of throwsOf(node)) this.#report(ofServer ? 'connect-throws' : 'handler-throws', thrown)
  }

  get(kind, name, node) {
    if (this.#isTarget(node)) return
    switch (kind.tag) {
      case 'window':
        if (OTHER_CLASSES.has(name)) this.#report('other-api', node)
        else if (name === 'TCPSocket' || name === 'TCPServerSocket') this.#report('class', node)
        else if (name === 'UDPSocket') this.#report('udp-class', node)
        return
      case 'navigator':
        if (name === 'mozTCPSocket' || name === 'TCPSocket') this.#report('factory', node)
        else if (OTHER_NAVIGATOR.has(name)) this.#report('other-api', node)
        return
      case 'factory':
        if (name === 'bufferedAmount') this.#report('factory-buffered', node)
        else if (SOCKET_MEMBERS.has(name)) this.#report('factory-attribute', node)
        return
      case 'dataEvent':
        return
      case 'payload':
        if (VIEW_MEMBERS.has(name)) this.#report('data-view', node)
        return
      case 'event':
        if (name === 'data') this.#report('open-data', node)
        return
      case 'errorEvent':
      case 'errorData':
        if (name === 'errorCode') this.#report('error-code', node)
        else if (ERROR_MEMBERS.has(name)) this.#report('error-shape', node)
        return
      case 'connectEvent':
        if (SOCKET_MEMBERS.has(name) && !['addEventListener', 'constructor', 'toString'].includes(name))
          this.#report('connect-argument', node)
        return
      default:
        if (kind.isSocket) this.#getOfSocket(kind, name, node)
        if (kind.isServer) this.#getOfServer(kind, name, node)
    }
  }

  #getOfSocket(kind, name, node) {
    // Of a promise of one.
    if (name === 'then' || name === 'catch' || name === 'finally') return undefined
    if (kind.isArgument && name === 'socket') return this.#report('on-connect-socket', node)
    if (kind.isArgument && name === 'data') return this.#report('connect-argument', node)
    if (name === 'open' || name === 'listen')
      return this.#report(this.#unknown(kind, node, 'method-of-socket'), node)
    if (name === 'bufferedAmount') return this.#report('buffered-amount', node)
    if (name === 'readyState') return this.#readyState(node)
    if (CALLED_MEMBERS.has(name) && this.#isCallee(node)) return undefined
    const isKnown = SOCKET_MEMBERS.has(name) || SOCKET_EVENTS.has(name.replace(/^on/, ''))
    return this.#report(isKnown ? 'member' : this.#unknown(kind, node, 'unknown-member'), node)
  }

  /** The rule for a member that `kind` has not, where that may not be all that the thing can be. */
  #unknown(kind, node, rule) {
    const of = node.type === 'MemberExpression' ? [...this.#flow.evaluate(node.object)].filter(isApi) : [kind]
    return kind.isMaybe || of.length > 1 ? 'ambiguous' : rule
  }

  #readyState(node) {
    const compared = this.#comparedWith(node)
    if (compared.length === 0) this.#report('ready-state', node)
    for (const { value, node: other } of compared) {
      const rule = READY_STATES.has(value)
        ? value === 'open' || value === 'closing'
          ? 'ready-state-open'
          : 'ready-state'
        : 'bad-ready-state'
      this.#report(rule, other)
    }
  }

  #getOfServer(kind, name, node) {
    if (name === 'localPort') return this.#report('local-port', node)
    if ((name === 'close' || name === 'addEventListener') && this.#isCallee(node)) return undefined
    const isKnown = SERVER_MEMBERS.has(name) || SERVER_EVENTS.has(name.replace(/^on/, ''))
    return this.#report(isKnown ? 'server-member' : this.#unknown(kind, node, 'unknown-server-member'), node)
  }

  set(kind, name, values, valueNode, node) {
    if (kind.tag === 'navigator' || kind.tag === 'module' || kind.isEvent) return
    const [, type] = /^on([a-z]+)$/.exec(name) ?? []
    if (kind.isSocket && type !== undefined) {
      if (!SOCKET_EVENTS.has(type)) this.#report('unknown-type', node)
      else this.#report({ drain: 'on-drain', error: 'on-error' }[type] ?? 'handler', node)
    }
    if (kind.isServer && type !== undefined) {
      if (type === 'connect') this.#onConnect(kind, node)
      else this.#report(type === 'error' ? 'server-error' : 'unknown-type', node)
    }
  }

  #onConnect(kind, node) {
    this.#connectSet = true
    this.#report(kind.tag === 'listener' ? 'on-connect-socket' : 'on-connect-event', node)
  }

  /** The method `name` of `of` is called. */
  call(of, name, node, args) {
    const at = node
    switch (name) {
      case 'open':
        if (of.isSocket) return
        this.#report('open', at)
        checkOpen(node.arguments, args, this.#report)
        return
      case 'listen':
        if (of.isSocket) return
        this.#serverMade ??= node
        this.#report('listen', at)
        checkListen(node.arguments, args, this.#report)
        if (!this.#isTried(node)) this.#report('listen-throws', at)
        return
      case 'send':
        this.#send(node, args)
        return
      case 'suspend':
      case 'resume':
        this.#report(name, at)
        return
      case 'upgradeToSecure':
        this.#report(of.isAccepted && !of.isMaybe ? 'upgrade-accepted' : 'upgrade', at)
        return
      case 'close':
        this.#report(of.isServer ? 'server-close' : 'close', at)
        return
      case 'closeImmediately':
        this.#report('close-at-once', at)
        return
      case 'addEventListener':
      case 'removeEventListener':
        this.#listener(of, name, node)
        return
      default:
        this.#report(of.isServer ? 'server-member' : 'member', at)
    }
  }

  #listener(of, name, node) {
    const type = literal(node.arguments[0])
    const types = of.isServer ? SERVER_EVENTS : SOCKET_EVENTS
    if (typeof type !== 'string') return this.#report('computed', node)
    if (types.has(type.replace(/^on/, '')) && type.startsWith('on') && !types.has(type))
      return this.#report('bad-type', node)
    if (!types.has(type)) return this.#report('unknown-type', node)
    if (name === 'removeEventListener') return this.#report('listener', node)
    if (of.isServer && type === 'connect') {
      this.#connectSet = true
      return this.#report('on-connect-event', node)
    }
    if (of.isServer) return this.#report('server-error', node)
    return this.#report({ drain: 'on-drain', error: 'on-error' }[type] ?? 'listener', node)
  }

  #send(node, args) {
    const { parent } = this.#parent(node)
    const [data, offset, length] = node.arguments
    const isUsed = parent?.type !== 'ExpressionStatement'
    if (isUsed) this.#report('send-answer', node)
    const kinds = args[0] ?? new Set()
    const text = literal(data)
    if (kinds.has(K.view)) this.#report('send-view', data)
    else if (kinds.has(K.buffer)) this.#report('send-buffer', data)
    if (typeof text === 'string' && /[^\u0000-\u00ff]/.test(text)) this.#report('send-wide', data)
    if (offset && literal(offset) !== 0) this.#report('send-offset', offset)
    if (length) {
      const count = literal(length)
      if (count === 0) this.#report('send-nothing', length)
      else if (count === undefined) this.#report('send-length', length)
      if (isUsed) this.#report('send-length-answer', node)
    }
    this.#report('send', node)
  }

  /** Whether what `node` throws is caught in its function. */
  #isTried(node) {
    for (let at = node; at; at = this.#flow.parents.get(at)) {
      const parent = this.#flow.parents.get(at)
      if (parent?.type === 'TryStatement' && parent.block === at && parent.handler) return true
      if (isFunction(at)) return false
    }
    return false
  }

  /** `new` of a class. */
  construct(kind, node, args) {
    if (kind.tag === 'TCPSocket') {
      this.#report('open', node)
      checkOpen(node.arguments, args, this.#report)
      return
    }
    this.#serverMade ??= node
    this.#report('listen', node)
    checkListen(node.arguments, args, this.#report)
    if (!this.#isTried(node)) this.#report('listen-throws', node)
  }
}

/** The `throw` statements of a function that nothing in it catches. */
function throwsOf(root) {
  const found = []
  const visit = (node) => {
    if (node !== root && isFunction(node)) return
    if (node.type === 'ThrowStatement') found.push(node)
    if (node.type === 'TryStatement' && node.handler) {
      visit(node.handler)
      if (node.finalizer) visit(node.finalizer)
      return
    }
    children(node, visit)
  }
  visit(root)
  return found
}

module.exports = { Uses }
