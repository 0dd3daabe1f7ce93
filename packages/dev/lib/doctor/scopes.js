'use strict'

// Which variable each name in a program is: a Binding for each variable, and for each name that no one declares.

const { children, isFunction } = require('./syntax.js')

class Binding {
  /** What the variable may hold: see flow.js. */
  kinds = new Set()

  constructor(name, isGlobal) {
    this.name = name
    /** Nobody in the file declares it. */
    this.isGlobal = isGlobal
  }
}

class Scope {
  #names = new Map()

  constructor(parent) {
    this.parent = parent
  }

  declare(name) {
    let binding = this.#names.get(name)
    if (binding === undefined) {
      binding = new Binding(name, this.parent === null)
      this.#names.set(name, binding)
    }
    return binding
  }

  /** The variable that `name` is in here. The outermost scope declares what is missing. */
  find(name) {
    for (let scope = this; ; scope = scope.parent) {
      if (scope.#names.has(name) || scope.parent === null) return scope.declare(name)
    }
  }

  alias(name, binding) {
    if (!this.#names.has(name)) this.#names.set(name, binding)
  }
}

/** The names that a pattern declares. */
function patternNames(pattern, names = []) {
  switch (pattern?.type) {
    case 'Identifier':
      names.push(pattern.name)
      break
    case 'ObjectPattern':
      for (const property of pattern.properties) patternNames(property.value ?? property.argument, names)
      break
    case 'ArrayPattern':
      for (const element of pattern.elements) patternNames(element, names)
      break
    case 'AssignmentPattern':
      patternNames(pattern.left, names)
      break
    case 'RestElement':
      patternNames(pattern.argument, names)
      break
    case 'TSParameterProperty':
      patternNames(pattern.parameter, names)
      break
  }
  return names
}

/** Declares what `var` declares anywhere in a function, and functions in blocks, which old code calls from outside. */
function hoist(node, scope) {
  children(node, (child) => {
    if (child.type === 'VariableDeclaration' && child.kind === 'var')
      for (const { id } of child.declarations) for (const name of patternNames(id)) scope.declare(name)
    if (child.type === 'FunctionDeclaration' && child.id) scope.declare(child.id.name)
    if (!isFunction(child)) hoist(child, scope)
  })
}

/** Declares what belongs to a block. */
function declareBlock(body, scope) {
  for (const statement of body) {
    const node =
      statement.declaration && statement.type.startsWith('Export') ? statement.declaration : statement
    if (node.type === 'VariableDeclaration' && node.kind !== 'var')
      for (const { id } of node.declarations) for (const name of patternNames(id)) scope.declare(name)
    if ((node.type === 'ClassDeclaration' || node.type === 'FunctionDeclaration') && node.id)
      scope.declare(node.id.name)
    if (node.type === 'ImportDeclaration') for (const { local } of node.specifiers) scope.declare(local.name)
  }
}

const LOOPS = new Set(['ForStatement', 'ForInStatement', 'ForOfStatement'])

/** Finds the Binding of every Identifier of `program` that may be a variable: a Map by node. */
function resolve(program) {
  const bindings = new Map()
  const globals = new Scope(null)

  const visit = (node, scope) => {
    if (node.type === 'Identifier' || node.type === 'JSXIdentifier') {
      bindings.set(node, scope.find(node.name))
      return
    }
    let inner = scope
    if (node.type === 'Program') {
      inner = new Scope(globals)
      hoist(node, inner)
      declareBlock(node.body, inner)
    } else if (isFunction(node)) {
      inner = new Scope(scope)
      if (node.type === 'FunctionExpression' && node.id) inner.declare(node.id.name)
      if (node.type !== 'ArrowFunctionExpression') inner.declare('arguments')
      for (const parameter of node.params) for (const name of patternNames(parameter)) inner.declare(name)
      if (node.body) {
        hoist(node.body, inner)
        if (node.body.type === 'BlockStatement' || node.body.type === 'FunctionBody')
          declareBlock(node.body.body, inner)
      }
    } else if (node.type === 'BlockStatement' || node.type === 'StaticBlock') {
      inner = new Scope(scope)
      declareBlock(
        node.body.filter(({ type }) => type !== 'FunctionDeclaration'),
        inner,
      )
    } else if (node.type === 'SwitchStatement') {
      inner = new Scope(scope)
      for (const { consequent } of node.cases) declareBlock(consequent, inner)
    } else if (LOOPS.has(node.type)) {
      inner = new Scope(scope)
      const head = node.init ?? node.left
      if (head) declareBlock([head], inner)
    } else if (node.type === 'CatchClause') {
      inner = new Scope(scope)
      for (const name of patternNames(node.param)) inner.declare(name)
    } else if (node.type === 'ClassExpression' && node.id) {
      inner = new Scope(scope)
      inner.declare(node.id.name)
    }
    visitChildren(node, inner, scope)
  }

  const visitChildren = (node, scope, outer) => {
    children(node, (child) => {
      if (
        child.type.startsWith('TS') &&
        /Annotation|Parameter(?:Declaration|Instantiation)|Interface|Alias/.test(child.type)
      )
        return
      // Names of members are no variables.
      const isName =
        child.type === 'Identifier' &&
        ((node.type === 'MemberExpression' && child === node.property && !node.computed) ||
          (child === node.key && !node.computed && !node.shorthand) ||
          child === node.label ||
          child === node.imported ||
          (node.type === 'ExportSpecifier' && child === node.exported))
      if (isName) return
      // A function's own name is outside, if it is a declaration.
      visit(child, node.type === 'FunctionDeclaration' && child === node.id ? outer : scope)
    })
  }

  visit(program, globals)
  return bindings
}

module.exports = { Binding, resolve }
