'use strict'

// A host and a port in one text, as messages and `SocketInfo` have them.

const { StringPrototypeIncludes } = require('./builtins.js')

/** `example.org:993`, or `[2001:db8::1]:993`. */
function placeOf(host, port) {
  return StringPrototypeIncludes(host, ':') ? `[${host}]:${port}` : `${host}:${port}`
}

module.exports = { placeOf }
