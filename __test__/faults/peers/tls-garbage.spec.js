'use strict'

// Garbage in place of TLS: a handshake of which one byte, at each position in turn, is another on its way; and bytes that are no TLS at
// all. Whatever it is: no open connection, an error that says why, nothing that is kept, and the next handshake works.

const { constants, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { openSockets } = require('../../fixtures/reliability/kernel.js')
const { serialWhere } = require('../../helpers/needs.js')
const { TCPSocket, scope } = require('../../helpers/sockets.js')
const { SERVER_VERSIONS, TELLS_REASONS, tlsServer, trusting } = require('../../helpers/tls-peers.js')
const { listenSecurely, nodeClient } = require('../../helpers/tls-servers.js')
const { ALERT, APPLICATION_DATA, HANDSHAKE } = require('../../helpers/tls-wires.js')
const { openAccount } = require('../helpers/ledger.js')

const onLinux = serialWhere(test, process.platform === 'linux', 'Linux')

/** Handshakes at a time. */
const AT_ONCE = 8

/** Milliseconds. A change of a length has its reader wait for bytes that never come: then the wire ends. */
const PATIENCE = 250

/** Bits that are changed: of types, versions and lengths, each makes something else. */
const CHANGES = [0x01, 0x80]

/** Bytes that nothing protects and on which nothing depends: versions of records in the clear (RFC 8446 section 5.1). */
const MOST_IGNORED = 8

const VERSIONS = ['TLSv1.2', 'TLSv1.3']

/** Without sessions to resume, so that each handshake has the same length. */
const settings = (version) => ({
  minVersion: version,
  maxVersion: version,
  secureOptions: constants.SSL_OP_NO_TICKET,
})

/**
 * A way to the TLS server at `port`, for one connection at a time, on which a byte that `side` says is another. `way.at` and `way.change` say
 * which; `way.passed` is how much `side` has said, and `way.lengths` how much it had when the other spoke.
 */
async function mutatingWay(own, port, side) {
  const way = { at: -1, change: 0, passed: 0, lengths: [], port: 0 }
  const proxy = await own.netServer({ allowHalfOpen: true }, (client) => {
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    own.onEnd(() => server.destroy())
    const [from, to] = side === 'server' ? [server, client] : [client, server]
    const { at, change } = way
    let passed = 0
    Object.assign(way, { passed, lengths: [] })
    from.on('data', (chunk) => {
      const bytes = Buffer.from(chunk)
      if (at >= passed && at < passed + bytes.length) {
        bytes[at - passed] ^= change
        const timer = setTimeout(() => {
          client.end()
          server.end()
        }, PATIENCE)
        client.once('close', () => clearTimeout(timer))
      }
      passed += bytes.length
      way.passed = passed
      to.write(bytes)
    })
    to.on('data', (bytes) => {
      way.lengths.push(passed)
      from.write(bytes)
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one.on('error', () => other.destroy())
      one.on('end', () => other.end())
      one.on('close', () => other.destroy())
    }
  })
  way.port = proxy.port
  return way
}

/** Tries each change at each position below `length`, some at a time, each on a way of its own. */
async function tryEach(ways, length, attempt) {
  const todo = CHANGES.flatMap((change) => Array.from({ length }, (_, at) => ({ at, change })))
  await Promise.all(
    ways.map(async (way) => {
      for (let next = todo.shift(); next; next = todo.shift()) {
        Object.assign(way, next)
        await attempt(way)
      }
    }),
  )
}

/** Lets a socket of ours connect to `port`, and resolves with `{ types, error }`. It closes when it is open. */
function visit(port, options) {
  const socket = new TCPSocket('127.0.0.1', port, { ...options, servername: 'localhost' })
  const seen = { types: [] }
  return new Promise((resolve) => {
    for (const type of ['open', 'data', 'error', 'close']) {
      socket.addEventListener(type, (event) => {
        seen.types.push(type)
        if (type === 'error') seen.error = event.data
        if (type === 'open') socket.close()
        if (type === 'close') resolve(seen)
      })
    }
  })
}

/** Resolves when this process has no more sockets than `most`; with how many are too many where it does not come to that. */
async function tooMany(most) {
  for (const until = Date.now() + 15_000; openSockets() > most && Date.now() < until;)
    await new Promise((resolve) => setTimeout(resolve, 20))
  return Math.max(0, openSockets() - most)
}

const makeWays = (own, port, side) =>
  Promise.all(Array.from({ length: AT_ONCE }, () => mutatingWay(own, port, side)))

for (const version of VERSIONS) {
  onLinux(
    `each byte of a server's handshake changed: our client does not open, and says why (${version})`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-77'],
        fault: `each byte of a server's handshake changed on its way, by two bits in turn (${version})`,
        did: 'our client: error and close; but for versions of records in the clear, no open',
      })
      const server = await tlsServer(own, 'goodRsa', settings(version))
      const ways = await makeWays(own, server.port, 'server')
      const options = trusting({ minVersion: version, maxVersion: version })
      t.deepEqual((await visit(ways[0].port, options)).types, ['open', 'close'])
      // In TLS 1.3 what a server says after the client's last word is no part of the handshake.
      const length = version === 'TLSv1.3' ? ways[0].lengths[1] : ways[0].lengths.at(-1)
      const before = openSockets()
      const names = {}
      const ignored = new Set()
      await tryEach(ways, length, async ({ port, at, change }) => {
        const { types, error } = await visit(port, options)
        account.run()
        if (types[0] === 'open') return ignored.add(at)
        t.deepEqual(types, ['error', 'close'], `byte ${at} ^ ${change}`)
        names[error.name] = (names[error.name] ?? 0) + 1
        const says = TELLS_REASONS && error.name.startsWith('Security') ? error.reason : error.message
        if (!says || says === 'ok') t.fail(`byte ${at} ^ ${change}: ${error.name}: ${error.message}`)
      })
      t.log(`${length} bytes; ignored: ${[...ignored].join(', ')}; ${JSON.stringify(names)}`)
      t.true(length > 500, `${length} bytes`)
      t.true(ignored.size <= MOST_IGNORED)
      t.deepEqual((await visit(server.port, options)).types, ['open', 'close'])
      account.run({ leaks: await tooMany(before) })
      account.close()
    },
  )

  if (!SERVER_VERSIONS.includes(version)) continue
  onLinux(
    `each byte of a client's handshake changed: our server does not accept it, and goes on (${version})`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-77'],
        fault: `each byte of a client's handshake changed on its way, by two bits in turn (${version})`,
        did: 'our server: no connect, but for versions of records in the clear; counted; others are served',
      })
      const { server, port } = listenSecurely(
        own,
        { minVersion: version, maxVersion: version },
        { name: 'goodRsa' },
      )
      let connects = 0
      server.onconnect = ({ socket }) => {
        connects++
        socket.onclose = () => {}
      }
      const ways = await makeWays(own, port, 'client')
      const shakeHands = async (to) => {
        const client = nodeClient(own, to, settings(version))
        // What it says of a handshake that our server did not like does not matter; neither does what it believes.
        client
          .on('error', () => {})
          .on('secureConnect', () => client.end())
          .resume()
        await new Promise((resolve) => client.once('close', resolve))
      }
      const accepted = new Promise((resolve) => server.addEventListener('connect', resolve, { once: true }))
      const client = nodeClient(own, ways[0].port, settings(version))
      await accepted
      // It says nothing but what belongs to its handshake.
      const length = ways[0].passed
      client.destroy()
      const before = openSockets()
      await tryEach(ways, length, async ({ port: to }) => {
        await shakeHands(to)
        account.run()
      })
      const failed = server.failedHandshakes
      t.log(`${length} bytes; ${failed} handshakes failed, ${connects - 1} did not`)
      await own.letTimeGo()
      t.true(connects - 1 <= MOST_IGNORED * CHANGES.length, `${connects - 1} connects`)
      const [, events] = own.open('localhost', port, trusting())
      await events.event('open')
      account.run({ leaks: await tooMany(before + 2) })
      account.close()
    },
  )
}

