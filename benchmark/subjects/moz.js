'use strict'

// The product, through its public API alone.

const { TCPServerSocket, TCPSocket } = require('../..')
const { FEW, PER_TURN, SMALL, nextHost, openMany, run, say } = require('./harness.js')

function connect(options, host = '127.0.0.1') {
  const socket = new TCPSocket(host, options.port, {
    binaryType: options.string ? 'string' : 'arraybuffer',
    useSecureTransport: options.tls,
    ca: options.ca,
  })
  socket.onerror = fail
  return socket
}

function listen(onsocket) {
  const server = new TCPServerSocket(0, { binaryType: 'arraybuffer' })
  server.onconnect = ({ socket }) => {
    socket.onerror = fail
    onsocket(socket)
  }
  say({ port: server.localPort })
}

function fail(event) {
  throw event.data
}

run({
  receive(options, meter) {
    const socket = connect(options)
    socket.ondata = options.string
      ? (event) => meter.add(event.data.length)
      : (event) => meter.add(event.data.byteLength)
  },

  send(options, meter) {
    const message = new Uint8Array(options.size)
    const socket = connect(options)
    const pump = () => {
      let more = true
      while (more) {
        more = socket.send(message)
        meter.add(message.length)
      }
    }
    socket.onopen = pump
    socket.ondrain = pump
  },

  small(options, meter) {
    const message = new Uint8Array(SMALL)
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

  reply(options, meter) {
    const socket = connect(options)
    socket.ondata = ({ data }) => {
      socket.send(data)
      meter.add(data.byteLength)
    }
  },

  echo(options, meter) {
    listen((socket) => {
      socket.ondata = ({ data }) => {
        socket.send(data)
        meter.add(data.byteLength)
      }
    })
  },

  accept(options, meter) {
    listen((socket) => {
      socket.ondata = ({ data }) => socket.send(data)
      socket.onclose = () => meter.add(1)
    })
  },

  connect(options, meter) {
    const message = new Uint8Array(options.size)
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

  idleServer(options, meter) {
    listen((socket) => {
      socket.ondata = ({ data }) => {
        meter.order(new Uint8Array(data)[0])
        socket.send(data)
      }
    })
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
