'use strict'

// What makes a class look like the interface that it is in WebIDL.

/**
 * Makes the `members` of `Class` enumerable, and gives it the name that `toString` shows, and Gecko's `isInstance`, which
 * may be asked about anything.
 */
function asInterface(Class, members) {
  for (const name of members) Object.defineProperty(Class.prototype, name, { enumerable: true })
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true })
  Object.assign(Class, { isInstance: (value) => value instanceof Class })
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Lets `console.log` show the `attributes` of an instance, which are no properties of its own. */
function showAttributes(Class, attributes) {
  const value = function inspectAttributes(depth, options, inspect) {
    if (depth < 0) return options.stylize(`[${Class.name}]`, 'special')
    const shown = Object.fromEntries(attributes.map((name) => [name, read(this, name)]))
    const nested = { ...options, depth: options.depth === null ? null : options.depth - 1 }
    return `${Class.name} ${inspect(shown, nested)}`
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

module.exports = { asInterface, showAttributes }
