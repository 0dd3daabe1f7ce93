'use strict'

// What the specs of UDPSocket share: sockets that are closed when the test ends, and their messages one at a time.

const { UDPSocket } = require('../../../index.js')

const text = (data) => Buffer.from(data).toString()

/** Of test `t`: `make(options)` a socket that is open, `take(socket)` its next message. */
function kit(t) {
  const sockets = new Set()
  t.teardown(() => Promise.all([...sockets].map((socket) => socket.close().catch(() => {}))))
  const own = {
    /** A socket that may still be opening. */
    opening(options) {
      const socket = new UDPSocket(options)
      sockets.add(socket)
      return socket
    },
    async open(options) {
      const socket = own.opening(options)
      await socket.opened
      return socket
    },
    /** Of loopback, for those that are to talk to nobody else. */
    local: (options) => own.open({ localAddress: '127.0.0.1', ...options }),
  }
  return own
}

/** Resolves with the next `count` messages. */
function messages(socket, count) {
  return new Promise((resolve, reject) => {
    const found = []
    const listen = (event) => {
      found.push(event)
      if (found.length < count) return
      socket.removeEventListener('message', listen)
      resolve(found)
    }
    socket.addEventListener('message', listen)
    socket.closed.then(() => reject(new Error('closed before')), reject)
  })
}

/** Resolves with the next message. */
const message = async (socket) => (await messages(socket, 1))[0]

/** Resolves with what `promise` rejects with, which must be a DOMException called `name`. ava does not take those for errors. */
async function rejection(t, promise, name) {
  const error = await promise.then(
    () => t.fail('it was fulfilled'),
    (reason) => reason,
  )
  t.true(error instanceof DOMException)
  t.is(error.name, name)
  return error
}

module.exports = { kit, message, messages, rejection, text }
