'use strict'

// Exceptions with the names that Web standards give them. Those about the network say what the system said, as their `cause`.

const { DOMException } = require('./builtins.js')
const { defineHidden } = require('./interface.js')

/** A DOMException called `name`, such as "InvalidStateError". */
function domException(name, message, cause) {
  const error = new DOMException(message, name)
  if (error.name !== name) defineHidden(error, 'name', name)
  if (cause !== undefined) defineHidden(error, 'cause', cause)
  return error
}

module.exports = { domException }
