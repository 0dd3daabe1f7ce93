'use strict'

// Follows things of the API through a file: variables, members, object literals, arguments and answers of the file's functions, handlers,
// promises. It runs over the program again and again until it learns nothing more, and once more to report what uses.js sees.
//
// What a variable, or a member by its name, may hold is the same everywhere in the file, whatever the order of statements. So too much may
// be found, and not too little; what leaves the file's sight is reported as not followed.

const { K, builtinInstance, holdsApi, isApi, memberKind, moduleKind } = require('./kinds.js')
const { resolve } = require('./scopes.js')
const { bare, children, keyOf, literal } = require('./syntax.js')
const { NONE, Values } = require('./values.js')

/** Enough for any chain of assignments in code that people wrote; more would find nothing that they could. */
const MOST_ROUNDS = 12
/** Methods that hand what is in a collection to a function, and those that put something in. */
const CALLS_BACK = new Set(['forEach', 'map', 'filter', 'find', 'some', 'every', 'flatMap'])
const PUTS_IN = new Set(['push', 'unshift', 'add', 'set'])
const TAKES_OUT = new Set(['get', 'pop', 'shift', 'at', 'find', 'filter', 'values', 'slice'])
const COLLECTIONS = /^(?:Weak)?(?:Map|Set)$|^Array$/
const HARMLESS = /^(?:console|JSON|Object|Boolean|String|Array|assert|expect)$/

/** By the type of a node: what evaluates it, and everything in it. */
let VISITORS

class Flow extends Values {
  #functions = new Map()
  #objects = new Map()
  #current = null

  constructor(program) {
    super(resolve(program))
    this.program = program
    this.parents = new Map()
    const link = (node) =>
      children(node, (child) => {
        this.parents.set(child, node)
        link(child)
      })
    link(program)
  }

