'use strict'

// STARTTLS on a server that does not go well. Command injection (CVE-2011-0411): what somebody puts behind the client's
// STARTTLS in the clear must never look like commands of the secure connection. And clients that answer with plaintext,
// hang up, or stay silent: an error, then close.

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const { GO_AHEAD, failed, readExactly, readLine, recordTypes, trusting } = require('../helpers/tls-peers.js')
const { STARTTLS, asked, presenting, rawClient, secured } = require('../helpers/tls-servers.js')

const EVIL = 'EVIL\r\n'
const SECRET = '250 secret\r\n'

/** The beginning of a ClientHello. */
const HELLO_BEGINS = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

/** Milliseconds; long enough for an honest client on a busy machine. */
const SHORT_MS = 500

/** A server that answers STARTTLS in the very handler that gets it, and what it saw: `plain`, then `encrypted`. */
async function server(t, binaryType = 'arraybuffer', upgrade = (socket) => socket.upgradeToSecure()) {
  const own = scope(t)
  const { port, accepted } = own.listen(presenting('good', { binaryType }))
  const [{ raw, gone }, [socket, events]] = await Promise.all([rawClient(own, port), accepted()])
  const seen = { plain: '', encrypted: '' }
  socket.ondata = ({ data }) => {
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
    seen[socket.ssl ? 'encrypted' : 'plain'] += text
    if (!socket.ssl && seen.plain.includes(STARTTLS)) {
      socket.send(GO_AHEAD)
      upgrade(socket)
    }
  }
  return { own, socket, events, raw, gone, seen }
}

/** Everything that `raw` receives until it is gone. */
function everything(raw, gone) {
  const chunks = []
  raw.on('data', (bytes) => chunks.push(bytes))
  return gone.then(() => Buffer.concat(chunks))
}

test('REL-91: a command in one segment with STARTTLS is plaintext to the application, before the upgrade', async (t) => {
  const { own, events, raw, seen } = await server(t)
  raw.pause()
  raw.write(STARTTLS + EVIL)
  t.is(await readLine(raw), '220 go ahead')
  const session = secured(own, raw)
  session.write('QUIT\r\n')
  // Both lines are one event, which the application sees before it calls upgradeToSecure(): it can tell.
  await events.data((STARTTLS + EVIL).length + 6)
  t.deepEqual(seen, { plain: STARTTLS + EVIL, encrypted: 'QUIT\r\n' })
})

for (const binaryType of ['arraybuffer', 'string']) {
  test(`REL-91: a command that arrived but was not delivered when the ${binaryType} socket upgrades fails it`, async (t) => {
    const { socket, events, raw, gone, seen } = await server(t, binaryType)
    const received = everything(raw, gone)
    const upgradeWhenAsked = socket.ondata
    socket.ondata = (event) => {
      // The handler stops the event loop until the command has arrived as well.
      raw.write(EVIL)
      const until = Date.now() + 50
      while (Date.now() < until);
      upgradeWhenAsked(event)
      socket.send(SECRET)
    }
    raw.write(STARTTLS)
    await failed(t, events, 'SecurityError')
    t.deepEqual(seen, { plain: STARTTLS, encrypted: '' })
    t.true(socket.ssl, 'ssl never goes back to false')
    t.false((await received).includes(SECRET))
  })
}

test('REL-91: a command that a suspended socket has not read yet fails the upgrade in a later turn', async (t) => {
  const { socket, events, raw, gone, seen } = await server(t)
  const received = everything(raw, gone)
  const upgradeWhenAsked = socket.ondata
  socket.ondata = (event) => {
    socket.suspend()
    raw.write(EVIL)
    socket.send('*')
    // The client has the asterisk, which left after the command; nobody reads that.
    raw.once('data', () => setImmediate(upgradeWhenAsked, event))
  }
  raw.write(STARTTLS)
  await failed(t, events, 'SecurityError')
  t.deepEqual(seen, { plain: STARTTLS, encrypted: '' })
  t.true((await received).toString().startsWith('*'))
})

test('REL-91: a command behind STARTTLS that did not fit into one event fails the upgrade', async (t) => {
  const { own, socket, events, raw, seen } = await server(t)
  own.onEnd(() => raw.destroy())
  const upgradeWhenAsked = socket.ondata
  let bytes = 0
  socket.ondata = (event) => {
    bytes += event.data.byteLength
    // As if the line ended here: megabytes are behind it.
    upgradeWhenAsked({ data: Buffer.from(STARTTLS) })
  }
  raw.write(Buffer.alloc(16 * 1024 * 1024, EVIL))
  await failed(t, events, 'SecurityError')
  t.true(bytes < 16 * 1024 * 1024)
  t.is(seen.encrypted, '')
})

test('a hello that does not wait for the go-ahead fails the upgrade: it came in the clear', async (t) => {
  const { socket, events, raw, gone, wire } = await asked(scope(t))
  socket.suspend()
  raw.write(HELLO_BEGINS)
  raw.resume()
  // The hello goes through a proxy; what answers this comes after it.
  while (!wire.fromClient().includes(HELLO_BEGINS)) await new Promise((resolve) => setImmediate(resolve))
  socket.send('*')
  await new Promise((resolve) => raw.once('data', resolve))
  socket.upgradeToSecure()
  await failed(t, events, 'SecurityError')
  await gone
})

