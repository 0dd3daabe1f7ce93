'use strict'

// A page has no channels that tools could listen to: these are of the same shape, and silent.

const silent = { hasSubscribers: false, publish() {} }

module.exports = { channel: () => silent, traceIfAsked() {} }
