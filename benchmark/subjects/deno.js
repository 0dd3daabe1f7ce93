'use strict'

// Deno's native sockets, for Deno: promises, and reads into the application's own buffer.

const { FEW, PER_TURN, SMALL, nextHost, openMany, run, say } = require('./harness.js')
const { Pop3 } = require('./pop3.js')

const READ_BYTES = 64 * 1024

async function connect(options, hostname = '127.0.0.1') {
  const { port, ca } = options
  // Deno has no such option for TLS.
  if (options.tls) return Deno.connectTls({ hostname, port, caCerts: [ca] })
  const socket = await Deno.connect({ hostname, port })
  socket.setNoDelay(true)
  return socket
}

async function listen(options, onsocket) {
  const { cert, key } = options
  const address = { hostname: '0.0.0.0', port: 0 }
  const server = options.tls ? Deno.listenTls({ ...address, cert, key }) : Deno.listen(address)
  say({ port: server.addr.port })
  for await (const socket of server) {
    if (!options.tls) socket.setNoDelay(true)
    onsocket(socket)
  }
}

/** Uses the sockets that the role accepts or, where it is a client's, those that it opens. */
async function each(options, use) {
  if (options.listens) {
    await listen(options, use)
    return
  }
  const open = async (opened) => {
    const socket = await connect(options)
    if (options.tls) await socket.handshake()
    opened()
    await use(socket)
  }
  openMany(options.connections || 1, open)
}

/** Calls `ondata` for all that arrives, and closes the socket at its end. */
async function read(socket, ondata) {
  const buffer = new Uint8Array(READ_BYTES)
  for (;;) {
    const count = await socket.read(buffer)
    if (count === null) break
    await ondata(buffer.subarray(0, count))
  }
  socket.close()
}

async function write(socket, data) {
  for (let sent = 0; sent < data.length;) sent += await socket.write(sent === 0 ? data : data.subarray(sent))
}

run({
  async receive(options, meter) {
    if (options.streams) {
      const { readable } = await Deno.connect({ hostname: '127.0.0.1', port: options.port })
      for await (const chunk of readable) meter.add(chunk.byteLength)
      return
    }
    await each(options, async (socket) => {
      const buffer = new Uint8Array(READ_BYTES)
      for (;;) meter.add(await socket.read(buffer))
    })
  },

  async send(options, meter) {
    const message = new Uint8Array(options.size)
    await each(options, async (socket) => {
      for (;;) {
        await write(socket, message)
        meter.add(message.length)
      }
    })
  },

  async small(options, meter) {
    const message = new Uint8Array(SMALL)
    const socket = await connect(options)
    meter.begin()
    for (let left = options.total / SMALL; left > 0; left -= PER_TURN) {
      const turn = []
      for (let i = 0; i < PER_TURN; i += 1) turn.push(write(socket, message))
      await Promise.all(turn)
      meter.work += PER_TURN
    }
    await socket.read(message)
    meter.end()
  },

  async echo(options, meter) {
    await each(options, (socket) =>
      read(socket, async (data) => {
        await write(socket, data)
        meter.add(data.length)
      }),
    )
  },

  async accept(options, meter) {
    await listen(options, async (socket) => {
      await read(socket, (data) => write(socket, data))
      meter.add(1)
    })
  },

  connect(options, meter) {
    const message = new Uint8Array(options.size)
    const work = async () => {
      const buffer = new Uint8Array(READ_BYTES)
      for (;;) {
        const socket = await connect(options, nextHost())
        await write(socket, message)
        for (let left = options.size; left > 0;) left -= await socket.read(buffer)
        socket.close()
        meter.add(1)
      }
    }
    for (let i = 0; i < options.connections; i += 1) work()
  },

  handshake(options, meter) {
    if (options.listens) {
      listen(options, async (socket) => {
        await socket.handshake()
        socket.close()
        meter.add(1)
      })
      return
    }
    const work = async () => {
      for (;;) {
        const socket = await connect(options)
        await socket.handshake()
        socket.close()
        meter.add(1)
      }
    }
    for (let i = 0; i < options.connections; i += 1) work()
  },

  async mailbox(options) {
    const socket = await connect(options)
    const done = Promise.withResolvers()
    const client = new Pop3((command) => write(socket, command), done.resolve)
    const reading = async () => {
      const buffer = new Uint8Array(READ_BYTES)
      for (;;) {
        const count = await socket.read(buffer)
        if (count === null) return
        // The client keeps what it gets.
        client.take(buffer.slice(0, count))
      }
    }
    await Promise.race([done.promise, reading()])
    socket.close()
  },

  // An idle connection has a small buffer: 64 KiB for each would be the application's fault.
  async idleServer(options, meter) {
    await listen(options, (socket) => idle(socket, meter))
  },

  idleClient(options, meter) {
    const open = async (opened) => {
      const socket = await connect(options, nextHost())
      if (options.tls) await socket.handshake()
      opened()
      await idle(socket, meter, () => openMany(options.connections - FEW, open))
    }
    openMany(FEW, open)
  },
})

async function idle(socket, meter, openOthers) {
  const buffer = new Uint8Array(1)
  while ((await socket.read(buffer)) !== null) {
    meter.order(buffer[0], openOthers)
    await socket.write(buffer)
  }
}
