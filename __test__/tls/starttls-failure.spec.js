'use strict'

// An upgrade that fails: error, close, and never plaintext again in either direction (REL-89, X-21).

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const {
  REFUSES_COMMON_NAMES,
  beforeStartTls,
  failed,
  recordTypes,
  secure,
  tap,
} = require('../helpers/tls-peers.js')

const REFUSED = [
  ['expired', 'SecurityExpiredCertificateError'],
  ['notYetValid', 'SecurityExpiredCertificateError'],
  ['selfSigned', 'SecurityUntrustedCertificateIssuerError'],
  ['unknownIssuer', 'SecurityUntrustedCertificateIssuerError'],
  ['wrongHost', 'SecurityCertificateDomainMismatchError'],
  ['subjectOnly', 'SecurityCertificateDomainMismatchError'],
  ['clientPurpose', 'SecurityInadequateKeyUsageError'],
]

const SECRET = 'USER me PASSWORD secret'
const COMMAND = 'STARTTLS\r\n'.length

/** A client that has upgraded and sent its secret, behind a recording proxy. */
async function upgraded(t) {
  const own = scope(t)
  let wire
  const via = async (port) => (wire = await tap(own, port))
  const peers = await beforeStartTls(own, { host: 'localhost', via })
  peers.socket.upgradeToSecure()
  peers.socket.send(SECRET)
  peers.socket.send(Buffer.alloc(100_000, 'S'))
  return { ...peers, wire }
}

/** Nothing but TLS followed the command, and the secret is not in it. */
function assertNoPlaintext(t, wire) {
  const sent = wire.fromClient().subarray(COMMAND)
  t.false(sent.includes(SECRET))
  t.true(recordTypes(sent).every((type) => [20, 21, 22, 23].includes(type)))
}

for (const [name, error] of REFUSED) {
  const hasName = name === 'subjectOnly'
  const testRefused = testOn(test, !hasName || REFUSES_COMMON_NAMES, 'a library that ignores common names')
  testRefused(`a STARTTLS server whose certificate is ${name}: ${error}, and no data leaves`, async (t) => {
    const { socket, events, raw, wire } = await upgraded(t)
    const session = secure(raw, name)
    let received = 0
    session.on('data', (bytes) => (received += bytes.length))
    await failed(t, events, error, ['open'])
    t.true(socket.ssl, 'ssl never goes back to false')
    await wire.ended
    t.is(received, 0)
    assertNoPlaintext(t, wire)
  })
}

const BROKEN = [
  ['answers with plaintext', (raw) => raw.write('454 TLS not available\r\n'), 'SecurityError'],
  ['ends the connection', (raw) => raw.end(), 'NetworkInterruptError'],
  ['resets the connection', (raw) => raw.resetAndDestroy(), 'NetworkError'],
  ['answers with the alert handshake_failure', (raw) => raw.write(alert(40)), 'SecurityError'],
  [
    'answers with the alert protocol_version',
    (raw) => raw.write(alert(70)),
    'SecurityUnsupportedTLSVersionError',
  ],
]

for (const [what, act, error] of BROKEN) {
  test(`a STARTTLS server that ${what}: ${error}, and no data leaves`, async (t) => {
    const { events, raw, wire } = await upgraded(t)
    raw.once('data', () => act(raw))
    raw.resume()
    await failed(t, events, error, ['open'])
    await wire.ended
    assertNoPlaintext(t, wire)
  })
}

test('a failed upgrade that close() was waiting for still tells its error', async (t) => {
  const { socket, events, raw, wire } = await upgraded(t)
  socket.close()
  secure(raw, 'expired')
  await failed(t, events, 'SecurityExpiredCertificateError', ['open'])
  await wire.ended
  assertNoPlaintext(t, wire)
})

test('a peer that ended before the upgrade: the socket fails or is closed, and nothing is sent', async (t) => {
  const own = scope(t)
  const { socket, events, raw } = await beforeStartTls(own)
  raw.end()
  await new Promise((resolve) => raw.once('finish', resolve))
  if (socket.readyState === 'open') {
    socket.upgradeToSecure()
    socket.send(SECRET)
  }
  const chunks = []
  raw.on('data', (bytes) => chunks.push(bytes))
  raw.resume()
  const types = await events.closed()
  t.true(['open close', 'open error close'].includes(types.join(' ')), types.join(' '))
  if (types.includes('error')) t.is((await events.event('error')).name, 'NetworkInterruptError')
  t.false(Buffer.concat(chunks).includes(SECRET))
})

function alert(description) {
  return Buffer.from([21, 3, 3, 0, 2, 2, description])
}

for (const ends of ['waits', 'closes']) {
  test(`a reset while plaintext still waits to be written: NetworkError, then close (and the application ${ends})`, async (t) => {
    const { socket, events, raw } = await beforeStartTls(scope(t))
    raw.pause()
    const bytes = Buffer.alloc(32 * 1024 * 1024)
    socket.send(bytes)
    socket.upgradeToSecure()
    if (ends === 'closes') socket.close()
    await new Promise((resolve) => setImmediate(resolve))
    t.true(socket.bufferedAmount > 0)
    raw.resetAndDestroy()
    await failed(t, events, 'NetworkError', ['open'])
  })
}