/** Bytes that are no handshake, some of which look like one at first. */
const GARBAGE = {
  'random bytes': () => randomBytes(1 + Math.floor(Math.random() * 5000)),
  'a record of random bytes': () => record(HANDSHAKE, randomBytes(1 + Math.floor(Math.random() * 4000))),
  'records of random types, versions and lengths': () =>
    Buffer.concat(
      Array.from({ length: 20 }, () =>
        record(
          20 + Math.floor(Math.random() * 6),
          randomBytes(Math.floor(Math.random() * 600)),
          Math.floor(Math.random() * 6),
        ),
      ),
    ),
  'application data at once': () => record(APPLICATION_DATA, randomBytes(1000)),
  'alerts at once': () => Buffer.concat(Array.from({ length: 1000 }, () => record(ALERT, Buffer.of(1, 90)))),
  'empty records of a handshake': () =>
    Buffer.concat(Array.from({ length: 1000 }, () => record(HANDSHAKE, Buffer.alloc(0)))),
  'a message of 16 MiB, as it says': () =>
    record(HANDSHAKE, Buffer.concat([Buffer.of(1, 255, 255, 255), randomBytes(16_000)])),
  'a record longer than may be': () =>
    Buffer.concat([Buffer.of(HANDSHAKE, 3, 1, 255, 255), randomBytes(65_535)]),
  words: () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  zeros: () => Buffer.alloc(10_000),
}

