'use strict'

// Exceptions that handlers of the application throw. They are uncaught exceptions of the process, but not before the work is done during
// which they were thrown.

const { ArrayPrototypeShift, uncurryThis } = require('./builtins.js')
const { AsyncResource } = require('./platform/async.js')
const { reportException } = require('./platform/native.js')
const { soon } = require('./platform/process.js')

const runInAsyncScope = uncurryThis(AsyncResource.prototype.runInAsyncScope)

/** `{ thrown, context }` of each exception that waits to be reported. */
const uncaught = []

/**
 * What a handler threw is an uncaught exception, but must not break its socket (decision Q-25), nor what else belongs to
 * the event: Node forgets the asynchronous context when it reports one. So it is kept until `reportThrown`, together with
 * the context, in which whoever listens for uncaught exceptions is called, as for those of Node's own sockets.
 */
function reportLater(thrown) {
  uncaught[uncaught.length] = { thrown, context: new AsyncResource('TCPSOCKETEXCEPTION') }
}

/** The same where this may be no event of the engine, after which exceptions are reported. */
function reportSoon(thrown) {
  reportLater(thrown)
  soon(reportThrown)
}

/** Reports what was kept. Nothing that belongs to an event may follow. */
function reportThrown() {
  while (uncaught.length > 0) {
    const { thrown, context } = ArrayPrototypeShift(uncaught)
    runInAsyncScope(context, reportException, undefined, thrown)
  }
}

module.exports = { reportLater, reportSoon, reportThrown }
