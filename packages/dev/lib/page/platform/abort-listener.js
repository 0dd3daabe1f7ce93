'use strict'

// How to listen to an AbortSignal. Browsers have no way to be the first.

module.exports = { ABORT_LISTENER_OPTIONS: { __proto__: null, once: true } }
