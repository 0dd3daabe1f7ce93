'use strict'

// The product, through its public API alone; or another build of it, in the folder that `package` names.

const {
  DATAGRAMS,
  FEW,
  PER_TURN,
  SMALL,
  nextHost,
  openMany,
  options: orders,
  run,
  say,
} = require('./harness.js')
const { Pop3 } = require('./pop3.js')

const { TCPServerSocket, TCPSocket, UDPSocket } = require(orders.package || '../..')

/** `UDPSocket` of moz-tcp-socket/direct. */
function openDatagramStreams(options) {
  const { join } = require('node:path')
  const direct = require(join(orders.package || join(__dirname, '../..'), 'direct.js'))
  return new direct.UDPSocket(options).opened
}

/** `connect` of moz-tcp-socket/winter. */
function connectStream(address) {
  const { join } = require('node:path')
  return require(join(orders.package || join(__dirname, '../..'), 'winter.js')).connect(address)
}

function connect(options, host = '127.0.0.1') {
  const socket = new TCPSocket(host, options.port, {
    binaryType: options.string ? 'string' : 'arraybuffer',
    useSecureTransport: options.tls,
    ca: options.ca,
  })
  socket.onerror = fail
  return socket
}

function listen(options, onsocket) {
  const server = new TCPServerSocket(0, {
    binaryType: 'arraybuffer',
    useSecureTransport: options.tls,
    cert: options.cert,
    key: options.key,
  })
  server.onconnect = ({ socket }) => {
    socket.onerror = fail
    onsocket(socket)
  }
  say({ port: server.localPort })
}

/** Uses the sockets that the role accepts or, where it is a client's, those that it opens. */
function each(options, use) {
  if (options.listens) {
    listen(options, use)
    return
  }
  const open = (opened) => {
    const socket = connect(options)
    use(socket)
    whenOpen(socket, opened)
  }
  openMany(options.connections || 1, open)
}

/** An accepted socket is open from the start. */
function whenOpen(socket, then) {
  if (socket.readyState === 'open') then()
  else socket.addEventListener('open', then)
}

function fail(event) {
  throw event.data
}

run({
  async receive(options, meter) {
    if (options.streams) {
      const { readable } = connectStream(`127.0.0.1:${options.port}`)
      for await (const chunk of readable) meter.add(chunk.byteLength)
      return
    }
    each(options, (socket) => {
      socket.ondata = options.string
        ? (event) => meter.add(event.data.length)
        : (event) => meter.add(event.data.byteLength)
    })
  },

  send(options, meter) {
    const message = new Uint8Array(options.size)
    each(options, (socket) => {
      const pump = () => {
        let more = true
        while (more) {
          more = socket.send(message)
          meter.add(message.length)
        }
      }
      whenOpen(socket, pump)
      socket.ondrain = pump
    })
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

  echo(options, meter) {
    each(options, (socket) => {
      socket.ondata = ({ data }) => {
        socket.send(data)
        meter.add(data.byteLength)
      }
    })
  },

  accept(options, meter) {
    listen(options, (socket) => {
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
    if (options.listens) {
      listen(options, (socket) => {
        socket.onclose = () => meter.add(1)
        socket.close()
      })
      return
    }
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

  async datagramReceive(options, meter) {
    if (options.streams) {
      const { readable, localPort } = await openDatagramStreams({ localAddress: '127.0.0.1' })
      say({ port: localPort })
      for await (const { data } of readable) meter.add(data.byteLength > 0 ? 1 : 0)
      return
    }
    const socket = new UDPSocket({ localAddress: '127.0.0.1' })
    socket.onmessage = ({ data }) => meter.add(data.byteLength > 0 ? 1 : 0)
    await socket.opened
    say({ port: socket.localPort })
  },

  async datagramSend(options, meter) {
    const message = new Uint8Array(options.size)
    if (options.streams) {
      const { writable } = await openDatagramStreams({
        remoteAddress: '127.0.0.1',
        remotePort: options.port,
      })
      const writer = writable.getWriter()
      for (;;) {
        for (let i = 0; i < DATAGRAMS; i += 1) await writer.write({ data: message })
        meter.add(DATAGRAMS)
        await new Promise(setImmediate)
      }
    }
    const socket = new UDPSocket({ localAddress: '127.0.0.1' })
    await socket.opened
    const turn = () => {
      for (let i = 0; i < DATAGRAMS; i += 1) socket.send(message, '127.0.0.1', options.port)
      meter.add(DATAGRAMS)
      setImmediate(turn)
    }
    turn()
  },

  mailbox(options) {
    const socket = connect(options)
    const client = new Pop3(
      (command) => socket.send(command),
      () => socket.close(),
    )
    socket.ondata = ({ data }) => client.take(new Uint8Array(data))
  },

  idleServer(options, meter) {
    listen(options, (socket) => {
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
