'use strict'

// TLS options of any shape: a call makes a socket, or throws a TypeError or a RangeError that says something. Nothing is
// half accepted, and the process lives.

const test = require('ava')
const fc = require('fast-check')

const { TCPServerSocket, TCPSocket } = require('../helpers/sockets.js')

const NAMES = [
  'ca',
  'caOnly',
  'crl',
  'servername',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'alpnProtocols',
  'minVersion',
  'maxVersion',
  'fingerprint256',
  'rejectUnauthorized',
  'handshakeTimeout',
]

/** Text that is nearly PEM. */
const pem = fc
  .tuple(
    fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'X509 CRL'),
    fc.base64String(),
  )
  .map(([kind, body]) => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`)

const value = fc.oneof(
  fc.anything({ withTypedArray: true, withBigInt: true, withDate: true }),
  pem,
  fc.array(pem, { maxLength: 3 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom('TLSv1.2', 'TLSv1.3', true, false, 'mail.example', ['imap'], 'AB'.repeat(32)),
)

const options = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4 })

/** What `make(options)` came to: whether it threw, and nothing else than it may. */
function refused(make) {
  try {
    make().close()
    return false
  } catch (error) {
    // What a conversion of the application's own object throws is the application's.
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error
    return error.message.length > 0
  }
}

test('a client takes its TLS options, or throws', (t) => {
  let taken = 0
  fc.assert(
    fc.property(options, (given) => {
      // Nobody listens at port 1, and the socket is closed at once.
      const was = refused(() => new TCPSocket('127.0.0.1', 1, { ...given, rejectUnauthorized: undefined }))
      if (!was) taken++
      return was || !('handshakeTimeout' in given) || given.handshakeTimeout == null
    }),
    { numRuns: 500 },
  )
  t.true(taken > 0)
})

test('a listener takes its TLS options, or throws', (t) => {
  fc.assert(
    fc.property(options, (given) => {
      const was = refused(() => new TCPServerSocket(0, { localAddress: '127.0.0.1', ...given }))
      const hasCertificate = given.pfx != null || given.cert != null
      return was || hasCertificate || Object.values(given).every((each) => each == null)
    }),
    { numRuns: 500 },
  )
  t.pass()
})
