'use strict'

// The other process of a soak: clients and servers of node:net and node:tls. Told what to do by scripts/soak.js.

const { once } = require('node:events')
const net = require('node:net')
const { setTimeout: delay } = require('node:timers/promises')
const tls = require('node:tls')

const { closedPort } = require('../../__test__/helpers/sockets.js')
const { arrival, content, signedArrival } = require('./content.js')
const { Lanes, chance } = require('./lanes.js')

const HOST = '127.0.0.1'
const LANES = 6

/** Resolves when `socket` is closed, with its error, if there was one. */
async function ended(socket) {
  let error
  socket.on('error', (reason) => (error ??= reason))
  await new Promise((resolve) => socket.once('close', resolve))
  return error
}

async function pour(socket, source) {
  let goOn
  const wake = () => goOn?.()
  socket.on('drain', wake).on('close', wake)
  for (let piece = source.next(); piece !== undefined && socket.writable; piece = source.next()) {
    if (!socket.write(piece)) await new Promise((resolve) => (goOn = resolve))
  }
}

async function listen(server) {
  server.on('tlsClientError', () => {})
  server.listen(0, HOST)
  await once(server, 'listening')
  return server.address().port
}

/** Servers. Errors of their connections are no news: our clients tell, and know what they expect. */
async function serve({ cert, key }, random, broken) {
  const ignore = (socket) => socket.on('error', () => {})
  const echo = (socket) => {
    ignore(socket)
    if (broken !== 'bytes' && broken !== 'hang') return socket.pipe(socket)
    socket.on('data', (data) => {
      if (random.below(50) > 0) return socket.write(data)
      if (broken === 'hang') return socket.pause()
      data[data.length >> 1] ^= 1
      socket.write(data)
    })
  }
  const push = async (socket) => {
    ignore(socket).resume()
    const source = content(random)
    await pour(socket, source)
    socket.end(source.digest())
  }
  // While a TLS handshake is under way, or at the first bytes of the application.
  const reset = (socket) => ignore(socket).once('data', () => socket.resetAndDestroy())
  const options = { noDelay: true }
  const secure = { ...options, cert, key }
  return {
    echo: await listen(net.createServer(options, echo)),
    secureEcho: await listen(tls.createServer(secure, echo)),
    push: await listen(net.createServer(options, push)),
    securePush: await listen(tls.createServer(secure, push)),
    reset: await listen(net.createServer(options, reset)),
    secureReset: await listen(tls.createServer(secure, echo)),
    closed: await closedPort(),
  }
}

function connect({ ca }, port, isSecure) {
  const options = { host: HOST, port, noDelay: true }
  return isSecure ? tls.connect({ ...options, ca, servername: 'localhost' }) : net.connect(options)
}

/** Clients, and what they do with our servers. */
function addActivities(lanes, random, pki, ports) {
  const open = (port, securePort) => {
    const isSecure = random.below(2) === 0
    return connect(pki, isSecure ? securePort : port, isSecure)
  }
  const isFine = (error, lost) => {
    lanes.lost(lost)
    if (error) throw new Error(`${error.code ?? error.message}, ${lost} bytes lost`)
  }

  const add = (name, ...rest) => lanes.add(`node: ${name}`, ...rest)
  add('echo', 6, async () => {
    const socket = open(ports.echo, ports.secureEcho)
    const source = content(random)
    const back = arrival(source.size)
    socket.on('data', (data) => {
      back.take(data)
      if (back.left() <= 0) socket.end()
    })
    const gone = ended(socket)
    await pour(socket, source)
    isFine(await gone, back.lost(source.digest()))
    lanes.moved(2 * source.size)
  })
  add('fetch', 4, async () => {
    const socket = open(ports.push, ports.securePush)
    const coming = signedArrival()
    socket.on('data', (data) => coming.take(data))
    isFine(await ended(socket), coming.lost())
    lanes.moved(coming.bytes())
  })
  add('reset', 4, async () => {
    const socket = net.connect({
      host: HOST,
      port: random.pick([ports.reset, ports.secureReset]),
      noDelay: true,
    })
    const gone = ended(socket)
    socket.once('connect', async () => {
      socket.write(content(random).next())
      await delay(random.below(5))
      socket.resetAndDestroy()
    })
    await gone
  })
  add('junk', 2, async () => {
    const socket = net.connect(ports.secureReset, HOST)
    const gone = ended(socket.resume())
    await pour(socket, content(random))
    socket.end()
    await gone
  })
  add('nothing', 1, async () => {
    const socket = open(ports.echo, ports.secureReset)
    const gone = ended(socket.resume())
    socket.end()
    await gone
  })
}

let state
const orders = {
  async prepare({ pki, seed, broken }) {
    const random = chance(seed + 1)
    state = { pki, random, lanes: new Lanes(LANES, random) }
    return serve(pki, random, broken)
  },
  start({ ports }) {
    const { pki, random, lanes } = state
    addActivities(lanes, random, pki, ports)
  },
  go: () => state.lanes.go(),
  rest: () => state.lanes.rest(),
  stop: () => process.exit(0),
}

process.on('message', async ({ order, data }) =>
  process.send({ order, data: (await orders[order](data)) ?? null }),
)
