'use strict'

// Bun's native sockets, for Bun. `write` tells how many bytes it took; the rest is the application's.

const { DATAGRAMS, FEW, PER_TURN, SMALL, nextHost, openMany, run, say } = require('./harness.js')
const { Pop3 } = require('./pop3.js')

/** What a pump writes before timers get their turn. */
const PUMP_BYTES = 1024 * 1024

function connect(options, socket, hostname = '127.0.0.1') {
  const secure = options.tls ? { tls: { ca: options.ca } } : {}
  Bun.connect({ hostname, port: options.port, socket: { ...handlers, ...socket }, ...secure }).catch(fail)
}

function listen(options, socket) {
  const secure = options.tls ? { tls: { cert: options.cert, key: options.key } } : {}
  const server = Bun.listen({
    hostname: '0.0.0.0',
    port: 0,
    socket: { ...handlers, ...socket },
    ...secure,
  })
  say({ port: server.port })
}

/**
 * Gives the handlers to the sockets that the role accepts or, where it is a client's, to those that it opens. `ready` is
 * called when one may be written to.
 */
function each(options, socket, ready = () => {}) {
  const readyBy = (then) => {
    if (!options.tls) {
      return {
        open(connected) {
          connected.setNoDelay(true)
          then(connected)
        },
      }
    }
    return { handshake: options.listens ? then : verified(then) }
  }
  if (options.listens) {
    listen(options, { ...socket, ...readyBy(ready) })
    return
  }
  const open = (opened) => {
    const then = (connected) => {
      ready(connected)
      opened()
    }
    connect(options, { ...socket, ...readyBy(then) })
  }
  openMany(options.connections || 1, open)
}

const handlers = {
  open: (socket) => socket.setNoDelay(true),
  data() {},
  error: (socket, error) => fail(error),
  connectError: (socket, error) => fail(error),
}

/** Bun hands the verdict on the certificate to the application, and goes on whatever it is. */
function verified(then) {
  return (socket, success, error) => {
    if (!success || error) fail(error)
    then(socket)
  }
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

/** Writes all of it, now or when the system takes more. */
function write(socket, data) {
  if (socket.data) {
    socket.data.push(data)
    return
  }
  const taken = socket.write(data)
  if (taken < data.length) socket.data = [data.subarray(Math.max(taken, 0))]
}

/** Goes on with what `write` could not. */
function drain(socket) {
  const waiting = socket.data
  socket.data = undefined
  for (const data of waiting || []) write(socket, data)
}

run({
  receive(options, meter) {
    each(options, { data: (connected, data) => meter.add(data.length) })
  },

  send(options, meter) {
    const message = Buffer.alloc(options.size)
    let offset = 0
    let scheduled = false
    const pump = (socket) => {
      for (let sum = 0; sum < PUMP_BYTES;) {
        const taken = socket.write(offset === 0 ? message : message.subarray(offset))
        if (taken <= 0) return
        sum += taken
        offset = (offset + taken) % message.length
        meter.add(taken)
        if (offset > 0) return
      }
      if (scheduled) return
      scheduled = true
      setImmediate(() => {
        scheduled = false
        pump(socket)
      })
    }
    each(options, { drain: pump }, pump)
  },

  small(options, meter) {
    const message = Buffer.alloc(SMALL)
    let left = options.total / SMALL
    const turn = (socket) => {
      for (let i = 0; i < PER_TURN; i += 1) write(socket, message)
      meter.work += PER_TURN
      left -= PER_TURN
      if (left > 0) setImmediate(turn, socket)
    }
    connect(options, {
      open(socket) {
        socket.setNoDelay(true)
        meter.begin()
        turn(socket)
      },
      data: () => meter.end(),
      drain,
    })
  },

  echo(options, meter) {
    each(options, {
      data(socket, data) {
        write(socket, data)
        meter.add(data.length)
      },
      drain,
    })
  },

  accept(options, meter) {
    listen(options, { data: write, close: () => meter.add(1), drain })
  },

  connect(options, meter) {
    const message = Buffer.alloc(options.size)
    const open = () => {
      let left = options.size
      const socket = {
        open(connected) {
          connected.setNoDelay(true)
          connected.write(message)
        },
        data(connected, data) {
          left -= data.length
          if (left === 0) connected.end()
        },
        close() {
          meter.add(1)
          open()
        },
      }
      connect(options, socket, nextHost())
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  handshake(options, meter) {
    if (options.listens) {
      listen(options, { handshake: (connected) => connected.end(), close: () => meter.add(1) })
      return
    }
    const open = () => {
      const socket = {
        handshake: verified((connected) => connected.end()),
        close() {
          meter.add(1)
          open()
        },
      }
      connect(options, socket)
    }
    for (let i = 0; i < options.connections; i += 1) open()
  },

  async datagramReceive(options, meter) {
    const socket = await Bun.udpSocket({
      hostname: '127.0.0.1',
      socket: { data: (_, data) => meter.add(data.length > 0 ? 1 : 0) },
    })
    say({ port: socket.port })
  },

  async datagramSend(options, meter) {
    const message = Buffer.alloc(options.size)
    const turn = (socket) => {
      let sent = 0
      while (sent < DATAGRAMS && socket.send(message, options.port, '127.0.0.1')) sent += 1
      meter.add(sent)
      // Otherwise it goes on when the system takes some.
      if (sent === DATAGRAMS) setImmediate(turn, socket)
    }
    turn(await Bun.udpSocket({ hostname: '127.0.0.1', socket: { drain: turn } }))
  },

  mailbox(options) {
    let client
    const start = (socket) => {
      client = new Pop3(
        (command) => write(socket, command),
        () => socket.end(),
      )
    }
    // The greeting may come with the end of the handshake.
    each(options, { data: (socket, data) => client.take(data), drain }, start)
  },

  idleServer(options, meter) {
    listen(options, {
      data(socket, data) {
        meter.order(data[0])
        socket.write(data)
      },
    })
  },

  idleClient(options, meter) {
    const open = (opened) => {
      const socket = {
        ...(options.tls ? { handshake: verified(opened) } : { open: opened }),
        data(connected, data) {
          meter.order(data[0], () => openMany(options.connections - FEW, open))
          connected.write(data)
        },
      }
      connect(options, socket, nextHost())
    }
    openMany(FEW, open)
  },
})
