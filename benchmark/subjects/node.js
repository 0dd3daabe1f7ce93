'use strict'

// Node's own net, tls and dgram: Buffers, and no option beyond `noDelay`.

const dgram = require('node:dgram')
const net = require('node:net')
const tls = require('node:tls')

const { DATAGRAMS, FEW, PER_TURN, SMALL, nextHost, openMany, run, say } = require('./harness.js')
const { Pop3 } = require('./pop3.js')

/** What Node makes anew for each connection, unless the application knows that it may be shared. */
let sharedContext

function connect(options, host = '127.0.0.1') {
  const { port, ca } = options
  if (options.shareContext) {
    sharedContext ||= tls.createSecureContext({ ca })
    return tls.connect({ host, port, secureContext: sharedContext }).setNoDelay(true)
  }
  if (options.tls) return tls.connect({ host, port, ca }).setNoDelay(true)
  return net.connect({ host, port, noDelay: true })
}

function listen(options, onsocket) {
  const { cert, key } = options
  const server = options.tls
    ? tls.createServer({ cert, key, noDelay: true }, onsocket)
    : net.createServer({ noDelay: true }, onsocket)
  server.on('tlsClientError', (error) => {
    throw error
  })
  server.listen(0, '0.0.0.0', () => say({ port: server.address().port }))
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
    socket.on(options.tls ? 'secureConnect' : 'connect', opened)
  }
  openMany(options.connections || 1, open)
}

run({
  async receive(options, meter) {
    if (options.streams) {
      const { Readable } = require('node:stream')
      const socket = require('node:net').connect(options.port, '127.0.0.1')
      for await (const chunk of Readable.toWeb(socket)) meter.add(chunk.byteLength)
      return
    }
    each(options, (socket) => {
      if (options.string) socket.setEncoding('latin1')
      socket.on('data', (data) => meter.add(data.length))
    })
  },

  send(options, meter) {
    const message = Buffer.alloc(options.size)
    each(options, (socket) => {
      const pump = () => {
        let more = true
        while (more) {
          more = socket.write(message)
          meter.add(message.length)
        }
      }
      if (options.listens) pump()
      else socket.on(options.tls ? 'secureConnect' : 'connect', pump)
      socket.on('drain', pump)
    })
  },

  small(options, meter) {
    const message = Buffer.alloc(SMALL)
    const socket = connect(options)
    let left = options.total / SMALL
    const turn = () => {
      for (let i = 0; i < PER_TURN; i += 1) socket.write(message)
      meter.work += PER_TURN
      left -= PER_TURN
      if (left > 0) setImmediate(turn)
    }
    socket.on('connect', () => {
      meter.begin()
      turn()
    })
    socket.on('data', () => meter.end())
  },

  echo(options, meter) {
    each(options, (socket) => {
      socket.on('data', (data) => {
        socket.write(data)
        meter.add(data.length)
      })
    })
  },

  accept(options, meter) {
    listen(options, (socket) => {
      socket.on('data', (data) => socket.write(data))
      socket.on('close', () => meter.add(1))
    })
  },

  connect(options, meter) {
    const message = Buffer.alloc(options.size)
    const open = () => {
      const socket = connect(options, nextHost())
      let left = options.size
      socket.on('connect', () => socket.write(message))
      socket.on('data', (data) => {
        left -= data.length
        if (left === 0) socket.end()
      })
      socket.on('close', () => {
        meter.add(1)
        open()
      })
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  handshake(options, meter) {
    if (options.listens) {
      listen(options, (socket) => {
        socket.on('close', () => meter.add(1))
        socket.end()
        socket.resume()
      })
      return
    }
    const open = () => {
      const socket = connect(options)
      socket.on('secureConnect', () => socket.end())
      socket.on('close', () => {
        meter.add(1)
        open()
      })
      socket.resume()
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  datagramReceive(options, meter) {
    const socket = dgram.createSocket('udp4', (data) => meter.add(data.length > 0 ? 1 : 0))
    socket.bind(0, '127.0.0.1', () => say({ port: socket.address().port }))
  },

  datagramSend(options, meter) {
    const message = Buffer.alloc(options.size)
    const socket = dgram.createSocket('udp4')
    let underWay = 0
    // A turn of the loop for some of them: Node calls back for those that are sent meanwhile before it looks at timers.
    const turn = () => {
      underWay = DATAGRAMS
      for (let i = 0; i < DATAGRAMS; i += 1) socket.send(message, options.port, '127.0.0.1', sent)
    }
    const sent = (error) => {
      if (error) throw error
      meter.add(1)
      underWay -= 1
      if (underWay === 0) setImmediate(turn)
    }
    socket.bind(0, '127.0.0.1', turn)
  },

  mailbox(options) {
    const socket = connect(options)
    const client = new Pop3(
      (command) => socket.write(command),
      () => socket.end(),
    )
    socket.on('data', (data) => client.take(data))
  },

  idleServer(options, meter) {
    listen(options, (socket) => {
      socket.on('data', (data) => {
        meter.order(data[0])
        socket.write(data)
      })
    })
  },

  idleClient(options, meter) {
    const open = (opened) => {
      const socket = connect(options, nextHost())
      socket.on(options.tls ? 'secureConnect' : 'connect', opened)
      socket.on('data', (data) => {
        meter.order(data[0], () => openMany(options.connections - FEW, open))
        socket.write(data)
      })
    }
    openMany(FEW, open)
  },
})
