'use strict'

// `reenter.js KIND`, "plain" or "tls": does everything that a program can do in a handler, in every handler, in every way in which
// code of the program can run there. Prints `{ runs, wrong, reported }` as JSON.
// `reenter.js KIND EVENT WAY`: calls process.exit(42) there, and prints what runs afterwards.

const { once } = require('node:events')
const { writeSync } = require('node:fs')
const net = require('node:net')
const tls = require('node:tls')

const { TCPServerSocket, TCPSocket, TCPSocketEvent } = require('../../../index.js')
const { ACTIONS, HIGH_WATER, LOCAL, OwnError, TYPES } = require('./actions.js')

const { ca, cert, key } = JSON.parse(process.env.CALLERS_PKI)
const [kind, exitEvent, exitWay] = process.argv.slice(2)
const isTls = kind === 'tls'

/** Never in what is sent here, and the first byte of a client's TLS handshake. */
const HANDSHAKE = 0x16
/** Milliseconds. */
const PATIENCE = 20_000

const reported = { uncaught: 0, unhandled: 0, others: [] }
const note = (which) => (thrown) => {
  if (thrown instanceof OwnError) reported[which]++
  else reported.others.push(`${which} ${thrown?.stack}`)
}
if (exitEvent === undefined) {
  process.on('uncaughtException', note('uncaught'))
  process.on('unhandledRejection', note('unhandled'))
}

/** By the client's port, what the peer got: `{ bytes, ended }`, also before the peer knows of the connection. */
const received = new Map()
function receivedFrom(port) {
  if (!received.has(port)) {
    const got = { bytes: 0 }
    got.ended = new Promise((resolve) => (got.end = resolve))
    received.set(port, got)
  }
  return received.get(port)
}

/** What the peer answers with "hi". */
const HELLO = 'hello'

/** The peer: counts, answers a greeting, ends with the client, and starts TLS when a plain client does. */
function serve(socket) {
  const got = receivedFrom(socket.remotePort)
  socket
    .on('error', () => {})
    .on('close', got.end)
    .once('data', (chunk) => String(chunk) === HELLO && socket.write('hi'))
  count(socket, got)
}

function count(socket, got) {
  socket.on('data', function receive(chunk) {
    const at = socket instanceof tls.TLSSocket ? -1 : chunk.indexOf(HANDSHAKE)
    got.bytes += at < 0 ? chunk.length : at
    if (at < 0) return
    socket.off('data', receive)
    socket.pause()
    socket.unshift(chunk.subarray(at))
    const secure = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: tls.createSecureContext({ cert, key }),
    })
    count(
      secure.on('error', () => {}),
      got,
    )
  })
}

async function listen(server) {
  server.on('tlsClientError', () => {})
  server.listen(0, LOCAL)
  await once(server, 'listening')
  return server.address().port
}

const openOne = (port, more) =>
  new TCPSocket(LOCAL, port, { binaryType: 'string', useSecureTransport: isTls, ca, ...more })

/** How code of the program comes to run while an event of `type` is delivered: `act(event)` is called once. */
const WAYS = {
  'an attribute': (target, type, act) => {
    target[`on${type}`] = act
  },
  'a listener': (target, type, act) => target.addEventListener(type, act),
  'an object that listens once': (target, type, act) => {
    target.addEventListener(type, { handleEvent: act }, { once: true })
  },
  'a listener after the attribute': (target, type, act) => {
    target[`on${type}`] = () => {}
    target.addEventListener(type, act)
  },
  'a microtask': (target, type, act) => {
    target[`on${type}`] = (event) => void Promise.resolve(event).then(act)
  },
  'a nested event': (target, type, act) => {
    let outer
    target.addEventListener('nested', () => act(outer))
    target[`on${type}`] = (event) => {
      outer = event
      target.dispatchEvent(new TCPSocketEvent('nested'))
    }
  },
  'an argument of send': (target, type, act) => {
    target[`on${type}`] = (event) => {
      const argument = {
        toString() {
          act(event)
          return 'y'
        },
      }
      try {
        ;(event.socket ?? target).send(argument)
      } catch (error) {
        if (error instanceof OwnError) throw error
        if (error.name !== 'NS_ERROR_FAILURE') throw error
      }
    }
  },
  'options of upgradeToSecure': (target, type, act) => {
    target[`on${type}`] = (event) => {
      const options = {
        get handshakeTimeout() {
          act(event)
          return undefined
        },
        get ca() {
          act(event)
          return ca
        },
      }
      try {
        ;(event.socket ?? target).upgradeToSecure(options)
      } catch (error) {
        if (error instanceof OwnError) throw error
        // The state, or that there is no certificate, or that it is secure already.
        if (error.name !== 'NS_ERROR_FAILURE' && !/^(?:cert|ca): /.test(error.message)) throw error
      }
    }
  },
}

