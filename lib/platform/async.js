'use strict'

// Asynchronous contexts, as Node.js has them: what runs for an event can tell by them whose event it is.

const { AsyncResource } = require('node:async_hooks')

module.exports = { AsyncResource }
