'use strict'

// What variables and members may hold: see flow.js, which fills this in, and kinds.js.

const { globalKind, handlerArgument, memberKind, perhaps } = require('./kinds.js')
const { bare } = require('./syntax.js')

const NONE = new Set()
/** Kinds that tell nothing of their members. */
const PLAIN = new Set(['function', 'bound', 'list', 'settle', 'method'])
/** The name under which all that is in collections is known whose maker was not seen. */
const INSIDE = '[]'

class Values {
  bindings
  #members = new Map()
  /** Something was learnt in this round. */
  changed = false
  /** Whom to report to; `null` while still learning. */
  uses = null

  constructor(bindings) {
    this.bindings = bindings
  }

  /** What is in the collections `kinds`: of several things, so no more than perhaps. */
  inside(kinds) {
    const found = new Set()
    for (const each of this.insideSets(kinds)) for (const value of each) found.add(perhaps(value))
    return found
  }

  /** The sets that what is put into `kinds` belongs to. */
  insideSets(kinds = NONE) {
    const lists = [...kinds].filter(({ tag }) => tag === 'list').map(({ items }) => items)
    return lists.length > 0 ? lists : [this.memberSet(INSIDE)]
  }

  putInside(of, kinds) {
    for (const each of this.insideSets(of)) this.add(each, kinds)
  }

  /** The functions that `kinds` may be. */
  functionsOf(kinds) {
    return [...kinds].filter(({ tag }) => tag === 'function')
  }

  add(set, kinds) {
    for (const each of kinds) {
      if (set.has(each)) continue
      set.add(each)
      this.changed = true
    }
  }

  memberSet(name) {
    if (!this.#members.has(name)) this.#members.set(name, new Set())
    return this.#members.get(name)
  }

  bindingKinds(node) {
    const binding = this.bindings.get(node)
    if (binding === undefined) return NONE
    const own = binding.isGlobal ? globalKind(binding.name) : undefined
    if (own === undefined) return binding.kinds
    this.uses?.global(own, node)
    return new Set([own, ...binding.kinds])
  }

  /** Whether `node` is the global variable `name`. */
  isGlobal(node, name) {
    const at = bare(node)
    return at?.type === 'Identifier' && at.name === name && this.bindings.get(at)?.isGlobal === true
  }

  isDeclaredNowhere(node) {
    return this.bindings.get(node)?.isGlobal === true
  }

  get(kinds, name, node) {
    const found = new Set()
    let isKnown = false
    for (const each of kinds) {
      if (PLAIN.has(each.tag)) continue
      if (each.tag === 'object') {
        for (const value of each.properties.get(name) ?? NONE) found.add(value)
        continue
      }
      isKnown = true
      this.uses?.get(each, name, node)
      const value = memberKind(each, name)
      if (value) found.add(value)
    }
    if (!isKnown) for (const each of this.#members.get(name) ?? NONE) found.add(each)
    return found
  }

  set(kinds, name, values, valueNode, node) {
    let isKnown = false
    for (const each of kinds) {
      if (PLAIN.has(each.tag)) continue
      if (each.tag === 'object') {
        if (!each.properties.has(name)) each.properties.set(name, new Set())
        this.add(each.properties.get(name), values)
        if (!each.nodes.has(name)) each.nodes.set(name, { node, valueNode })
        continue
      }
      if (each.tag === 'window') continue
      isKnown = true
      this.uses?.set(each, name, values, valueNode, node)
      if (/^on[a-z]+$/.test(name)) this.handle(each, name.slice(2), values)
    }
    if (!isKnown) this.add(this.memberSet(name), values)
  }

  /** `values` handle events of `type`. */
  handle(target, type, values, isListener = false) {
    for (const each of values) {
      if (each.tag !== 'function' && each.tag !== 'bound') continue
      this.pass(
        each,
        [new Set([handlerArgument(target, type, isListener)])],
        each.tag === 'function' ? [target] : [],
      )
      const { handles } = each.target ?? each
      this.add(handles, [target.isServer ? `server ${type}` : `socket ${type}`])
    }
  }

  /** `callee` is called with arguments of these kinds. Returns what it may answer. */
  pass(callee, args, thisKinds = []) {
    const target = callee.tag === 'bound' ? callee.target : callee
    args.forEach((kinds, index) => {
      target.args[index] ??= new Set()
      this.add(target.args[index], kinds)
    })
    this.add(target.thisKinds, thisKinds)
    return target.answers
  }
}

module.exports = { NONE, Values }
