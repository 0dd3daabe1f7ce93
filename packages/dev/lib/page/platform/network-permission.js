'use strict'

// The permission model of Node.js, which the process at the other end of the bridge has, if any.

module.exports = { requireNetwork() {} }
