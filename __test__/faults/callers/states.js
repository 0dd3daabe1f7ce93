'use strict'

// Sockets of ours, brought into each state that there is, plain and with TLS, with a peer that can check afterwards what became of
// them.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const { fullListener } = require('../../helpers/full-listener.js')
const { makePki } = require('../../helpers/pki.js')
const { closedPort } = require('../../helpers/sockets.js')

/** More than the operating system takes for a peer that does not read. */
const MUCH = 12 * 1024 * 1024

/** Milliseconds after which something that should come is missing. */
const PATIENCE = 30_000

/** Rejects when `promise` has not settled after a time that is long for everything in here. */
function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${what}`)), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** A server of others: `{ port, peer() }`; the latter resolves with the next connection, which is paused. */
async function rawServer(own, secure) {
  const { cert, key } = makePki()
  const options = { allowHalfOpen: true, pauseOnConnect: !secure, noDelay: true }
  const server = secure ? tls.createServer({ ...options, cert, key }) : net.createServer(options)
  const [sockets, arrived] = [[], []]
  server.on('connection', (socket) => sockets.push(socket.on('error', () => {})))
  server.on('tlsClientError', () => {})
  server.on(secure ? 'secureConnection' : 'connection', (socket) => {
    socket.on('error', () => {}).pause()
    sockets.push(socket)
    // Not at once: Node says so in the middle of SSL_read, which a test that ends here and destroys the socket would crash.
    setImmediate(() => {
      arrived.push(socket)
      server.emit('arrived')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  own.onEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const peer = async () => {
    while (arrived.length === 0) await once(server, 'arrived')
    return arrived.shift()
  }
  return { port: server.address().port, peer }
}

/** Everything that `peer` gets from now on, until its end. */
async function drink(peer) {
  const chunks = []
  for await (const chunk of peer) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** How to connect with TLS, or without; a plain socket could begin it later. */
function clientOptions(secure, binaryType) {
  return { binaryType, useSecureTransport: secure, ca: makePki().ca }
}

async function openTo(own, secure, binaryType) {
  const server = await rawServer(own, secure)
  const [socket, events] = own.open('127.0.0.1', server.port, clientOptions(secure, binaryType))
  const [peer] = await within(Promise.all([server.peer(), events.event('open')]), 'open')
  return { socket, events, peer }
}

/**
 * What follows in most states: the socket is closed, the peer has got `sent` to the last byte, and there were the events `types`, and
 * nothing else. So much is sent in one turn that a `drain` is due.
 */
async function endsWell(t, { socket, events, peer }, sent, types = ['open', 'drain', 'close']) {
  const all = drink(peer)
  socket.close()
  const got = await within(all, 'what was sent')
  peer.end()
  t.deepEqual(await within(events.closed(), 'close'), types)
  t.true(got.equals(Buffer.concat(sent)), `${got.length} bytes of ${Buffer.concat(sent).length}`)
}

/**
 * Each makes `{ socket, events, readyState, sends, sent, finish(t, sent) }`: `sends` says whether `send` is allowed, `sent` is what
 * was sent already, and `finish` brings the socket to its end and checks that everything `sent` has come, and all events.
 */
const STATES = {
  async connecting(own, secure, binaryType) {
    const { port } = secure ? await rawServer(own, false) : await fullListener(own)
    const [socket, events] = own.open('127.0.0.1', port, clientOptions(secure, binaryType))
    const finish = async (t) => {
      t.deepEqual(events.types, [])
      socket.close()
      t.deepEqual(await within(events.closed(), 'close'), ['close'])
    }
    return { socket, events, readyState: 'connecting', sends: false, finish }
  },

  async open(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    const finish = async (t, sent) => {
      made.peer.write('still there')
      t.is(String(await within(made.events.data(11), 'data')), 'still there')
      await endsWell(t, made, sent)
    }
    return { ...made, readyState: 'open', sends: true, finish }
  },

  async suspended(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    made.socket.suspend()
    made.peer.write('waits')
    const finish = async (t, sent) => {
      t.is(made.events.bytes, 0)
      made.socket.resume()
      t.is(String(await within(made.events.data(5), 'data')), 'waits')
      await endsWell(t, made, sent)
    }
    return { ...made, readyState: 'open', sends: true, finish }
  },

  async draining(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    const much = Buffer.alloc(MUCH, 'd')
    made.socket.send(much.buffer)
    await new Promise(setImmediate)
    const finish = async (t, sent) => {
      t.true(made.socket.bufferedAmount > 0)
      t.deepEqual(made.events.types, ['open'])
      made.peer.write('still there')
      t.is(String(await within(made.events.data(11), 'data')), 'still there')
      await endsWell(t, made, sent)
    }
    return { ...made, readyState: 'open', sends: true, sent: [much], finish }
  },

  async 'half closed by the peer'(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    const much = Buffer.alloc(MUCH, 'h')
    made.socket.send(much.buffer)
    made.peer.end('last words')
    await within(made.events.data(10), 'data')
    // The end comes right behind.
    await own.letTimeGo()
    const finish = async (t, sent) => {
      t.is(made.socket.readyState, 'open')
      const all = await within(drink(made.peer), 'what was sent')
      t.deepEqual(await within(made.events.closed(), 'close'), ['open', 'drain', 'close'])
      t.true(all.equals(Buffer.concat(sent)), `${all.length} bytes of ${Buffer.concat(sent).length}`)
    }
    return { ...made, readyState: 'open', sends: true, sent: [much], finish }
  },

  async closing(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    const much = Buffer.alloc(MUCH, 'c')
    made.socket.send(much.buffer)
    made.socket.close()
    const finish = async (t, sent) => {
      await endsWell(t, made, sent)
    }
    return { ...made, readyState: 'closing', sends: false, sent: [much], finish }
  },

  async closed(own, secure, binaryType) {
    const made = await openTo(own, secure, binaryType)
    made.peer.resume()
    made.peer.end()
    await within(made.events.closed(), 'close')
    const finish = async (t) => t.deepEqual(await made.events.closed(), ['open', 'close'])
    return { ...made, readyState: 'closed', sends: false, finish }
  },

  async failed(own, secure, binaryType) {
    const options = clientOptions(secure, binaryType)
    const port = secure ? (await rawServer(own, true)).port : await closedPort()
    const [socket, events] = own.open('127.0.0.1', port, secure ? { ...options, ca: undefined } : options)
    await within(events.event('error'), 'error')
    const finish = async (t) => t.deepEqual(await within(events.closed(), 'close'), ['error', 'close'])
    return { socket, events, readyState: 'closed', sends: false, finish }
  },

  /** Accepted by a listener of ours. */
  async accepted(own, secure, binaryType) {
    const { cert, key, ca } = makePki()
    const { port, accepted } = own.listen({ binaryType, useSecureTransport: secure, cert, key })
    const options = { port, host: '127.0.0.1', allowHalfOpen: true }
    const peer = secure ? tls.connect({ ...options, ca }) : net.connect(options)
    peer.on('error', () => {}).pause()
    own.onEnd(() => peer.destroy())
    const [socket, events] = await within(accepted(), 'connect')
    const finish = async (t, sent) => {
      peer.write('still there')
      t.is(String(await within(events.data(11), 'data')), 'still there')
      await endsWell(t, { socket, events, peer }, sent, ['drain', 'close'])
    }
    return { socket, events, peer, readyState: 'open', sends: true, finish }
  },
}

module.exports = { STATES, clientOptions, drink, openTo, rawServer, within }
