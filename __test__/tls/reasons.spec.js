'use strict'

// `data.reason` of error events: what the TLS library said. There is none where TLS did not fail.

const net = require('node:net')

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { closedPort, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, WAYS, failed, meet, refused, tlsServer, trusting } = require('../helpers/tls-peers.js')

const ca = () => certificate('root').ca

/** Declares a test of what the TLS libraries of Windows and macOS do not tell. */
const testFull = TELLS_REASONS ? test : test.skip

/** What is wrong with a server, the options of a client that finds it, the error, and what OpenSSL says. */
const REASONS = [
  ['an expired certificate', 'expired', {}, 'SecurityExpiredCertificateError', /^certificate has expired$/],
  ['a certificate of the future', 'notYetValid', {}, 'SecurityExpiredCertificateError', /not yet valid/],
  [
    'a self-signed certificate',
    'selfSigned',
    {},
    'SecurityUntrustedCertificateIssuerError',
    /^self-signed certificate$/,
  ],
  [
    'an unknown authority',
    'unknownIssuer',
    {},
    'SecurityUntrustedCertificateIssuerError',
    /unable to get local issuer certificate|unable to verify the first certificate/,
  ],
  [
    'a certificate for another name',
    'wrongHost',
    {},
    'SecurityCertificateDomainMismatchError',
    /hostname mismatch/i,
  ],
  [
    'a certificate for another address',
    'wrongAddress',
    { servername: '127.0.0.1' },
    'SecurityCertificateDomainMismatchError',
    /IP address mismatch/i,
  ],
  [
    'a pin of another certificate',
    'good',
    { fingerprint256: 'AB'.repeat(32) },
    'SecurityBadCertificateError',
    /not the pinned one/,
  ],
]

for (const [what, name, options, error, reason] of REASONS) {
  for (const way of WAYS) {
    test(`data.reason says what the TLS library says of ${what} (${way})`, async (t) => {
      const there = await meet(scope(t), way, { ca: ca(), ...options }, { name })
      const { data } = await refused(t, there, error)
      t.is(typeof data.reason, 'string')
      t.true(data.message.endsWith(`: ${data.reason}`))
      if (TELLS_REASONS) t.regex(data.reason, reason)
      t.true(Object.keys(data).includes('reason'))
    })
  }
}

testFull('data.reason tells of an alert, and of versions that do not match', async (t) => {
  const own = scope(t)
  const alerting = await own.netServer({}, (raw) => raw.write(Buffer.from([21, 3, 3, 0, 2, 2, 40])))
  const [, alerted] = own.open('localhost', alerting.port, trusting())
  t.regex((await failed(t, alerted, 'SecurityError')).data.reason, /alert handshake failure/)
  const old = await tlsServer(own, 'goodRsa', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  const [, refusing] = own.open('localhost', old.port, trusting())
  const { data } = await failed(t, refusing, 'SecurityUnsupportedTLSVersionError')
  t.regex(data.reason, /version|unsupported protocol/)
})

/** Passes on what a server on `port` says in TLS 1.2, but for one bit of what it signed for the key exchange. */
function spoilSignature(own, port) {
  return own.netServer({}, (client) => {
    const server = net.connect(port, '127.0.0.1')
    own.onEnd(() => server.destroy())
    server.on('error', () => {})
    client.pipe(server)
    let said = Buffer.alloc(0)
    server.on('data', (bytes) => {
      said = Buffer.concat([said, bytes])
      const end = endOfKeyExchange(said)
      if (end === undefined) return
      said[end - 1] ^= 1
      client.write(said)
    })
  })
}

/** Where the ServerKeyExchange (RFC 5246 section 7.4.3) ends in `records`, once it is there. */
function endOfKeyExchange(records) {
  for (let at = 0; at + 5 <= records.length; at += 5 + records.readUInt16BE(at + 3)) {
    const end = at + 5 + records.readUInt16BE(at + 3)
    for (let message = at + 5; message + 4 <= Math.min(end, records.length);) {
      const next = message + 4 + records.readUIntBE(message + 1, 3)
      if (records[message] === 12) return next <= records.length ? next : undefined
      message = next
    }
  }
  return undefined
}

testFull('data.reason of a signature that was tampered with is no verdict on the certificate', async (t) => {
  const own = scope(t)
  const sigalgs = 'rsa_pss_rsae_sha256'
  const server = await tlsServer(own, 'goodRsa', { maxVersion: 'TLSv1.2', sigalgs })
  for (let i = 0; i < 4; i++) {
    const between = await spoilSignature(own, server.port)
    const [, events] = own.open('localhost', between.port, trusting())
    t.regex(
      (await failed(t, events, 'SecurityError')).data.reason,
      /octet invalid|bad signature|data too large/,
    )
  }
  t.is(server.received, '')
})

test('data.reason is absent where TLS did not fail', async (t) => {
  const own = scope(t)
  const port = await closedPort()
  for (const options of [{}, trusting()]) {
    const [, events] = own.open('127.0.0.1', port, options)
    const { data } = await failed(t, events, 'ConnectionRefusedError')
    t.is(data.code, 'ECONNREFUSED')
    t.false('reason' in data)
  }
  const { events, peer } = await own.toNode()
  peer.resetAndDestroy()
  const { data } = await failed(t, events, 'NetworkError', ['open'])
  t.false('reason' in data)
})

const told = TELLS_REASONS ? test : test.skip
told('data.reason is absent where the connection is reset in the middle of the handshake', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.once('data', () => raw.resetAndDestroy()))
  const [, events] = own.open('localhost', server.port, trusting())
  const { data } = await events.event('error')
  t.is(data.code, 'ECONNRESET')
  t.false('reason' in data)
})