/** Connects a socket and lets the event come. Returns `{ socket, target }`: `target` has the event, `socket` the connection. */
async function arrange(event, servers, controller, prepare) {
  if (event === 'connect') {
    const target = new TCPServerSocket(0, {
      localAddress: LOCAL,
      ...(isTls && { useSecureTransport: true, cert, key }),
    })
    const taken = new Promise((resolve) => {
      target.addEventListener('connect', ({ socket }) => {
        controller.signal.addEventListener('abort', () => socket.closeImmediately())
        resolve(socket)
      })
    })
    prepare(target)
    const client = isTls
      ? tls.connect({ port: target.localPort, host: LOCAL, ca })
      : net.connect(target.localPort, LOCAL)
    client.on('error', () => {}).resume()
    const socket = await taken
    target.close()
    return { socket }
  }
  const isFailing = event === 'error'
  const socket = openOne(isFailing && !isTls ? servers.closed : servers.port, {
    signal: controller.signal,
    ...(isFailing && { ca: undefined }),
  })
  if (event === 'data') socket.addEventListener('open', () => socket.send(HELLO))
  if (event === 'drain') socket.addEventListener('open', () => socket.send('x'.repeat(HIGH_WATER)))
  if (event === 'close') socket.addEventListener('open', () => socket.close())
  prepare(socket)
  return { socket }
}

/** Rejects when something that must come does not. */
function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not come`)), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** One case. Returns what is wrong, or `undefined`. */
async function attempt(event, way, action, servers) {
  const controller = new AbortController()
  const others = []
  const around = {
    servers,
    openOne,
    isTls,
    controller,
    port: event === 'connect' ? undefined : servers.port,
    wait: (one) => others.push(one),
  }
  let complaint
  let isDone
  const done = new Promise((resolve) => (isDone = resolve))
  let runs = 0
  let givenUp = false
  const types = []
  const watch = (socket) => {
    for (const type of TYPES) {
      socket.addEventListener(type, (one) => {
        if (one.isTrusted === false && one.data === null) return
        if (types.at(-1) === 'close') complaint = `${type} after close`
        types.push(type)
      })
    }
    for (const method of ['closeImmediately'])
      socket[method] = () => ((givenUp = true), TCPSocket.prototype[method].call(socket))
  }
  const act = (one) => {
    if (runs++ > 0) return undefined
    const socket = one.socket ?? one.target
    try {
      const result = ACTIONS[action](socket, event, one, around)
      setImmediate(isDone)
      return result
    } catch (error) {
      setImmediate(isDone)
      if (error instanceof OwnError) throw error
      complaint = `${action}: ${error.stack}`
      return undefined
    }
  }
  const made = await within(
    arrange(event, servers, controller, (target) => {
      if (event === 'connect') target.addEventListener('connect', ({ socket }) => watch(socket))
      else watch(target)
      WAYS[way](target, event, act)
    }),
    'connect',
  )
  const { socket } = made
  const closed = new Promise((resolve) => {
    if (socket.readyState === 'closed' && types.includes('close')) resolve()
    else socket.addEventListener('close', resolve)
  })
  await within(done, `on${event}`)
  if (socket.readyState === 'open') socket.send('still works')
  socket.close()
  await within(closed, 'close')
  await within(Promise.all(others), 'another')
  // Whatever comes late.
  await new Promise(setImmediate)
  if (controller.signal.aborted) givenUp = true
  const rest = types.filter((type) => type !== 'data' && type !== 'drain').join()
  const expected = event === 'connect' ? 'close' : event === 'error' ? 'error,close' : 'open,close'
  if (rest !== expected) return `events: ${types}`
  if (types.filter((type) => type === 'drain').length > 2) return `events: ${types}`
  if (socket.readyState !== 'closed' || socket.bufferedAmount !== 0) return `is ${socket.readyState}`
  if (event !== 'connect' && event !== 'error') {
    const got = receivedFrom(socket.localPort)
    await within(got.ended, 'the end at the peer')
    // The next connection may have this port.
    received.delete(socket.localPort)
    if (!givenUp && got.bytes !== socket.bytesWritten)
      return `${got.bytes} of ${socket.bytesWritten} bytes came`
  }
  return complaint
}

async function main() {
  const server = isTls ? tls.createServer({ cert, key }, serve) : net.createServer(serve)
  const port = await listen(server)
  const refusing = net.createServer()
  // Of these nobody counts the bytes.
  const another = isTls ? tls.createServer({ cert, key }) : net.createServer()
  another.on(isTls ? 'secureConnection' : 'connection', (socket) => socket.on('error', () => {}).resume())
  const servers = { port, other: await listen(another), closed: await listen(refusing) }
  refusing.close()
  await once(refusing, 'close')

  if (exitEvent !== undefined) return exitThere(servers)

  const wrong = []
  let runs = 0
  for (const event of [...TYPES, 'connect']) {
    for (const way of Object.keys(WAYS)) {
      // Nothing is read when it is closed.
      if (way === 'options of upgradeToSecure' && (event === 'error' || event === 'close')) continue
      await Promise.all(
        Object.keys(ACTIONS).map(async (action) => {
          runs++
          let complaint
          try {
            complaint = await attempt(event, way, action, servers)
          } catch (error) {
            complaint = error.stack
          }
          if (complaint !== undefined) wrong.push(`${action} in on${event}, by ${way}: ${complaint}`)
        }),
      )
    }
  }
  server.close()
  another.close()
  console.log(
    JSON.stringify({ runs, wrong: wrong.slice(0, 50), reported, actions: Object.keys(ACTIONS).length }),
  )
  process.exit()
}

async function exitThere(servers) {
  let isExiting = false
  const say = (text) => writeSync(1, `${text}\n`)
  process.on('exit', (code) => say(`exit ${code}`))
  await arrange(exitEvent, servers, new AbortController(), (target) => {
    for (const type of [...TYPES, 'connect'])
      target.addEventListener(type, () => isExiting && say(`late ${type}`))
    WAYS[exitWay](target, exitEvent, () => {
      isExiting = true
      process.exit(42)
    })
  })
}

main()
