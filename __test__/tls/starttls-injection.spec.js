'use strict'

// STARTTLS response injection (REL-86 to REL-88, USENIX Security 2021 "Why TLS is better without STARTTLS"): plaintext
// that somebody puts behind the server's go-ahead must never look like data of the secure connection. The socket fails.

const test = require('ava')

const { scope } = require('../helpers/sockets.js')
const {
  GO_AHEAD,
  failed,
  readExactly,
  readLine,
  recordTypes,
  secure,
  trusting,
} = require('../helpers/tls-peers.js')

const INJECTED = '250 INJECTED\r\n'

/** A client that upgrades in the very handler that gets the go-ahead, and what it saw: `plain`, then `secured`. */
async function client(t, binaryType = 'arraybuffer') {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true })
  const [socket, events] = own.open(
    'localhost',
    server.port,
    trusting({ useSecureTransport: false, binaryType }),
  )
  const seen = { plain: '', secured: '' }
  socket.ondata = ({ data }) => {
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
    seen[socket.ssl ? 'secured' : 'plain'] += text
    if (!socket.ssl && seen.plain.includes(GO_AHEAD)) {
      socket.upgradeToSecure()
      socket.send('PASSWORD')
    }
  }
  const [raw] = await Promise.all([server.connection(), events.event('open')])
  socket.send('STARTTLS\r\n')
  await readLine(raw)
  return { socket, events, raw, seen }
}

/** Everything `raw` gets until its end, or its reset. */
function rest(raw) {
  const chunks = []
  return new Promise((resolve) => {
    raw.on('data', (bytes) => chunks.push(bytes))
    raw.on('end', resolve).on('close', resolve)
    raw.resume()
    if (raw.readableEnded || raw.destroyed) resolve()
  }).then(() => Buffer.concat(chunks))
}

/** Resolves when the first byte of TLS is there, which stays unread. */
async function helloArrived(raw) {
  const first = await readExactly(raw, 1)
  raw.unshift(first)
  return first[0] === 0x16
}

test('REL-86: plaintext in one segment with the go-ahead is plaintext to the application, before the upgrade', async (t) => {
  const { events, raw, seen } = await client(t)
  raw.write(GO_AHEAD + INJECTED)
  const session = secure(raw)
  session.write('250 SECURE\r\n')
  // Both lines are one event, which the application sees before it calls upgradeToSecure(): it can tell.
  await events.data(GO_AHEAD.length + INJECTED.length + '250 SECURE\r\n'.length)
  t.is(seen.plain, GO_AHEAD + INJECTED)
  t.is(seen.secured, '250 SECURE\r\n')
})

for (const binaryType of ['arraybuffer', 'string']) {
  test(`REL-87: plaintext that arrived but was not delivered when the ${binaryType} socket upgrades fails it`, async (t) => {
    const { socket, events, raw, seen } = await client(t, binaryType)
    const upgradeWhenGoAheadCame = socket.ondata
    socket.ondata = (event) => {
      // The handler stops the event loop until the injected line has arrived as well.
      raw.write(INJECTED)
      const until = Date.now() + 50
      while (Date.now() < until);
      upgradeWhenGoAheadCame(event)
    }
    raw.write(GO_AHEAD)
    await failed(t, events, 'SecurityError', ['open'])
    t.deepEqual(seen, { plain: GO_AHEAD, secured: '' })
    t.false((await rest(raw)).includes('PASSWORD'))
  })
}

test('REL-87: plaintext that a suspended socket has not read yet fails the upgrade', async (t) => {
  const { socket, events, raw, seen } = await client(t)
  const upgradeWhenGoAheadCame = socket.ondata
  socket.ondata = (event) => {
    socket.ondata = upgradeWhenGoAheadCame
    socket.suspend()
    raw.write(INJECTED)
    socket.send('NOOP\r\n')
    // The server has the NOOP, so the injected line is under way or here; nobody reads it.
    readLine(raw).then(() => upgradeWhenGoAheadCame(event), t.fail)
  }
  raw.write(GO_AHEAD)
  await failed(t, events, 'SecurityError', ['open'])
  t.deepEqual(seen, { plain: GO_AHEAD, secured: '' })
})

test('REL-88: plaintext after the upgrade began, instead of a ServerHello, fails the socket', async (t) => {
  const { events, raw, seen } = await client(t)
  raw.write(GO_AHEAD)
  t.true(await helloArrived(raw))
  raw.write(INJECTED)
  const event = await failed(t, events, 'SecurityError', ['open'])
  t.regex(event.data.message, /localhost/)
  t.deepEqual(seen, { plain: GO_AHEAD, secured: '' })
  t.false((await rest(raw)).includes('PASSWORD'))
})

test('REL-88: plaintext before the ServerHello, from a server that then does speak TLS, fails the socket', async (t) => {
  const { events, raw, seen } = await client(t)
  raw.write(GO_AHEAD)
  t.true(await helloArrived(raw))
  raw.write(INJECTED)
  const session = secure(raw)
  session.write('250 SECURE\r\n')
  let received = ''
  session.on('data', (bytes) => (received += bytes))
  await failed(t, events, 'SecurityError', ['open'])
  t.deepEqual(seen, { plain: GO_AHEAD, secured: '' })
  t.is(received, '')
})

test('REL-88: plaintext between encrypted records fails the socket, and is not delivered', async (t) => {
  const { events, raw, seen } = await client(t)
  raw.write(GO_AHEAD)
  const session = secure(raw)
  t.is(String(await readExactly(session, 8)), 'PASSWORD')
  session.write('250 SECURE\r\n')
  await events.data(GO_AHEAD.length + '250 SECURE\r\n'.length)
  // Past TLS, straight to the descriptor.
  raw._handle.writeLatin1String({ oncomplete() {}, handle: raw._handle, async: false }, INJECTED)
  await failed(t, events, 'SecurityError', ['open'])
  t.deepEqual(seen, { plain: GO_AHEAD, secured: '250 SECURE\r\n' })
})

test('what the client sends after the plaintext phase is TLS records, also when injection fails it', async (t) => {
  const { events, raw } = await client(t)
  raw.write(GO_AHEAD)
  t.true(await helloArrived(raw))
  const bytes = rest(raw)
  raw.write(INJECTED)
  await failed(t, events, 'SecurityError', ['open'])
  raw.end()
  t.true(recordTypes(await bytes).every((type) => type === 22 || type === 21))
})
