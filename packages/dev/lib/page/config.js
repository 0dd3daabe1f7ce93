'use strict'

// What Node.js told this page about itself, in the script before this one. Taken once: no script of the app finds the token later.

const KEY = Symbol.for('moz-tcp-socket.bridge')

const config = globalThis[KEY]
delete globalThis[KEY]

module.exports = { config }
