'use strict'

// emailjs-tcp-socket, the package that mail clients use for this API today: ArrayBuffers, and clients only.
// It lets nobody pass a certificate authority, so that comes by NODE_EXTRA_CA_CERTS.

// The package is an ECMAScript module that was compiled; its class is the default export.
const { default: TCPSocket } = require('emailjs-tcp-socket')
const { FEW, PER_TURN, SMALL, nextHost, openMany, run } = require('./harness.js')
const { Pop3 } = require('./pop3.js')

function connect(options, host = '127.0.0.1') {
  const socket = TCPSocket.open(host, options.port, { useSecureTransport: options.tls })
  socket.onerror = ({ data }) => {
    throw data
  }
  return socket
}

run({
  receive(options, meter) {
    const socket = connect(options)
    socket.ondata = ({ data }) => meter.add(data.byteLength)
  },

  send(options, meter) {
    const message = new ArrayBuffer(options.size)
    const socket = connect(options)
    // `send` returns nothing; `drain` comes for each send.
    const pump = () => {
      socket.send(message)
      meter.add(message.byteLength)
    }
    socket.onopen = pump
    socket.ondrain = pump
  },

  small(options, meter) {
    const message = new ArrayBuffer(SMALL)
    const socket = connect(options)
    let left = options.total / SMALL
    const turn = () => {
      for (let i = 0; i < PER_TURN; i += 1) socket.send(message)
      meter.work += PER_TURN
      left -= PER_TURN
      if (left > 0) setImmediate(turn)
    }
    socket.onopen = () => {
      meter.begin()
      turn()
    }
    socket.ondata = () => meter.end()
  },

  echo(options, meter) {
    const open = (opened) => {
      const socket = connect(options)
      socket.onopen = opened
      socket.ondata = ({ data }) => {
        socket.send(data)
        meter.add(data.byteLength)
      }
    }
    openMany(options.connections || 1, open)
  },

  connect(options, meter) {
    const message = new ArrayBuffer(options.size)
    const open = () => {
      const socket = connect(options, nextHost())
      let left = options.size
      socket.onopen = () => socket.send(message)
      socket.ondata = ({ data }) => {
        left -= data.byteLength
        if (left === 0) socket.close()
      }
      socket.onclose = () => {
        meter.add(1)
        open()
      }
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  handshake(options, meter) {
    const open = () => {
      const socket = connect(options)
      socket.onopen = () => socket.close()
      socket.onclose = () => {
        meter.add(1)
        open()
      }
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  mailbox(options) {
    const socket = connect(options)
    const client = new Pop3(
      // It takes ArrayBuffers alone.
      (command) => socket.send(new Uint8Array(command).buffer),
      () => socket.close(),
    )
    socket.ondata = ({ data }) => client.take(new Uint8Array(data))
  },

  idleClient(options, meter) {
    const open = (opened) => {
      const socket = connect(options, nextHost())
      socket.onopen = opened
      socket.ondata = ({ data }) => {
        meter.order(new Uint8Array(data)[0], () => openMany(options.connections - FEW, open))
        socket.send(data)
      }
    }
    openMany(FEW, open)
  },
})
