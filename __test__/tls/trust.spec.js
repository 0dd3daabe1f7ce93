'use strict'

// The `ca` option: each form in which applications pass it, and what it must not do (users.md section 5, item 7).

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')
const { failed, tlsServer, trusting } = require('../helpers/tls-peers.js')

const ca = () => certificate('root').ca
const stranger = () => certificate('stranger').cert
const bytes = (pem) => Buffer.from(pem)
/** PEM files often begin with a text form of the certificate, and are edited on Windows. */
const withText = (pem) => `Certificate:\n    Data: of the root\n${pem}`

const FORMS = [
  ['a string', () => ca()],
  ['a Buffer', () => bytes(ca())],
  ['a Uint8Array', () => Uint8Array.from(bytes(ca()))],
  ['an ArrayBuffer', () => Uint8Array.from(bytes(ca())).buffer],
  ['a string with CRLF line ends', () => ca().replace(/\n/g, '\r\n')],
  ['a string with text before the certificate', () => withText(ca())],
  ['a string with several certificates, the right one last', () => stranger() + ca()],
  ['a string with several certificates, the right one first', () => ca() + stranger()],
  ['an array of strings', () => [stranger(), ca()]],
  ['an array of Buffers', () => [bytes(ca()), bytes(stranger())]],
  ['an array with a string and a Buffer of several', () => [stranger(), bytes(stranger() + ca())]],
]

for (const [what, form] of FORMS) {
  test(`ca may be ${what}`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    const [, events] = own.open('localhost', server.port, trusting({ ca: form() }))
    await events.event('open')
    t.is(server.failures.length, 0)
  })
}

for (const [what, form] of [
  ['undefined', () => undefined],
  ['null', () => null],
  ['an empty array', () => []],
  ['another CA', () => stranger()],
]) {
  test(`ca ${what} does not trust the server`, async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    const [, events] = own.open('localhost', server.port, trusting({ ca: form() }))
    await failed(t, events, 'SecurityUntrustedCertificateIssuerError')
    await server.ended
    t.is(server.received, '')
  })
}

test('ca is read when the socket is made: changing the Buffer afterwards changes nothing', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const buffer = bytes(ca())
  const [, events] = own.open('localhost', server.port, trusting({ ca: buffer }))
  buffer.fill(0)
  await events.event('open')
  t.is(server.failures.length, 0)
})

test('trust of one socket is not trust of the next', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const [, trusted] = own.open('localhost', server.port, trusting())
  await trusted.event('open')
  const [, untrusted] = own.open('localhost', server.port, trusting({ ca: undefined }))
  await failed(t, untrusted, 'SecurityUntrustedCertificateIssuerError')
})

test('a server that was accepted under one name is verified again under another', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'nameOnly')
  const [socket, accepted] = own.open('localhost', server.port, trusting())
  await accepted.event('open')
  socket.close()
  const [, refused] = own.open('127.0.0.1', server.port, trusting())
  await failed(t, refused, 'SecurityCertificateDomainMismatchError')
})

const BAD = [
  ['text that is no certificate', 'hello'],
  ['an empty string', ''],
  ['an empty Buffer', Buffer.alloc(0)],
  ['a broken certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ['a key', () => certificate('root').key],
  ['a number', 42],
  ['an object', { pem: 'x' }],
  ['true', true],
  ['an array with something bad', () => [ca(), 'hello']],
  ['an array with null', [null]],
  ['a file name', '/etc/ssl/certs/ca-certificates.crt'],
]

for (const [what, value] of BAD) {
  test(`ca that is ${what} throws a TypeError at once`, (t) => {
    const bad = typeof value === 'function' ? value() : value
    for (const useSecureTransport of [true, false]) {
      const options = { useSecureTransport, ca: bad }
      const fresh = t.throws(() => new TCPSocket('localhost', 1, options), { instanceOf: TypeError })
      t.regex(fresh.message, /^ca\b/)
      t.throws(() => mozTCPSocket.open('localhost', 1, options), { instanceOf: TypeError })
    }
  })
}
