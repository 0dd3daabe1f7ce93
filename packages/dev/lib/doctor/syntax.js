'use strict'

// Text to a tree, and places in it. Nothing of what is read is ever run.

const { parseSync, visitorKeys } = require('oxc-parser')

/** Files whose names end like this are code, and of which language. */
const LANGUAGES = new Map([
  ['.js', 'jsx'],
  ['.cjs', 'jsx'],
  ['.mjs', 'jsx'],
  ['.jsm', 'jsx'],
  ['.jsx', 'jsx'],
  ['.ts', 'ts'],
  ['.cts', 'ts'],
  ['.mts', 'ts'],
  ['.tsx', 'tsx'],
])

/** The tree of `text`, in `language`; throws with `line` and `column` where it is no program. Tries a module first, then a script. */
function parse(text, language, place) {
  let first
  for (const sourceType of ['module', 'commonjs', 'script']) {
    let result
    try {
      result = parseSync('file', text, { lang: language, sourceType })
    } catch (error) {
      throw Object.assign(new Error(error.message, { cause: error }), { offset: 0 })
    }
    const { errors, program } = result
    if (errors.length === 0) return program
    first ??= errors[0]
  }
  const error = new Error(first.message)
  error.place = place(first.labels[0]?.start ?? 0)
  throw error
}

/** Where offsets of `text` are: `place(offset)` is `{ line, column }`, from 1. `origin` is where the text begins in its file. */
function placer(text, origin = { line: 1, column: 1 }) {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle] <= offset) low = middle
      else high = middle - 1
    }
    const column = offset - starts[low] + 1
    return { line: origin.line + low, column: low === 0 ? column + origin.column - 1 : column }
  }
}

/** Calls `each` with every child of `node` that is a node. */
function children(node, each) {
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key]
    if (Array.isArray(value)) {
      for (const child of value) if (child) each(child)
    } else if (value) {
      each(value)
    }
  }
}

const isFunction = ({ type }) =>
  type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression'

/** Without what means nothing when the program runs: parentheses, types, `?.`. */
function bare(node) {
  for (let at = node; ; at = at.expression) {
    switch (at?.type) {
      case 'ParenthesizedExpression':
      case 'ChainExpression':
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'TSNonNullExpression':
      case 'TSTypeAssertion':
      case 'TSInstantiationExpression':
        continue
      default:
        return at
    }
  }
}

/** The value of a literal, a template without holes, or a negative number; undefined for all else. */
function literal(node) {
  const at = bare(node)
  if (at?.type === 'Literal') return at.regex || at.bigint ? undefined : at.value
  if (at?.type === 'TemplateLiteral' && at.quasis.length === 1) return at.quasis[0].value.cooked
  if (at?.type === 'UnaryExpression' && (at.operator === '-' || at.operator === '+')) {
    const value = literal(at.argument)
    return typeof value === 'number' ? (at.operator === '-' ? -value : value) : undefined
  }
  return undefined
}

/** The name that a member or a property has, or undefined where it is computed while the program runs. */
function keyOf(node) {
  const key = node.type === 'MemberExpression' ? node.property : node.key
  if (!node.computed) {
    if (key.type === 'PrivateIdentifier') return `#${key.name}`
    return key.type === 'Identifier' ? key.name : String(key.value)
  }
  const value = literal(key)
  return typeof value === 'string' ? value : undefined
}

module.exports = { LANGUAGES, bare, children, isFunction, keyOf, literal, parse, placer }
