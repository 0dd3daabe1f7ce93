'use strict'

// `tcpPermission`, `tcpServerPermission` and `udpPermission` of the draft, and what constructors and writes ask: whether the policy of the
// process allows a place. Everything is allowed where there is none.

const { ObjectFreeze, ObjectKeys, PromisePrototypeThen, TypeError } = require('../../builtins.js')
const { describe, toDictionary, toText } = require('../../convert.js')
const { domException } = require('../../dom-exceptions.js')
const { requireNetwork } = require('../../platform/network-permission.js')
const { deferred, handled } = require('../../promises.js')
const { askRawSocketPolicy, currentDecider } = require('../../raw-socket-policy.js')
const { MAX_PORT, toRange } = require('../../webidl.js')

const toAddress = (value, name) => toText(value, name)
const toPort = (value, name) => toRange(value, name, 1, MAX_PORT)

const REMOTE = { remoteAddress: toAddress, remotePort: toPort }
const LOCAL = { localAddress: toAddress, localPort: toPort }

/** By kind of socket: the members of a request. One that is absent means any. */
const MEMBERS = {
  __proto__: null,
  tcp: REMOTE,
  'tcp-server': LOCAL,
  udp: { ...REMOTE, ...LOCAL },
}

/** Requests that were granted because `requestPermission` asked, and the function of the policy that granted them. */
let granted = []
let grantedBy = null

/** A request for `kind`, frozen, as the function of a policy gets it. */
function toRequest(kind, place, isRequest) {
  const converters = MEMBERS[kind]
  const names = ObjectKeys(converters)
  const request = { __proto__: null, kind, isRequest }
  for (let i = 0; i < names.length; i++) {
    const value = place[names[i]]
    if (value !== undefined && value !== null) request[names[i]] = converters[names[i]](value, names[i])
  }
  return ObjectFreeze(request)
}

function ask(request) {
  requireNetwork()
  return askRawSocketPolicy(request)
}

/** Whether what `requestPermission` was granted covers `request`. */
function isGranted(request) {
  if (grantedBy === null || grantedBy !== currentDecider()) return false
  for (let i = 0; i < granted.length; i++) if (covers(granted[i], request)) return true
  return false
}

function covers(grant, request) {
  if (grant.kind !== request.kind) return false
  const names = ObjectKeys(MEMBERS[grant.kind])
  for (let i = 0; i < names.length; i++) {
    const value = grant[names[i]]
    if (value !== undefined && value !== request[names[i]]) return false
  }
  return true
}

function remember(request, decider) {
  // The policy may have been replaced while it was being asked.
  if (decider === null || decider !== currentDecider()) return
  if (grantedBy !== decider) granted = []
  grantedBy = decider
  if (!isGranted(request)) granted[granted.length] = request
}

/** "granted", "denied" or "prompt", of what the policy answered. */
function toState(answer, request) {
  if (answer === 'prompt') return isGranted(request) ? 'granted' : 'prompt'
  if (answer === 'granted' || answer === 'denied') return answer
  throw new TypeError(
    `raw-socket: the policy answered ${describe(answer)}, which must be "granted", "denied" or "prompt"`,
  )
}

function denied(what, cause) {
  return domException('SecurityError', `${what}: the policy does not allow it`, cause)
}

/** Throws a SecurityError where a socket of `kind` may not have the `place`. `what` names what was to be done. */
function requirePermission(kind, place, what) {
  const request = toRequest(kind, place, false)
  let state
  try {
    const answer = ask(request)
    state = toState(isThenable(answer) ? ignored(answer) : answer, request)
  } catch (cause) {
    throw denied(what, cause)
  }
  if (state !== 'granted') throw denied(what)
}

/** Whoever constructs does not wait: a promise is no permission, and that it rejects is no news. */
function ignored(answer) {
  const { promise, resolve } = deferred()
  resolve(answer)
  handled(promise)
  return 'prompt'
}

function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function'
}

class Permission {
  #kind

  constructor(kind) {
    this.#kind = kind
  }

  hasPermission(options) {
    return this.#ask(options, false, (state) => state, undefined)
  }

  requestPermission(options) {
    const decider = currentDecider()
    const decide = (state, request) => {
      if (state !== 'granted') throw denied('requestPermission()')
      remember(request, decider)
    }
    return this.#ask(options, true, decide, denied)
  }

  /** A promise of what `decide(state, request)` returns. `toReason` makes what it rejects with where the policy fails to answer. */
  #ask(options, isRequest, decide, toReason) {
    const { promise, resolve, reject } = deferred()
    let request
    try {
      request = toRequest(this.#kind, toDictionary(options), isRequest)
    } catch (thrown) {
      reject(thrown)
      return promise
    }
    const failed = (cause) =>
      reject(toReason === undefined ? undefined : toReason('requestPermission()', cause))
    const settle = (answer) => {
      let state
      try {
        state = toState(answer, request)
      } catch (thrown) {
        return failed(thrown)
      }
      try {
        resolve(decide(state, request))
      } catch (thrown) {
        reject(thrown)
      }
    }
    try {
      requireNetwork()
    } catch (thrown) {
      // Node itself lets nobody use the network.
      if (isRequest) failed(thrown)
      else resolve('denied')
      return promise
    }
    const answer = deferred()
    handled(PromisePrototypeThen(answer.promise, settle, failed))
    try {
      answer.resolve(ask(request))
    } catch (thrown) {
      answer.reject(thrown)
    }
    return promise
  }
}

for (const name of ['hasPermission', 'requestPermission']) {
  Object.defineProperty(Permission.prototype, name, { enumerable: true })
}

const named = (kind, name) => {
  const permission = new Permission(kind)
  Object.defineProperty(permission, Symbol.toStringTag, { value: name, configurable: true })
  return permission
}

module.exports = {
  requirePermission,
  tcpPermission: named('tcp', 'TCPPermission'),
  tcpServerPermission: named('tcp-server', 'TCPServerPermission'),
  udpPermission: named('udp', 'UDPPermission'),
}
