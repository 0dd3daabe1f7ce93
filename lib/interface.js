'use strict'

// What makes a class look like the interface that it is in WebIDL, also to `console.log`.

const { ObjectDefineProperty, ObjectKeys } = require('./builtins.js')
const { inspect: nodeInspect } = require('./platform/types.js')

/** Makes the `members` of `Class` enumerable, and its `isInstance`, if it has one, and gives it the name that `toString` shows. */
function asInterface(Class, members) {
  for (const name of members) Object.defineProperty(Class.prototype, name, { enumerable: true })
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true })
  if (Class.isInstance !== undefined) Object.defineProperty(Class, 'isInstance', { enumerable: true })
}

/** Gives `object` a property that is not enumerable, whatever it inherits. */
function defineHidden(object, name, value) {
  ObjectDefineProperty(object, name, { __proto__: null, value, writable: true, configurable: true })
}

/** Whether `value` can have private members: what `#member in value` may be asked about. */
function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Lets `console.log` show the `attributes` of an instance, which are no properties of its own, beside those that are.
 * Some assertion libraries call what this makes with less than Node does.
 */
function showAttributes(Class, attributes) {
  const value = function inspectAttributes(depth, options = {}, inspect = nodeInspect) {
    const name = this.constructor?.name ?? Class.name
    if (depth < 0) return `[${name}]`
    const shown = {}
    for (let i = 0; i < attributes.length; i++) shown[attributes[i]] = read(this, attributes[i])
    const own = ObjectKeys(this)
    for (let i = 0; i < own.length; i++) shown[own[i]] = this[own[i]]
    const nested = typeof options.depth === 'number' ? { ...options, depth: options.depth - 1 } : options
    return `${name} ${inspect(shown, nested)}`
  }
  Object.defineProperty(Class.prototype, INSPECT, { value, writable: true, configurable: true })
}

/** What only looks like an instance, as the prototype does, has no attributes. */
function read(object, name) {
  try {
    return object[name]
  } catch {
    return undefined
  }
}

module.exports = { asInterface, defineHidden, isObject, showAttributes }
