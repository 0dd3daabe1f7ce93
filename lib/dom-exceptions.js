'use strict'

// Exceptions with the names that Web standards give them. Those about the network say what the system said, as their `cause`.

const { DOMException, ObjectDefineProperty } = require('./builtins.js')

/** A DOMException called `name`, such as "InvalidStateError". */
function domException(name, message, cause) {
  const error = new DOMException(message, name)
  if (error.name !== name) define(error, 'name', name)
  if (cause !== undefined) define(error, 'cause', cause)
  return error
}

function define(error, name, value) {
  ObjectDefineProperty(error, name, { __proto__: null, value, writable: true, configurable: true })
}

module.exports = { domException }
