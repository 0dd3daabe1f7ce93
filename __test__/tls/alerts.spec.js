'use strict'

// A server that ends the handshake instead of finishing it: alerts, plaintext, silence and the end of the connection
// (X-20, REL-75, REL-77, REL-84). Each has the name of contract section 6.3.

const { once } = require('node:events')

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { failed, tlsServer, trusting } = require('../helpers/tls-peers.js')

const FATAL = 2

/** Descriptions of RFC 8446 section 6.2. */
const ALERTS = [
  [10, 'unexpected_message', 'SecurityError'],
  [20, 'bad_record_mac', 'SecurityError'],
  [40, 'handshake_failure', 'SecurityError'],
  [42, 'bad_certificate', 'SecurityBadCertificateError'],
  [43, 'unsupported_certificate', 'SecurityUnsupportedCertificateTypeError'],
  [70, 'protocol_version', 'SecurityUnsupportedTLSVersionError'],
  [80, 'internal_error', 'SecurityError'],
  [112, 'unrecognized_name', 'SecurityError'],
  [116, 'certificate_required', 'SecurityNoCertificateError'],
]

/** A client that wants TLS from a raw server, which answers the ClientHello with `answer(raw)`. */
async function against(t, answer) {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true })
  const [socket, events] = own.open('localhost', server.port, trusting())
  socket.onopen = () => socket.send('secret')
  const raw = await server.connection()
  const received = []
  raw.on('data', (bytes) => {
    received.push(bytes)
    if (received.length === 1) answer(raw)
  })
  return { events, raw, received: () => Buffer.concat(received) }
}

for (const [description, name, error] of ALERTS) {
  test(`the alert ${name} in answer to the ClientHello gives ${error}`, async (t) => {
    const { events, received } = await against(t, (raw) => {
      raw.write(Buffer.from([21, 3, 3, 0, 2, FATAL, description]))
    })
    await failed(t, events, error)
    t.false(received().includes('secret'))
  })
}

test('a server that is not TLS at all gives SecurityError, and its words are not data', async (t) => {
  const { events } = await against(t, (raw) => raw.write('220 I am not a TLS server\r\n'))
  const event = await failed(t, events, 'SecurityError')
  t.regex(event.data.message, /^TLS handshake with localhost port \d+: /)
  t.is(events.bytes, 0)
})

test('a plaintext server that speaks first gives SecurityError', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.write('* OK IMAP ready\r\n'))
  const [, events] = own.open('localhost', server.port, trusting())
  await failed(t, events, 'SecurityError')
  t.is(events.bytes, 0)
})

test('two megabytes of junk give SecurityError', async (t) => {
  const { events } = await against(t, (raw) => raw.write(Buffer.alloc(2 * 1024 * 1024, 0xa5)))
  await failed(t, events, 'SecurityError')
})

test('an end of the connection in the handshake gives NetworkInterruptError', async (t) => {
  const { events } = await against(t, (raw) => raw.end())
  const event = await failed(t, events, 'NetworkInterruptError')
  t.regex(event.data.message, /localhost/)
})

test('an end of the connection inside the ServerHello gives NetworkInterruptError', async (t) => {
  const { events } = await against(t, (raw) => raw.end(Buffer.from([22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3])))
  await failed(t, events, 'NetworkInterruptError')
})

test('an end of the connection before the ClientHello was read gives NetworkInterruptError', async (t) => {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true }, (raw) => {
    raw.resume()
    raw.end()
  })
  const [, events] = own.open('localhost', server.port, trusting())
  await failed(t, events, 'NetworkInterruptError')
})

test('a reset in the handshake gives NetworkError', async (t) => {
  const { events } = await against(t, (raw) => raw.resetAndDestroy())
  const event = await failed(t, events, 'NetworkError')
  t.is(event.data.code, 'ECONNRESET')
})

for (const version of ['TLSv1', 'TLSv1.1']) {
  test(`a server that speaks ${version} at most gives SecurityUnsupportedTLSVersionError`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, 'goodRsa', { minVersion: 'TLSv1', maxVersion: version })
    const [, events] = own.open('localhost', server.port, trusting())
    await failed(t, events, 'SecurityUnsupportedTLSVersionError')
    await server.ended
    t.is(server.sessions.length, 0)
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a server that speaks ${version} only is fine`, async (t) => {
    const own = scope(t)
    const only = { minVersion: version, maxVersion: version }
    const server = await tlsServer(own, 'goodRsa', only, (session) => session.write(session.getProtocol()))
    const [, events] = own.open('localhost', server.port, trusting())
    t.is(String(await events.data(version.length)), version)
  })
}

test('a server without a cipher in common gives SecurityError', async (t) => {
  const own = scope(t)
  const ciphers = 'AECDH-NULL-SHA:@SECLEVEL=0'
  const server = await tlsServer(own, 'good', { maxVersion: 'TLSv1.2', ciphers })
  const [, events] = own.open('localhost', server.port, trusting())
  await failed(t, events, 'SecurityError')
  await server.ended
  t.is(server.sessions.length, 0)
})

test('a server that requires a client certificate: TLS 1.3 tells after open, as NoCertificate', async (t) => {
  const own = scope(t)
  const demands = { requestCert: true, rejectUnauthorized: true, ca: certificate('root').ca }
  const server = await tlsServer(own, 'good', { ...demands, minVersion: 'TLSv1.3' })
  const [, events] = own.open('localhost', server.port, trusting())
  await failed(t, events, 'SecurityNoCertificateError', ['open'])
  t.is(server.received, '')
})

test('a server that requires a client certificate: TLS 1.2 ends the handshake with SecurityError', async (t) => {
  const own = scope(t)
  const demands = { requestCert: true, rejectUnauthorized: true, ca: certificate('root').ca }
  const server = await tlsServer(own, 'good', { ...demands, maxVersion: 'TLSv1.2' })
  const [, events] = own.open('localhost', server.port, trusting())
  await failed(t, events, 'SecurityError')
  await server.ended
  t.is(server.received, '')
})

test('a server that asks for a client certificate but does not insist is fine', async (t) => {
  const own = scope(t)
  const asks = { requestCert: true, rejectUnauthorized: false }
  const server = await tlsServer(own, 'good', asks, (session) => session.pipe(session))
  const [socket, events] = own.open('localhost', server.port, trusting())
  await events.event('open')
  socket.send('hello')
  t.is(String(await events.data(5)), 'hello')
})

test('one failing handshake leaves other connections alone', async (t) => {
  const own = scope(t)
  const good = await tlsServer(own, 'good', {}, (session) => session.pipe(session))
  const bad = await tlsServer(own, 'expired')
  const [socket, events] = own.open('localhost', good.port, trusting())
  await events.event('open')
  const attempts = Array.from({ length: 10 }, () => own.open('localhost', bad.port, trusting())[1])
  for (const attempt of attempts) await failed(t, attempt, 'SecurityExpiredCertificateError')
  socket.send('alive')
  t.is(String(await events.data(5)), 'alive')
})

test('a plain socket does not become one of TLS because its peer wants it', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const [socket, events] = own.open('localhost', server.port, { binaryType: 'arraybuffer' })
  const [[error]] = await Promise.all([
    once(server.server, 'tlsClientError'),
    events.event('open').then(() => socket.send('EHLO me\r\n'.repeat(10))),
  ])
  t.true(error instanceof Error)
  await events.closed()
  t.false(socket.ssl)
  t.is(socket.tls, null)
  t.is(server.sessions.length, 0)
})
