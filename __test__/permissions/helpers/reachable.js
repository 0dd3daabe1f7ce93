'use strict'

// Everything that code can get hold of which is given some objects: properties of any kind, prototypes, and what getters answer.

const { isProxy } = require('node:util').types

/** A Map of each object and function that `roots` lead to, and the way there. */
function reachable(roots) {
  const found = new Map()
  const queue = []
  const meet = (value, way) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || found.has(value))
      return
    found.set(value, way)
    queue.push(value)
  }
  for (const [name, value] of Object.entries(roots)) meet(value, name)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const way = found.get(next)
    if (isProxy(next)) continue
    meet(Object.getPrototypeOf(next), `${way}.__proto__`)
    for (let owner = next; owner !== null; owner = Object.getPrototypeOf(owner)) {
      for (const key of Reflect.ownKeys(owner)) {
        const name = `${way}.${String(key)}`
        const { value, get, set } = Object.getOwnPropertyDescriptor(owner, key)
        if (owner === next) {
          meet(value, name)
          meet(get, `get ${name}`)
          meet(set, `set ${name}`)
        }
        if (get === undefined) continue
        try {
          meet(Reflect.apply(get, next, []), name)
        } catch {
          // What only looks like an instance has no such attribute.
        }
      }
    }
  }
  return found
}

module.exports = { reachable }
