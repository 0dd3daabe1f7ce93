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

module.exports = { asInterface }
