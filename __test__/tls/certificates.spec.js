'use strict'

// Which certificates a client accepts, and the error of each that it refuses (X-20, REL-60 to REL-72): no byte of the
// application reaches a server that is not verified, and `open` never fires.

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { REFUSES_COMMON_NAMES, failed, tlsServer, trusting } = require('../helpers/tls-peers.js')

/** Check, what the certificate is, what it is called, and the host. */
const ACCEPTED = [
  ['REL-61', 'with an EC key', 'good', 'localhost'],
  ['REL-61', 'with an RSA key', 'goodRsa', 'localhost'],
  ['REL-61', 'with an Ed25519 key', 'goodEd25519', 'localhost'],
  ['REL-61, REL-165', 'of an intermediate that the server presents too', 'chained', 'localhost'],
  ['REL-61', 'whose name has upper-case letters', 'upperCase', 'localhost'],
  ['REL-61', 'for the IP address', 'addressOnly', '127.0.0.1'],
]

const EXPIRED = 'SecurityExpiredCertificateError'
const UNTRUSTED = 'SecurityUntrustedCertificateIssuerError'
const MISMATCH = 'SecurityCertificateDomainMismatchError'
const USAGE = 'SecurityInadequateKeyUsageError'
const ALGORITHM = 'SecurityCertificateSignatureAlgorithmDisabledError'

/** Check, what the certificate is, what it is called, the error, and the host. */
const REFUSED = [
  ['REL-63', 'that has expired', 'expired', EXPIRED],
  ['REL-63', 'that is not valid yet', 'notYetValid', EXPIRED],
  ['REL-63', 'of an intermediate that has expired', 'expiredIntermediate', EXPIRED],
  ['REL-64', 'that signed itself', 'selfSigned', UNTRUSTED],
  ['REL-64', 'of an unknown issuer', 'unknownIssuer', UNTRUSTED],
  ['REL-64', 'of an unknown issuer whose root the server presents', 'unknownIssuerWithRoot', UNTRUSTED],
  ['REL-62', 'whose intermediate is missing', 'withoutIntermediate', UNTRUSTED],
  ['REL-72', 'issued by a certificate that is no CA', 'issuedByLeaf', UNTRUSTED],
  ['REL-72', 'outside the name constraints of its issuer', 'outsideConstraints', UNTRUSTED],
  ['REL-60', 'for another host', 'wrongHost', MISMATCH],
  ['REL-65', 'without a subject alternative name, whatever its common name', 'subjectOnly', MISMATCH],
  ['REL-66', 'whose common name alone is right', 'otherNameThanSubject', MISMATCH],
  ['REL-66', 'for addresses only, opened by the name in its common name', 'wrongAddress', MISMATCH],
  ['REL-66', 'for the address, opened by name', 'addressOnly', MISMATCH],
  ['REL-66', 'for *', 'anyName', MISMATCH],
  ['REL-66', 'for a part of the name and *', 'partOfName', MISMATCH],
  ['REL-69, REL-165', 'for the name followed by a NUL and another domain', 'nulInName', MISMATCH],
  ['REL-67', 'for another address, opened by address', 'wrongAddress', MISMATCH, '127.0.0.1'],
  ['REL-67', 'for the name, opened by address', 'nameOnly', MISMATCH, '127.0.0.1'],
  ['REL-67', 'with the address as a name, opened by address', 'addressAsName', MISMATCH, '127.0.0.1'],
  ['REL-70', 'for TLS clients only', 'clientPurpose', USAGE],
  ['REL-70', 'whose key may not sign handshakes', 'caKeyUsage', USAGE],
  ['REL-71', 'with a 1024-bit RSA key', 'weakKey', ALGORITHM],
  ['REL-71', 'signed with SHA-1', 'weakDigest', ALGORITHM],
]

for (const [check, what, name, host] of ACCEPTED) {
  test(`${check}: a certificate ${what} is accepted, and data goes both ways`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, name, {}, (session) => session.pipe(session))
    const [socket, events] = own.open(host, server.port, trusting())
    await events.event('open')
    t.is(socket.readyState, 'open')
    t.true(socket.ssl)
    t.true(socket.send('echo me'))
    t.is(String(await events.data(7)), 'echo me')
    socket.close()
    t.deepEqual(await events.closed(), ['open', 'close'])
  })
}

/** Those whose common name would do. */
const BY_SUBJECT = new Set(['subjectOnly', 'wrongAddress', 'addressOnly'])

for (const [check, what, name, error, host = 'localhost'] of REFUSED) {
  const hasName = BY_SUBJECT.has(name) && host === 'localhost'
  const testRefused = testOn(test, !hasName || REFUSES_COMMON_NAMES, 'a library that ignores common names')
  testRefused(`${check}: a certificate ${what} is refused: ${error}`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own, name)
    const [socket, events] = own.open(host, server.port, trusting())
    socket.onopen = () => socket.send('secret')
    const event = await failed(t, events, error)
    t.true(event.data.message.includes(`${host} port ${server.port}`), event.data.message)
    t.true(socket.ssl)
    await server.ended
    t.is(server.received, '')
  })
}

test('REL-64: without ca, a certificate of a private issuer is refused', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const [, events] = own.open('localhost', server.port, { useSecureTransport: true })
  await failed(t, events, UNTRUSTED)
  await server.ended
  t.is(server.received, '')
})

test('useSSL asks for TLS as useSecureTransport does', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const ca = certificate('root').ca
  const [socket, events] = own.open('localhost', server.port, { useSSL: true, ca })
  t.true(socket.ssl)
  await events.event('open')
  t.is(server.failures.length, 0)
})
