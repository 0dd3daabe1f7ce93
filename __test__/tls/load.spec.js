'use strict'

// Many handshakes at once, and many that fail: what they take from others (REL-98) and from memory (REL-158), and what they
// leave behind (REL-166).

const { readdirSync } = require('node:fs')
const timers = require('node:timers/promises')

const test = require('ava')

const { ask, start } = require('../fixtures/reliability/children.js')
const { serialWhere } = require('../helpers/needs.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { failed, tlsServer, trusting } = require('../helpers/tls-peers.js')
const { countsFailures, listenSecurely, rawClient } = require('../helpers/tls-servers.js')
const { APPLICATION_DATA, ALERT, HANDSHAKE } = require('../helpers/tls-wires.js')

const fixture = (name) => `../tls/${name}`
const inLinux = serialWhere(test, process.platform === 'linux', 'Linux')

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

const HANDSHAKES = 150
const ROUNDS = 3

/** Where Tokio watches the connections, its thread has the handshakes as well, and tells later what is ready. */
const [sooner, factor] =
  process.env.MOZ_TCP_SOCKET_DRIVER === 'tokio' ? ['in less than twice the time', 2] : ['sooner than', 1]

// The control is node:tls in the same process, where the event loop does the handshakes.
test.serial(
  `REL-98: plain sockets get their echoes beside ${HANDSHAKES} handshakes, ${sooner} beside node:tls`,
  async (t) => {
    const own = scope(t)
    const { certFile, keyFile, caFile } = certificate('good')
    const [{ echo }, { port }] = await Promise.all([
      start(own, 'flooder.js').next(),
      start(own, fixture('server.js'), [certFile, keyFile]).next(),
    ])
    const args = [caFile, echo, port, HANDSHAKES, ROUNDS]
    const { ours, nodes } = await ask(own, fixture('handshakes-beside-echo.js'), args)
    t.log(
      `slowest echoes beside ours: ${ours.join(', ')} ms; beside those of node:tls: ${nodes.join(', ')} ms`,
    )
    // A round may have met with something else on a busy machine; what we cause shows in most of them.
    t.true(median(ours) < factor * median(nodes))
  },
)

const JUNK = 2 * 1024 * 1024

/** What comes instead of a handshake, over and over. The numbers are of RFC 8446 sections 4 to 6. */
const PIECES = {
  'what is no record': Buffer.alloc(1000, 0xa5),
  'a message that would be of 16 MB': Buffer.concat([
    Buffer.from([HANDSHAKE, 3, 3, 64, 0, 2, 255, 255, 255]),
    Buffer.alloc(16_380),
  ]),
  'records with nothing in them': Buffer.from([HANDSHAKE, 3, 3, 0, 0]),
  'changes of the cipher': Buffer.from([20, 3, 3, 0, 1, 1]),
  'alerts that are warnings': Buffer.from([ALERT, 3, 3, 0, 2, 1, 90]),
  'data before its time': Buffer.from([APPLICATION_DATA, 3, 3, 0, 4, 1, 2, 3, 4]),
}
const KINDS = Object.keys(PIECES).join(', ')
const junk = () => Object.values(PIECES).map((piece) => Buffer.alloc(JUNK, piece))

/** Connections that bring each of these, all at once. */
const EACH = 20

/** Less than an eighth of what comes is ever in memory. */
const MOST_GROWTH = (Object.keys(PIECES).length * EACH * JUNK) / 8

inLinux(`REL-158: servers that send 2 MB of junk fail, in little memory: ${KINDS}`, async (t) => {
  const own = scope(t)
  const servers = await Promise.all(
    junk().map((bytes) => own.netServer({}, (raw) => raw.resume().write(bytes))),
  )
  const ports = servers.map(({ port }) => port)
  const { names, grown } = await ask(own, fixture('junk.js'), ['client', EACH, ...ports])
  t.deepEqual(names, ['SecurityError'])
  t.log(`grown by ${grown >> 10} KiB`)
  t.true(grown < MOST_GROWTH, `${grown}`)
})

inLinux(`REL-158: clients that send 2 MB of junk are dropped, in little memory: ${KINDS}`, async (t) => {
  const own = scope(t)
  const { certFile, keyFile } = certificate('good')
  const count = EACH * Object.keys(PIECES).length
  const { next } = start(own, fixture('junk.js'), ['server', count, certFile, keyFile])
  const { port } = await next()
  const pieces = junk()
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { raw, gone } = await rawClient(own, port)
      raw.write(pieces[i % pieces.length])
      await gone
    }),
  )
  const { grown } = await next()
  t.log(`grown by ${grown >> 10} KiB`)
  t.true(grown < MOST_GROWTH, `${grown}`)
})

const FAILURES = 512

const descriptors = () => readdirSync('/proc/self/fd').length

inLinux(`REL-166: ${FAILURES} handshakes that fail leave no descriptor behind, at either end`, async (t) => {
  const own = scope(t)
  const expired = await tlsServer(own, 'expired')
  const good = await tlsServer(own)
  const plain = await own.netServer({}, (raw) => raw.once('data', () => raw.end('220 ready\r\n')))
  const hangingUp = await own.netServer({}, (raw) => raw.once('data', () => raw.end()))
  const resetting = await own.netServer({}, (raw) => raw.once('data', () => raw.resetAndDestroy()))
  const { server, port } = listenSecurely(own)
  const attempts = [
    ['SecurityExpiredCertificateError', expired.port],
    ['SecurityUntrustedCertificateIssuerError', good.port, { ca: certificate('stranger').own }],
    ['SecurityError', plain.port],
    ['NetworkInterruptError', hangingUp.port],
    ['NetworkError', resetting.port],
    // Both ends are ours.
    ['SecurityCertificateDomainMismatchError', port, { servername: 'other.test' }],
  ]
  const attempt = async ([name, to, options]) => {
    const [, events] = own.open('localhost', to, trusting(options))
    await failed(t, events, name)
  }
  // Threads and the like come with the first ones.
  for (const each of attempts) await attempt(each)
  await countsFailures(server, 1)
  const before = descriptors()
  const AT_ONCE = 64
  for (let done = 0; done < FAILURES; done += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, i) => attempts[(done + i) % attempts.length])
    await Promise.all(batch.map(attempt))
  }
  // The peers are in this process too, and end in their own time.
  while (descriptors() > before) await timers.setTimeout(1)
  const [socket, events] = own.open('localhost', good.port, trusting())
  await events.event('open')
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
})
