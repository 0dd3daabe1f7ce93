'use strict'

// Tasks of a page: each event of a socket is one, as in Gecko.

const { port1, port2 } = new MessageChannel()
const post = port2.postMessage.bind(port2)
const due = []

port1.onmessage = () => due.shift()()

/** Calls `callback` in a task of its own, in the order of calls. */
function task(callback) {
  due.push(callback)
  post(null)
}

module.exports = { task }