function record(type, content, minor = 3) {
  return Buffer.concat([Buffer.of(type, 3, minor, content.length >> 8, content.length & 255), content])
}

/** So many of each. */
const TIMES = 40

onLinux(
  'garbage in place of a ClientHello: our server hangs up, keeps nothing, and serves others',
  async (t) => {
    const own = scope(t)
    const account = openAccount(t, __filename, {
      fault: `garbage in place of a ClientHello: ${Object.keys(GARBAGE).join(', ')}`,
      did: `our server hung up on each, ${TIMES} times, counted it, and served others`,
    })
    const { server, port } = listenSecurely(own, { handshakeTimeout: 60_000 })
    server.onconnect = () => t.fail('that was no handshake')
    const before = openSockets()
    for (const [what, make] of Object.entries(GARBAGE)) {
      await Promise.all(
        Array.from({ length: TIMES }, async () => {
          const client = net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
          own.onEnd(() => client.destroy())
          await once(client, 'connect')
          client.resume().end(make())
          await new Promise((resolve) => client.once('close', resolve))
          account.run()
        }),
      )
      t.log(`${what}: ${server.failedHandshakes} failed`)
    }
    const leaks = await tooMany(before)
    t.is(server.failedHandshakes, TIMES * Object.keys(GARBAGE).length)
    server.onconnect = null
    const [, events] = own.open('localhost', port, trusting())
    await events.event('open')
    account.run({ leaks })
    account.close()
  },
)

onLinux('garbage in place of a ServerHello: our client fails and says why', async (t) => {
  const own = scope(t)
  const account = openAccount(t, __filename, {
    fault: `garbage in place of a ServerHello: ${Object.keys(GARBAGE).join(', ')}`,
    did: `our client: error with a reason, then close, ${TIMES} times each`,
  })
  let make
  const server = await own.netServer({}, (peer) => peer.once('data', () => peer.end(make())).resume())
  const before = openSockets()
  for (const [what, one] of Object.entries(GARBAGE)) {
    make = one
    const all = await Promise.all(Array.from({ length: TIMES }, () => visit(server.port, trusting())))
    const names = new Set()
    for (const { types, error } of all) {
      t.deepEqual(types, ['error', 'close'], what)
      t.regex(error.name, /^(Security|Network)/)
      t.true(Boolean(error.message), what)
      names.add(`${error.name}: ${error.reason ?? error.message}`)
    }
    t.log(`${what}: ${[...names].join(' | ')}`)
    account.run({ runs: TIMES })
  }
  account.run({ leaks: await tooMany(before) })
  account.close()
})
