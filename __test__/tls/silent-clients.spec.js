'use strict'

// Strangers who connect to a TLS listener and make no progress with their handshake. docs/design.md has the bounds.

const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { SPARE, UNDELIVERED, beside } = require('../fixtures/reliability/beside.js')
const { hasTools, serialWhere } = require('../helpers/needs.js')
const { makePki } = require('../helpers/pki.js')
const { TCPServerSocket, scope } = require('../helpers/sockets.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)

/** Handshakes of one listener that may be under way: see src/net/listen/handshakes.rs. */
const MOST_HANDSHAKES = 4096

/** The longest there is, so that nobody is helped by a deadline. */
const options = { useSecureTransport: true, handshakeTimeout: 600_000 }

for (const [kind, which] of Object.entries({
  silent: 'say nothing',
  slow: 'say a byte each second',
  returning: 'come again when they are dropped',
})) {
  test.serial(`a thousand clients that ${which} do not keep an honest one waiting`, async (t) => {
    const { held, failedHandshakes } = await beside(t, kind, { options })
    t.true(held >= 1000, 'they are still there')
    t.is(failedHandshakes, 0)
  })
}

test.serial(
  'clients that connect and reset, again and again, hold no descriptors but of those that wait for their turn',
  async (t) => {
    const { held, failedHandshakes } = await beside(t, 'reset', { options, strangers: 20 })
    t.true(held <= UNDELIVERED + SPARE, `${held} sockets`)
    t.true(failedHandshakes > 0)
  },
)

for (const kind of ['silent', 'returning']) {
  withLimits(
    `of five thousand ${kind} clients those go that were silent longest, and no honest one`,
    async (t) => {
      const { held, failedHandshakes } = await beside(t, kind, {
        options,
        strangers: 5000,
        descriptors: 10_000,
      })
      t.true(held <= MOST_HANDSHAKES + SPARE, `${held} sockets`)
      t.true(failedHandshakes >= 5000 - MOST_HANDSHAKES, 'they are counted')
    },
  )
}

withLimits('silent clients make room where descriptors run out', async (t) => {
  const { held } = await beside(t, 'silent', { options, descriptors: 300 })
  t.true(held < 300, `${held} sockets`)
})

test.serial('close() during five hundred handshakes returns at once, and the port is free', async (t) => {
  const own = scope(t)
  const { cert, key } = makePki()
  const place = { localAddress: '127.0.0.1', ...options, cert, key }
  const server = new TCPServerSocket(0, place, 512)
  const port = server.localPort
  server.onconnect = () => t.fail('nobody has spoken')
  const clients = Array.from({ length: 500 }, () => net.connect(port, '127.0.0.1'))
  for (const client of clients) own.onEnd(() => client.destroy())
  await Promise.all(
    clients.map((client) =>
      once(
        client.on('error', () => {}),
        'connect',
      ),
    ),
  )
  // Some have been accepted, and all of them have said something by then.
  for (const client of clients) client.write('\x16')
  await own.letTimeGo()
  const began = performance.now()
  server.close()
  const took = performance.now() - began
  t.log(`close() took ${took.toFixed(1)} ms`)
  t.true(took < 100, `${took} ms`)
  const again = new TCPServerSocket(port, place)
  own.onEnd(() => again.close())
  await Promise.all(
    clients.map(
      (client) => client.destroyed || new Promise((resolve) => client.resume().on('close', resolve)),
    ),
  )
})
