'use strict'

// Bun's native sockets, for Bun. `write` tells how many bytes it took; the rest is the application's.

const { FEW, PER_TURN, SMALL, nextHost, openMany, run, say } = require('./harness.js')

/** What a pump writes before timers get their turn. */
const PUMP_BYTES = 1024 * 1024

function connect(options, socket, hostname = '127.0.0.1') {
  const secure = options.tls ? { tls: { ca: options.ca } } : {}
  Bun.connect({ hostname, port: options.port, socket: { ...handlers, ...socket }, ...secure }).catch(fail)
}

function listen(socket) {
  say({ port: Bun.listen({ hostname: '0.0.0.0', port: 0, socket: { ...handlers, ...socket } }).port })
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
    const socket = { data: (connected, data) => meter.add(data.length) }
    connect(options, options.tls ? { ...socket, handshake: verified(() => {}) } : socket)
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
    if (options.tls) connect(options, { handshake: verified(pump), drain: pump })
    else connect(options, { open: pump, drain: pump })
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

  reply(options, meter) {
    connect(options, {
      data(socket, data) {
        write(socket, data)
        meter.add(data.length)
      },
      drain,
    })
  },

  echo(options, meter) {
    listen({
      data(socket, data) {
        write(socket, data)
        meter.add(data.length)
      },
      drain,
    })
  },

  accept(options, meter) {
    listen({ data: write, close: () => meter.add(1), drain })
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

  idleServer(options, meter) {
    listen({
      data(socket, data) {
        meter.order(data[0])
        socket.write(data)
      },
    })
  },

  idleClient(options, meter) {
    const open = (opened) => {
      const socket = {
        open: opened,
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
