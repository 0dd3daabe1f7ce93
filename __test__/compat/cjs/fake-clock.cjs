'use strict'

// What fake timers do, at their worst: after the package was loaded, or before that (`--first`), every function that
// plans something is replaced by one that does nothing. Sockets must go on, also where handlers are so slow that the event
// loop gets a turn between two events, and the exception of a handler must still be reported.

const assert = require('node:assert/strict')
const timers = require('node:timers')

function stopTheClock() {
  const never = () => ({})
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) globalThis[name] = never
  Object.assign(timers, { setTimeout: never, setInterval: never, setImmediate: never })
  process.nextTick = never
}

/** Milliseconds. Longer than events are delivered without a pause. */
const SLOW = 9

const first = process.argv.includes('--first')
if (first) stopTheClock()
const { TCPSocket, TCPServerSocket } = require('moz-tcp-socket')

if (!first) stopTheClock()

const mine = new Error('thrown by a handler')
const seen = []
process.on('uncaughtException', (error) => seen.push(error === mine ? 'exception' : error))
// What an exit handler throws would be one more uncaught exception, and be recorded above.
process.exitCode = 1
process.on('exit', () => {
  const expected = ['open', 'exception', 'drain', 'data', 'close']
  process.exitCode = seen.join() === expected.join() ? 0 : 1
  console.log(process.exitCode === 0 ? 'ok' : `${seen.join()} instead of ${expected.join()}`)
})

const server = new TCPServerSocket(0, { binaryType: 'arraybuffer', localAddress: '127.0.0.1' })
server.onconnect = ({ socket }) => {
  let received = 0
  socket.ondata = ({ data }) => {
    received += data.byteLength
    for (const until = performance.now() + SLOW; performance.now() < until;);
    if (received === 300000) socket.send('all')
  }
  socket.onclose = () => server.close()
}
const client = new TCPSocket('127.0.0.1', server.localPort)
client.onopen = () => {
  seen.push('open')
  assert.equal(client.send(new ArrayBuffer(300000)), false)
  throw mine
}
client.ondrain = () => seen.push('drain')
client.ondata = ({ data }) => {
  seen.push('data')
  assert.equal(data, 'all')
  client.close()
}
client.onclose = () => seen.push('close')
