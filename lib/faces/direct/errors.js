'use strict'

// Errors of places that nobody needs to ask the system about.

const { Error } = require('../../builtins.js')
const { domException } = require('../../dom-exceptions.js')

/** The NetworkError with what the system would say, had it been asked, as its cause. */
function unreachable(message, code, syscall) {
  const cause = new Error(message)
  cause.code = code
  cause.syscall = syscall
  return domException('NetworkError', message, cause)
}

module.exports = { unreachable }
