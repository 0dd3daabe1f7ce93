'use strict'

// TLS options of other APIs: ignoring one could mean less security than was asked for, so each throws and is named
// (decision Q-39). Options that have nothing to do with TLS are ignored.

const test = require('ava')

const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')

/** Options of node:tls with which somebody may come here, and a value that would matter. */
const UNSUPPORTED = {
  ALPNProtocols: ['imap'],
  SNICallback: () => {},
  allowPartialTrustChain: true,
  cert: '-----BEGIN CERTIFICATE-----',
  checkServerIdentity: () => undefined,
  ciphers: 'HIGH',
  clientCertEngine: 'engine',
  crl: 'crl',
  dhparam: 'auto',
  ecdhCurve: 'P-256',
  honorCipherOrder: true,
  key: '-----BEGIN PRIVATE KEY-----',
  maxVersion: 'TLSv1.2',
  minDHSize: 2048,
  minVersion: 'TLSv1.3',
  passphrase: 'secret',
  pfx: Buffer.from('pfx'),
  privateKeyEngine: 'engine',
  privateKeyIdentifier: 'id',
  pskCallback: () => null,
  rejectUnauthorized: false,
  requestCert: true,
  requestOCSP: true,
  secureContext: {},
  secureOptions: 0,
  secureProtocol: 'TLSv1_2_method',
  servername: 'else.test',
  session: Buffer.from('session'),
  sigalgs: 'RSA-PSS+SHA256',
}

for (const [name, value] of Object.entries(UNSUPPORTED)) {
  test(`${name} throws a TypeError that names it`, (t) => {
    const expected = { instanceOf: TypeError, message: new RegExp(`\\b${name}\\b`) }
    for (const secure of [{ useSecureTransport: true }, {}]) {
      const options = { ...secure, [name]: value }
      t.throws(() => new TCPSocket('localhost', 1, options), expected)
      t.throws(() => mozTCPSocket.open('localhost', 1, options), expected)
    }
    t.throws(() => new TCPServerSocket(0, { [name]: value }), expected)
    t.throws(() => mozTCPSocket.listen(0, { [name]: value }), expected)
  })
}

test('an unsupported option that is undefined is as if it were absent', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [, events] = own.open('127.0.0.1', server.port, { servername: undefined, key: undefined })
  await events.event('open')
  t.pass()
})

test('options that mail clients pass along, and others that are not about TLS, are ignored', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const options = { tlsWorkerPath: 'worker.js', ws: undefined, proxyHostname: 'x', timeout: 5, name: 'me' }
  const [, events] = own.open('127.0.0.1', server.port, options)
  await events.event('open')
  t.pass()
})

for (const name of ['useSecureTransport', 'useSSL']) {
  test(`a listener with ${name} throws without a certificate: it would have nothing to present`, (t) => {
    const expected = { instanceOf: TypeError, message: /^cert: a TLS server needs cert and key, or pfx$/ }
    t.throws(() => new TCPServerSocket(0, { [name]: true }), expected)
    t.throws(() => mozTCPSocket.listen(0, { [name]: 'yes' }), expected)
    t.throws(() => new TCPServerSocket(0, { [name]: true, cert: undefined, key: null }), expected)
  })
}

test('a listener with ca throws: a server asks nobody for a certificate', (t) => {
  const expected = { instanceOf: TypeError, message: /^ca: / }
  t.throws(() => new TCPServerSocket(0, { ca: 'yes' }), expected)
  t.throws(() => mozTCPSocket.listen(0, { ca: 'yes' }), expected)
})