test('REL-91: a command after the upgrade began, instead of a hello, fails the socket', async (t) => {
  const { socket, events, raw, seen } = await server(t)
  raw.pause()
  raw.write(STARTTLS)
  t.is(await readLine(raw), '220 go ahead')
  raw.resume()
  socket.send(SECRET)
  raw.write(EVIL)
  const error = await failed(t, events, 'SecurityError')
  t.regex(error.data.message, /TLS handshake with client 127\.0\.0\.1 port \d+/)
  t.deepEqual(seen, { plain: STARTTLS, encrypted: '' })
})

test('REL-91: a command before the hello, of a client that then does speak TLS, fails the socket', async (t) => {
  const { own, events, raw, seen } = await server(t)
  raw.pause()
  raw.write(STARTTLS)
  t.is(await readLine(raw), '220 go ahead')
  raw.write(EVIL)
  const session = secured(own, raw)
  session.write('QUIT\r\n')
  await failed(t, events, 'SecurityError')
  t.deepEqual(seen, { plain: STARTTLS, encrypted: '' })
})

test('REL-91: a command between encrypted records fails the socket, and is not delivered', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await asked(own)
  socket.send(GO_AHEAD)
  socket.upgradeToSecure()
  await readLine(raw)
  const session = secured(own, raw)
  session.write('NOOP\r\n')
  await events.data(6)
  // Past TLS, straight to the descriptor.
  raw._handle.writeLatin1String({ oncomplete() {}, handle: raw._handle, async: false }, EVIL)
  await failed(t, events, 'SecurityError')
  t.is(events.bytes, 6)
})

for (const [what, act, error] of [
  ['answers with plaintext', (raw) => raw.write('QUIT\r\n'), 'SecurityError'],
  ['answers with an alert', (raw) => raw.write(Buffer.from([21, 3, 3, 0, 2, 2, 40])), 'SecurityError'],
  ['hangs up', (raw) => raw.end(), 'NetworkInterruptError'],
  ['hangs up in its hello', (raw) => raw.end(HELLO_BEGINS), 'NetworkInterruptError'],
  ['resets the connection', (raw) => raw.resetAndDestroy(), 'NetworkError'],
]) {
  test(`a client that ${what} after the go-ahead: ${error}, then close, and no data leaves`, async (t) => {
    const { socket, events, raw, gone, wire } = await asked(scope(t))
    socket.send(GO_AHEAD)
    socket.upgradeToSecure()
    socket.send(SECRET)
    t.is(await readLine(raw), '220 go ahead')
    raw.resume()
    act(raw)
    await failed(t, events, error)
    await gone
    const after = wire.fromServer().subarray(GO_AHEAD.length)
    t.true(recordTypes(after).every((type) => type === 21))
    t.is(socket.tls, null)
    t.true(socket.ssl)
  })
}

for (const [what, listener, upgrade] of [
  ['of the listener', () => presenting('good', { handshakeTimeout: SHORT_MS }), () => undefined],
  [
    'given to upgradeToSecure()',
    () => presenting(),
    () => presenting('good', { handshakeTimeout: SHORT_MS }),
  ],
]) {
  test(`a client that stays silent: NetworkTimeoutError after the handshakeTimeout ${what}`, async (t) => {
    const { socket, events, raw, gone } = await asked(scope(t), listener())
    raw.resume()
    const began = performance.now()
    socket.upgradeToSecure(upgrade())
    const error = await failed(t, events, 'NetworkTimeoutError')
    t.true(performance.now() - began >= SHORT_MS - 5)
    t.regex(error.data.message, /TLS handshake with client/)
    await gone
  })
}

test('a client that distrusts the certificate: a Security error, then close', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen(presenting('unknownIssuer'))
  const [client, clientEvents] = own.open('localhost', port, trusting({ useSecureTransport: false }))
  const [[socket, events]] = await Promise.all([accepted(), clientEvents.event('open')])
  socket.send(GO_AHEAD)
  socket.upgradeToSecure()
  await clientEvents.data(GO_AHEAD.length)
  client.upgradeToSecure()
  await failed(t, clientEvents, 'SecurityUntrustedCertificateIssuerError', ['open'])
  const error = await failed(t, events, 'SecurityError')
  t.regex(error.data.reason, /unknown ca/)
})

test('a failed upgrade is not counted among failedHandshakes: it has an event', async (t) => {
  const own = scope(t)
  const listening = own.listen(presenting())
  const [{ raw }, [socket, events]] = await Promise.all([
    rawClient(own, listening.port),
    listening.accepted(),
  ])
  socket.send(GO_AHEAD)
  socket.upgradeToSecure()
  raw.pause()
  await readExactly(raw, GO_AHEAD.length)
  raw.resume()
  raw.write('QUIT\r\n')
  await failed(t, events, 'SecurityError')
  t.is(listening.server.failedHandshakes, 0)
})
