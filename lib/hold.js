'use strict'

// Asynchronous `connect` handlers. One that awaits before it attaches its handlers would lose what the peer said
// meanwhile: so what an accepted socket receives waits until the handler is done, or until somebody listens for data.

const { wants, whenWanted } = require('./event-target.js')
const { closeAccepted, readingOf } = require('./tcp-socket.js')

/**
 * Holds back what `socket` receives until all promises are settled that its `connect` event was answered with: what the
 * `handler` attribute and the `listeners` returned.
 */
function holdFor(socket, { handler, listeners }) {
  const waits = []
  for (let i = 0; i < listeners.length; i++) {
    if (isThenable(listeners[i])) waits[waits.length] = { promise: listeners[i], isOfHandlerAttribute: false }
  }
  if (isThenable(handler)) waits[waits.length] = { promise: handler, isOfHandlerAttribute: true }
  if (waits.length === 0) return
  const reading = readingOf(socket)
  if (!wants(socket, 'data') && reading.holdBack()) whenWanted(socket, 'data', () => reading.letGo())
  let left = waits.length
  const settled = () => {
    if (--left === 0) reading.letGo()
  }
  for (let i = 0; i < waits.length; i++) void waitFor(waits[i], socket, settled)
}

async function waitFor({ promise, isOfHandlerAttribute }, socket, settled) {
  try {
    await promise
  } catch (reason) {
    // EventTarget reports those of listeners. The handler's becomes that of this function, which nobody handles.
    if (!isOfHandlerAttribute) return
    // As one that throws at once (decision Q-29).
    closeAccepted(socket)
    throw reason
  } finally {
    settled()
  }
}

function isThenable(value) {
  try {
    return typeof value?.then === 'function'
  } catch {
    // `await` meets it again, and makes a rejection of it.
    return true
  }
}

module.exports = { holdFor }
