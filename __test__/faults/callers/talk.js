'use strict'

// One conversation of a client of the package with a server of it, that uses as little of the language as it can: for programs in
// which that is broken.

const { TCPServerSocket, TCPSocket } = require('../../../index.js')

const LOCAL = '127.0.0.1'

/**
 * Resolves with `{ events, bytes }`: the events of the client, and how much its peer got of `size` bytes. `port`, if given, is where
 * nobody listens.
 */
function talk({ ca, cert, key }, secure, { port, size = 5_000_000 } = {}) {
  return new Promise((resolve) => {
    let bytes = 0
    let left = port === undefined ? 2 : 1
    let events = ''
    let server = null
    const end = () => {
      if (--left > 0) return
      if (server !== null) server.close()
      resolve({ events, bytes })
    }
    const options = { __proto__: null, binaryType: 'arraybuffer' }
    if (port === undefined) {
      server = new TCPServerSocket(
        0,
        secure
          ? { __proto__: null, ...options, localAddress: LOCAL, useSecureTransport: true, cert, key }
          : { __proto__: null, ...options, localAddress: LOCAL },
      )
      server.onconnect = (event) => {
        const { socket } = event
        socket.send('hello')
        socket.ondata = ({ data }) => {
          bytes += data.byteLength
        }
        socket.onclose = end
      }
    }
    const to = port ?? server.localPort
    const client = secure
      ? new TCPSocket(LOCAL, to, { __proto__: null, ...options, useSecureTransport: true, ca })
      : new TCPSocket(LOCAL, to, options)
    const say = (text) => {
      events = events === '' ? text : `${events} ${text}`
    }
    client.onopen = () => say('open')
    client.ondata = ({ data }) => {
      say(`data:${data.byteLength}`)
      client.send(new ArrayBuffer(size))
      client.close()
    }
    client.ondrain = () => say('drain')
    client.onerror = () => say('error')
    client.onclose = () => {
      say('close')
      end()
    }
  })
}

module.exports = { talk }