  /** Reports to `uses`, whose methods are called with what happens to things of the API. */
  run(uses) {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.changed = false
      this.evaluate(this.program)
      if (!this.changed) break
    }
    this.uses = uses
    this.evaluate(this.program)
  }

  #function(node) {
    let known = this.#functions.get(node)
    if (known === undefined) {
      known = {
        tag: 'function',
        node,
        args: [],
        thisKinds: new Set(),
        answers: new Set(),
        handles: new Set(),
      }
      known.bound = { tag: 'bound', target: known }
      this.#functions.set(node, known)
    }
    const outer = this.#current
    this.#current = { known, isArrow: node.type === 'ArrowFunctionExpression', outer }
    node.params.forEach((parameter, index) => {
      this.#assign(parameter, known.args[index] ?? NONE, null)
    })
    if (node.body) {
      const kinds = this.evaluate(node.body)
      if (node.body.type !== 'BlockStatement' && node.body.type !== 'FunctionBody')
        this.add(known.answers, kinds)
    }
    this.#current = outer
    this.uses?.function(known)
    return known
  }

  /** Of the innermost function that has a `this` of its own. */
  #thisKinds() {
    for (let at = this.#current; at !== null; at = at.outer) if (!at.isArrow) return at.known.thisKinds
    return NONE
  }

  /** Puts `kinds` where the pattern `target` says. */
  #assign(target, kinds, valueNode) {
    const at = bare(target)
    switch (at?.type) {
      case 'Identifier':
        if (this.bindings.has(at)) this.add(this.bindings.get(at).kinds, kinds)
        return
      case 'MemberExpression': {
        const of = this.evaluate(at.object)
        const name = keyOf(at)
        if (name !== undefined) this.set(of, name, kinds, valueNode, at)
        else {
          this.evaluate(at.property)
          if ([...of].some(isApi)) this.uses?.computed(at)
          this.putInside(of, kinds)
        }
        return
      }
      case 'AssignmentPattern':
        this.#assign(at.left, new Set([...kinds, ...this.evaluate(at.right)]), at.right)
        return
      case 'ObjectPattern':
        for (const property of at.properties) {
          if (property.type === 'RestElement') continue
          const name = keyOf(property)
          if (name === undefined) this.evaluate(property.key)
          else this.#assign(property.value, this.get(kinds, name, property), null)
        }
        return
      case 'ArrayPattern':
        for (const element of at.elements) if (element) this.#assign(element, this.inside(kinds), null)
        return
      case 'RestElement':
        this.#assign(at.argument, NONE, null)
        return
      case 'TSParameterProperty': {
        // A variable, and a member by the same name.
        const { parameter } = at
        this.#assign(parameter, kinds, null)
        const id = parameter.left ?? parameter
        this.add(this.memberSet(id.name), this.bindings.get(id).kinds)
      }
    }
  }

  /** What the value of `node` may be. Everything in it is looked at. */
  evaluate(node) {
    const at = bare(node)
    if (!at) return NONE
    const visit = VISITORS[at.type]
    if (visit) return visit(this, at) ?? NONE
    if (at.type.startsWith('TS') && at.type !== 'TSExportAssignment' && at.type !== 'TSEnumDeclaration')
      return NONE
    children(at, (child) => this.evaluate(child))
    return NONE
  }

  static {
    const union = (a, b) => new Set([...a, ...b])

    VISITORS = {
      __proto__: null,
      Identifier: (flow, node) => flow.bindingKinds(node),
      PropertyDefinition: (flow, node) => VISITORS.MethodDefinition(flow, node),
      ThisExpression: (flow, node) => {
        const kinds = flow.#thisKinds()
        for (const each of kinds) flow.uses?.self(each, node)
        return kinds
      },
      FunctionDeclaration(flow, node) {
        const known = flow.#function(node)
        if (node.id && flow.bindings.has(node.id)) flow.add(flow.bindings.get(node.id).kinds, [known])
        return new Set([known])
      },
      FunctionExpression: (flow, node) => VISITORS.FunctionDeclaration(flow, node),
      ArrowFunctionExpression: (flow, node) => new Set([flow.#function(node)]),
      ReturnStatement(flow, node) {
        const kinds = flow.evaluate(node.argument)
        if (flow.#current) flow.add(flow.#current.known.answers, kinds)
      },
      VariableDeclarator(flow, node) {
        const kinds = flow.evaluate(node.init)
        flow.#assign(node.id, kinds, node.init)
      },
      AssignmentExpression(flow, node) {
        const kinds = flow.evaluate(node.right)
        flow.#assign(node.left, kinds, node.right)
        if (node.operator === '=') flow.#exports(node.left, kinds, node)
        return kinds
      },
      MemberExpression(flow, node) {
        const kinds = flow.evaluate(node.object)
        const name = keyOf(node)
        if (name !== undefined && kinds.size === 0) flow.uses?.unknownMember(name, node)
        if (name !== undefined) return flow.get(kinds, name, node)
        flow.evaluate(node.property)
        if ([...kinds].some((each) => isApi(each) || each === K.navigator)) flow.uses?.computed(node)
        return flow.inside(kinds)
      },
      ObjectExpression(flow, node) {
        let known = flow.#objects.get(node)
        if (known === undefined) {
          known = { tag: 'object', node, properties: new Map(), nodes: new Map(), isComplete: true }
          flow.#objects.set(node, known)
        }
        for (const property of node.properties) {
          if (property.type === 'SpreadElement') {
            const spread = flow.evaluate(property.argument)
            const objects = [...spread].filter(({ tag }) => tag === 'object')
            if (objects.length === 0) known.isComplete = false
            for (const { nodes } of objects) for (const [name, each] of nodes) known.nodes.set(name, each)
            continue
          }
          const kinds = flow.evaluate(property.value)
          const name = keyOf(property)
          if (name === undefined) {
            flow.evaluate(property.key)
            known.isComplete = false
            flow.putInside(NONE, kinds)
            continue
          }
          known.nodes.set(name, { node: property, valueNode: property.value })
          if (!known.properties.has(name)) known.properties.set(name, new Set())
          flow.add(known.properties.get(name), kinds)
          // Methods of objects find each other by `this`.
          flow.add(
            flow.memberSet(name),
            [...kinds].filter((each) => isApi(each) || each.tag === 'function'),
          )
        }
        return new Set([known])
      },
      ArrayExpression(flow, node) {
        const list = flow.#list(node)
        for (const element of node.elements) if (element) flow.add(list.items, flow.evaluate(element))
        return new Set([list])
      },
      MethodDefinition(flow, node) {
        const kinds = flow.evaluate(node.value)
        const name = keyOf(node)
        if (name === undefined) flow.evaluate(node.key)
        else if (node.kind === 'get')
          for (const { answers } of flow.functionsOf(kinds)) flow.add(flow.memberSet(name), answers)
        else flow.add(flow.memberSet(name), kinds)
      },
      ConditionalExpression(flow, node) {
        flow.evaluate(node.test)
        return union(flow.evaluate(node.consequent), flow.evaluate(node.alternate))
      },
      LogicalExpression: (flow, node) => union(flow.evaluate(node.left), flow.evaluate(node.right)),
      SequenceExpression(flow, node) {
        return node.expressions.map((each) => flow.evaluate(each)).at(-1)
      },
      AwaitExpression: (flow, node) => flow.evaluate(node.argument),
      ForOfStatement(flow, node) {
        const of = flow.evaluate(node.right)
        const target = node.left.type === 'VariableDeclaration' ? node.left.declarations[0].id : node.left
        flow.#assign(target, flow.inside(of), null)
        flow.evaluate(node.body)
      },
      CallExpression: (flow, node) => flow.#call(node),
      NewExpression: (flow, node) => flow.#new(node),
      ImportDeclaration: (flow, node) => flow.#import(node),
      ImportExpression: (flow, node) => flow.#module(node.source),
      ExportDefaultDeclaration: (flow, node) =>
        flow.#escape(flow.evaluate(node.declaration), node, 'exported'),
      ExportNamedDeclaration(flow, node) {
        if (!node.declaration) {
          for (const { local } of node.specifiers)
            if (!node.source) flow.#escape(flow.evaluate(local), local, 'exported')
          return
        }
        const kinds = flow.evaluate(node.declaration)
        flow.#escape(kinds, node, 'exported')
        for (const { id } of node.declaration.declarations ?? [])
          if (id.type === 'Identifier') flow.#escape(flow.bindings.get(id)?.kinds ?? NONE, id, 'exported')
      },
    }
  }

  /** `module.exports = …`, `exports.x = …` */
  #exports(target, kinds, node) {
    const at = bare(target)
    if (at?.type !== 'MemberExpression') return
    const isExports = (each) =>
      this.isGlobal(each, 'exports') ||
      (bare(each).type === 'MemberExpression' &&
        this.isGlobal(bare(each).object, 'module') &&
        keyOf(bare(each)) === 'exports')
    if (isExports(at) || isExports(at.object)) this.#escape(kinds, node, 'exported')
  }

  #escape(kinds, node, rule) {
    if (this.uses === null) return
    if ([...kinds].some((each) => isApi(each) || (rule === 'exported' && holdsApi(each))))
      this.uses.escape(rule, node)
  }

  /** What the module that the literal `node` names exports. */
  #module(node) {
    const known = moduleKind(literal(node))
    if (known === K.factory) this.uses?.replaced(node)
    return known ? new Set([known]) : NONE
  }

  #import({ source, specifiers }) {
    const [exported] = this.#module(source)
    for (const { type, imported, local } of specifiers) {
      if (exported === undefined || !this.bindings.has(local)) continue
      const name = type === 'ImportSpecifier' ? (imported.name ?? imported.value) : 'default'
      const found = type === 'ImportNamespaceSpecifier' ? exported : memberKind(exported, name)
      if (found) this.add(this.bindings.get(local).kinds, [found])
    }
  }

  /** What the collection that `node` makes is known as. */
  #list(node) {
    if (!this.#objects.has(node)) this.#objects.set(node, { tag: 'list', items: new Set() })
    return this.#objects.get(node)
  }

  #args(node) {
    return node.arguments.map((each) => {
      if (each.type !== 'SpreadElement') return this.evaluate(each)
      this.evaluate(each.argument)
      return NONE
    })
  }

  #call(node) {
    const callee = bare(node.callee)
    const args = this.#args(node)
    if (this.isGlobal(callee, 'require')) return this.#module(node.arguments[0])
    if (callee.type === 'MemberExpression' && this.isGlobal(callee.object, 'Buffer')) return new Set([K.view])
    if (this.isGlobal(callee, 'eval')) this.uses?.codeFromText(node)
    const kinds = this.evaluate(callee)
    const name = callee.type === 'MemberExpression' ? keyOf(callee) : undefined
    const through =
      name === undefined ? undefined : this.#callMember(node, name, this.evaluate(callee.object), args)
    if (through !== undefined) return through

    const answers = new Set()
    let isFollowed = false
    const thisKinds = name === undefined ? [] : [...this.evaluate(callee.object)].filter(isApi)
    for (const each of kinds) {
      if (each.tag === 'function' || each.tag === 'bound') {
        isFollowed = true
        for (const answer of this.pass(each, args, thisKinds)) answers.add(answer)
      } else if (each.tag === 'settle') {
        isFollowed = true
        this.add(each.values, args[0] ?? NONE)
      } else if (each.tag === 'method') {
        isFollowed = true
        for (const answer of this.#callMethod(each, node, args)) answers.add(answer)
      }
    }
    const root = callee.type === 'MemberExpression' ? bare(callee.object) : callee
    if (!isFollowed && !(root.type === 'Identifier' && HARMLESS.test(root.name) && name !== 'assign'))
      for (const [index, each] of args.entries()) this.#escape(each, node.arguments[index], 'escapes')
    return answers
  }

  /** Calls of members that mean the same on every object. Returns undefined for all others. */
  #callMember(node, name, of, args) {
    if (name === 'bind') {
      const bound = this.functionsOf(of).map(({ bound: each }) => each)
      for (const each of this.functionsOf(of)) {
        const self = [...(args[0] ?? NONE)].filter(isApi)
        this.pass(each, args.slice(1), self)
      }
      return bound.length + [...of].filter(({ tag }) => tag === 'method').length > 0
        ? new Set([...bound, ...[...of].filter(({ tag }) => tag === 'method')])
        : undefined
    }
    if (name === 'call' && this.functionsOf(of).length > 0) {
      const self = [...(args[0] ?? NONE)].filter(isApi)
      return this.#passAll(of, args.slice(1), self)
    }
    // A promise is the same as what it is of.
    if (name === 'then') {
      const values = new Set([...of].filter(({ tag }) => tag !== 'function'))
      return this.#passAll(args[0], [values])
    }
    if ([...of].some((each) => isApi(each) || each === K.module)) return undefined
    if (name === 'resolve' && this.isGlobal(bare(node.callee).object, 'Promise')) return args[0]
    if (CALLS_BACK.has(name)) {
      for (const each of this.functionsOf(args[0] ?? NONE)) this.pass(each, [this.inside(of)])
      return new Set([...of, ...this.inside(of)])
    }
    if (this.memberSet(name).size > 0) return undefined
    if (PUTS_IN.has(name)) {
      for (const each of args) this.putInside(of, each)
      return NONE
    }
    if (TAKES_OUT.has(name)) return new Set([...of, ...this.inside(of)])
    return undefined
  }

  /** All functions that `kinds` may be are called so. Returns what they may answer. */
  #passAll(kinds = NONE, args, self) {
    const answers = new Set()
    for (const each of this.functionsOf(kinds))
      for (const answer of this.pass(each, args, self)) answers.add(answer)
    return answers
  }

  #callMethod({ of, name }, node, args) {
    this.uses?.call(of, name, node, args)
    if (name === 'open') return of.isSocket ? NONE : new Set([K.socket])
    if (name === 'listen') return of.isSocket ? NONE : new Set([K.listener])
    if (name === 'addEventListener') {
      const type = literal(node.arguments[0])
      if (typeof type === 'string') this.handle(of, type, args[1] ?? NONE, true)
    }
    return NONE
  }

  #new(node) {
    const args = this.#args(node)
    const callee = bare(node.callee)
    if (this.isGlobal(callee, 'Promise')) {
      const values = new Set()
      const known = this.#objects.get(node) ?? { tag: 'settle', values }
      this.#objects.set(node, known)
      for (const each of this.functionsOf(args[0] ?? NONE)) this.pass(each, [new Set([known])])
      return known.values
    }
    if (this.isGlobal(callee, 'Function')) this.uses?.codeFromText(node)
    if (callee.type === 'Identifier' && this.isDeclaredNowhere(callee)) {
      if (COLLECTIONS.test(callee.name)) return new Set([this.#list(node)])
      const made = builtinInstance(callee.name)
      if (made) return new Set([made])
    }
    const kinds = this.evaluate(callee)
    let isFollowed = false
    const made = new Set()
    for (const each of kinds) {
      if (each.tag === 'function') {
        isFollowed = true
        this.pass(each, args)
      }
      const instance = { TCPSocket: K.socket, TCPServerSocket: K.server }[each.tag]
      if (each === K.UDPSocket) isFollowed = true
      if (!instance) continue
      isFollowed = true
      this.uses?.construct(each, node, args)
      made.add(instance)
    }
    // A class of the file: its constructor, whichever it is.
    if (!isFollowed && callee.type === 'Identifier' && !this.isDeclaredNowhere(callee)) {
      for (const each of this.functionsOf(this.memberSet('constructor'))) {
        isFollowed = true
        this.pass(each, args)
      }
    }
    if (!isFollowed)
      for (const [index, each] of args.entries()) this.#escape(each, node.arguments[index], 'escapes')
    return made
  }
}

module.exports = { Flow }
