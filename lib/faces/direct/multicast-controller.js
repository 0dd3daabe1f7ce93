'use strict'

// MulticastController of Direct Sockets: which groups a bound UDPSocket belongs to. Memberships come and go in tasks of their own, so that a call
// has a time in which it is pending, as the specification says.

const { ArrayPrototypeJoin, ObjectFreeze, SafeMap, TypeError, uncurryThis } = require('../../builtins.js')
const { describe, isPlainAddress, requireArguments, toDictionary, toText } = require('../../convert.js')
const { domException } = require('../../dom-exceptions.js')
const { addressBytes, isMulticast } = require('../../ip-address.js')
const { runSoon } = require('../../platform/timers.js')
const { deferred } = require('../../promises.js')
const { bindFailure } = require('../../errors.js')
const { promised } = require('./members.js')
const { refusedMulticast } = require('./permissions.js')

/** Passed to the constructor by this file alone. */
const INTERNAL = Symbol('internal')

const mapForEach = uncurryThis(SafeMap.prototype.forEach)

let makeController

class MulticastController {
  /** The native socket; `null` where it is closed, and of a connected one. */
  #handle
  /** Who has the controller has the socket: otherwise that could be collected. */
  #owner
  /** By group and source: `{ group, source, state }`, where `state` is 'joining', 'joined' or 'leaving'. */
  #memberships = new SafeMap()
  /** Promises of calls that are under way. */
  #pending = new SafeMap()
  #joined = ObjectFreeze([])

  constructor(token, handle, owner) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor: a UDPSocket has one')
    this.#handle = handle
    this.#owner = owner
  }

  joinGroup(ipAddress, options = undefined) {
    return promised(() => {
      requireArguments('joinGroup', arguments.length, 1)
      const membership = this.#toMembership(ipAddress, options)
      this.#refuseTwice(membership)
      const key = keyOf(membership)
      this.#memberships.set(key, { ...membership, state: 'joining' })
      return this.#soon(key, 'join', membership, 'joined', undefined)
    })
  }

  leaveGroup(ipAddress, options = undefined) {
    return promised(() => {
      requireArguments('leaveGroup', arguments.length, 1)
      const membership = this.#toMembership(ipAddress, options)
      const key = keyOf(membership)
      const entry = this.#memberships.get(key)
      if (entry?.state !== 'joined') {
        throw invalidState(
          `leaveGroup(): ${describe(membership.group)} is not joined like that, or is being left`,
        )
      }
      entry.state = 'leaving'
      return this.#soon(key, 'leave', membership, undefined, 'joined')
    })
  }

  get joinedGroups() {
    return this.#joined
  }

  #toMembership(ipAddress, value) {
    if (this.#handle === null || this.#owner.state !== 'open') {
      throw invalidState('the socket is not open, or has one peer')
    }
    const group = toText(ipAddress, 'ipAddress')
    const { sourceAddress } = toDictionary(value)
    if (!isPlainAddress(group) || !isMulticast(group)) {
      throw new TypeError(
        `ipAddress ${describe(group)}: must be an address of a group, such as "224.0.0.251"`,
      )
    }
    const source = sourceAddress === undefined ? undefined : toSource(sourceAddress, group)
    const refused = refusedMulticast()
    if (refused !== undefined) throw refused
    return { group, source }
  }

  /** A group is held for everybody or for some sources, and each of those once. */
  #refuseTwice({ group, source }) {
    mapForEach(this.#memberships, (other) => {
      if (!isSame(other.group, group)) return
      const isAnother = source !== undefined && other.source !== undefined && !isSame(other.source, source)
      if (!isAnother)
        throw invalidState(`joinGroup(): ${describe(group)} is joined already, or is being joined`)
    })
  }

  /** Has the system do it in a task of its own. */
  #soon(key, call, { group, source }, after, before) {
    const outcome = deferred()
    this.#pending.set(outcome, true)
    runSoon(() => {
      if (!this.#pending.delete(outcome)) return
      try {
        this.#handle[call](group, source)
        this.#become(key, after)
        outcome.resolve()
      } catch (thrown) {
        this.#become(key, before)
        const cause = bindFailure(thrown, group, 0, 'setsockopt')
        outcome.reject(domException('NetworkError', cause.message, cause))
      }
    })
    return outcome.promise
  }

  #become(key, state) {
    if (state === undefined) this.#memberships.delete(key)
    else this.#memberships.get(key).state = state
    const joined = []
    mapForEach(this.#memberships, ({ group, source, state: now }) => {
      if (now === 'joining') return
      joined[joined.length] =
        source === undefined ? group : ObjectFreeze({ groupAddress: group, sourceAddress: source })
    })
    this.#joined = ObjectFreeze(joined)
  }

  #close() {
    this.#handle = this.#owner = null
    this.#memberships = new SafeMap()
    this.#joined = ObjectFreeze([])
    const pending = this.#pending
    this.#pending = new SafeMap()
    mapForEach(pending, (_, outcome) => outcome.reject(domException('AbortError', 'the socket was closed')))
  }

  static {
    makeController = (handle, owner) => {
      const controller = new MulticastController(INTERNAL, handle, owner)
      return { controller, close: () => controller.#close() }
    }
  }
}

for (const name of ['joinGroup', 'leaveGroup', 'joinedGroups']) {
  Object.defineProperty(MulticastController.prototype, name, { enumerable: true })
}
Object.defineProperty(MulticastController.prototype, Symbol.toStringTag, {
  value: 'MulticastController',
  configurable: true,
})

function invalidState(message) {
  return domException('InvalidStateError', message)
}

/** One sender of a group. */
function toSource(value, group) {
  const source = toText(value, 'sourceAddress')
  const isSender = isPlainAddress(source) && !isMulticast(source) && !isZero(source)
  if (!isSender || isV4(source) !== isV4(group)) {
    throw new TypeError(
      `sourceAddress ${describe(source)}: must be the address of one host, of the family of the group`,
    )
  }
  return source
}

const isV4 = (address) => addressBytes(address).length === 4

function isZero(address) {
  const bytes = addressBytes(address)
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}

/** Whether two spellings are one address. */
function isSame(one, other) {
  return keyOf({ group: one }) === keyOf({ group: other })
}

function keyOf({ group, source }) {
  const name = (address) => ArrayPrototypeJoin(addressBytes(address), '.')
  return source === undefined ? name(group) : `${name(group)} from ${name(source)}`
}

module.exports = { MulticastController, makeController }
