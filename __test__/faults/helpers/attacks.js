'use strict'

// A careful server under attack (guarded-server.js), the peers that attack it (attackers.js) and a client that behaves: each a process
// of its own. What the attack costs the server, and how long the client waits meanwhile.

const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')
const tls = require('node:tls')

const { ask, start } = require('../../fixtures/reliability/children.js')
const { makePki } = require('../../helpers/pki.js')

/** Milliseconds. What a client that behaves waits at most, 99 times out of 100, on a machine with nothing else to do. */
const AT_ONCE = 100

/** So many times in a row it asks. */
const ASKED = 100

/** How often that is measured again: whatever else the machine does only adds. */
const TRIES = 4

const fixture = (name) => join('..', 'faults', name)

/**
 * A server with `options`, which are those of TLS where `secure`: `{ port, state() }`. `state` resolves with what it says of itself. Where
 * `beside`, its process has a TLS server as well, at `second`.
 */
async function guardedServer(own, { secure = false, beside = false, descriptors, ...options } = {}) {
  const { ca, cert, key } = makePki()
  const identity = { useSecureTransport: true, cert, key }
  const all = { ...options, ...(secure ? identity : {}), ...(beside ? { beside: identity } : {}) }
  const server = start(own, fixture('guarded-server.js'), [JSON.stringify(all)], {
    nodeArgs: ['--expose-gc'],
    wrapper: descriptors ? ['prlimit', `--nofile=${descriptors}:${descriptors}`] : [],
  })
  const { port, second } = await server.next()
  const state = () => {
    server.tell('state')
    return server.next()
  }
  return { port, second, state, child: server.child, ca: secure ? ca : undefined }
}

/** `count` peers that attack it as `kind` says: `{ done() }` resolves with how often they did. Resolves when all have begun. */
async function attack(own, { port }, kind, count, env = {}) {
  const attackers = start(own, fixture('attackers.js'), [port, count, kind], { env })
  await attackers.next()
  return {
    child: attackers.child,
    async done() {
      attackers.tell('done')
      return (await attackers.next()).done
    },
  }
}

/** The 99th percentile of what a client that behaves waits, in milliseconds. */
async function waits(own, { port, ca }) {
  const { took } = await ask(own, join('..', 'reliability', 'honest.js'), [port, ASKED], {
    env: ca ? { CA: ca } : {},
  })
  return took.toSorted((a, b) => a - b)[ASKED - 2]
}

/**
 * Asserts that a client that behaves is served at once. `calm` is what it waited without an attack: where that is long already, the
 * machine has other work, which an attack slows down as well.
 */
async function assertServed(t, own, server, calm) {
  const limit = AT_ONCE + 2 * calm
  const measured = []
  while (measured.length < TRIES && !(Math.min(...measured) <= limit)) measured.push(await waits(own, server))
  const text = measured.map((time) => time.toFixed(1)).join(', ')
  t.log(`p99 ${text} ms, without an attack ${calm.toFixed(1)} ms`)
  t.true(Math.min(...measured) <= limit, `p99 ${text} ms, at most ${limit} ms`)
}

/** How a client of TLS begins, in base64. */
async function clientHello() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {})
  const [peer] = await once(server, 'connection')
  const [hello] = await once(peer, 'data')
  client.destroy()
  peer.destroy()
  server.close()
  return hello.toString('base64')
}

module.exports = { assertServed, attack, clientHello, guardedServer, waits }
