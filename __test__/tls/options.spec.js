'use strict'

// TLS options: ignoring one could mean less security than was asked for, so those of other APIs, and values
// that make no sense, throw at once and are named (decision Q-39). Options that have nothing to do with TLS
// are ignored.

const vm = require('node:vm')

const test = require('ava')

const { PASSPHRASE, certificate, keyForms, pkcs12, revocationList } = require('../helpers/pki-matrix.js')
const { TCPServerSocket, TCPSocket, mozTCPSocket, receive, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS } = require('../helpers/tls-peers.js')

/** Options of node:tls with which somebody may come here, and a value that would matter. */
const UNSUPPORTED = {
  ALPNCallback: () => undefined,
  SNICallback: () => {},
  allowPartialTrustChain: true,
  checkServerIdentity: () => undefined,
  ciphers: 'HIGH',
  clientCertEngine: 'engine',
  dhparam: 'auto',
  ecdhCurve: 'P-256',
  honorCipherOrder: true,
  minDHSize: 2048,
  privateKeyEngine: 'engine',
  privateKeyIdentifier: 'id',
  pskCallback: () => null,
  requestCert: true,
  requestOCSP: true,
  secureContext: {},
  secureOptions: 0,
  secureProtocol: 'TLSv1_2_method',
  session: Buffer.from('session'),
  sessionIdContext: 'mine',
  ticketKeys: Buffer.alloc(48),
  sigalgs: 'RSA-PSS+SHA256',
  enableTrace: true,
  fingerprint512: 'AB'.repeat(64),
}

/** An open, plain client, and a way to hear all that its peer receives. */
async function plainClient(t) {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  return { socket, events, received: () => receive(peer) }
}

/** Asserts that `options` throw wherever a client may give them, and that a socket stays as it was. */
async function throws(t, each, expected) {
  const { socket, events, received } = await plainClient(t)
  for (const options of each) {
    for (const all of [{ useSecureTransport: true, ...options }, options]) {
      t.throws(() => new TCPSocket('localhost', 1, all), expected)
      t.throws(() => mozTCPSocket.open('localhost', 1, all), expected)
    }
    t.throws(() => socket.upgradeToSecure(options), expected)
    t.is(socket.readyState, 'open')
    t.false(socket.ssl)
    t.is(socket.tls, null)
  }
  socket.send('still in the clear')
  socket.close()
  t.is(String(await received()), 'still in the clear')
  t.deepEqual(await events.closed(), ['open', 'close'])
}

for (const [name, value] of Object.entries(UNSUPPORTED)) {
  test(`${name} throws a TypeError that names it`, async (t) => {
    const expected = { instanceOf: TypeError, message: new RegExp(`^${name}\\b.*not supported`) }
    await throws(t, [{ [name]: value }], expected)
    t.throws(() => new TCPServerSocket(0, { [name]: value }), expected)
    t.throws(() => mozTCPSocket.listen(0, { [name]: value }), expected)
  })
}

test('handshakeTimeout is for servers, and throws on a client', async (t) => {
  const expected = { instanceOf: TypeError, message: /^handshakeTimeout\b.*servers/ }
  await throws(t, [{ handshakeTimeout: 1000 }, { handshakeTimeout: 0 }], expected)
})

const pair = (name = 'client') => ({ cert: certificate(name).cert, key: certificate(name).key })
const broken = (what) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`

/** Where the TLS library tells that from a file which is damaged. */
const OF_PFX = TELLS_REASONS ? /^passphrase: does not open the pfx$/ : /^pfx\b/

/** What is wrong, the options, and what the message says. */
const BAD = [
  [
    'caOnly that is no boolean',
    () => wrong('caOnly', ['yes', 'false', 0, 1, {}]),
    /^caOnly\b.*true or false/,
  ],
  ['crl without a list', () => [{ crl: [] }], /^crl\b/],
  ['caOnly without ca', () => [{ caOnly: true }, { caOnly: true, ca: [] }], /^caOnly\b.*\bca\b/],
  [
    'servername that is no host',
    () => wrong('servername', ['', 'a b', 'a\0b', 'a..b', '.a', 'a:993', 'https://a', '[::1]', '127.1', 42]),
    /^servername "/,
  ],
  ['cert without key', () => [{ cert: certificate('client').cert }], /^cert\b.*\bkey\b/],
  ['key without cert', () => [{ key: certificate('client').key }], /^key\b.*\bcert\b/],
  [
    'cert that is not PEM',
    () => also('cert', ['hello', '', Buffer.alloc(0), certificate('client').key]),
    /^cert\b/,
  ],
  [
    'cert that is neither text nor bytes',
    () => also('cert', [42, {}, [certificate('client').cert]]),
    /^cert\b.*PEM/,
  ],
  ['cert that is broken', () => also('cert', [broken('CERTIFICATE')]), /^cert\b/],
  [
    'key that is not PEM',
    () => also('key', ['hello', '', Buffer.alloc(0), certificate('client').cert]),
    /^key\b/,
  ],
  [
    'key that is neither text nor bytes',
    () => also('key', [42, {}, [certificate('client').key]]),
    /^key\b.*PEM/,
  ],
  ['key that is broken', () => also('key', [broken('PRIVATE KEY')]), /^key\b/],
  ['pfx that is no bytes', () => wrong('pfx', ['hello', 42, {}, [pkcs12('client')]]), /^pfx\b.*Buffer/],
  ['pfx that is no PKCS #12', () => wrong('pfx', [Buffer.from('hello'), Buffer.alloc(0)]), /^pfx\b/],
  ['pfx without its passphrase', () => wrong('pfx', [pkcs12('client')]), OF_PFX],
  ['pfx with another passphrase', () => [{ pfx: pkcs12('client'), passphrase: 'wrong' }], OF_PFX],
  [
    'pfx with cert or key',
    () => [
      { pfx: pkcs12('client', ''), ...pair() },
      { pfx: pkcs12('client', ''), cert: pair().cert },
      { pfx: pkcs12('client', ''), key: pair().key },
    ],
    /^pfx\b.*cert and key/,
  ],
  [
    'passphrase that is no string',
    () => also('passphrase', [42, {}, Buffer.from('x')]),
    /^passphrase\b.*string/,
  ],
  [
    'passphrase with U+0000 for a pfx',
    () => [{ pfx: pkcs12('client', ''), passphrase: '\0' }],
    /^passphrase\b.*U\+0000/,
  ],
  ['passphrase with nothing to decrypt', () => [{ passphrase: 'x' }], /^passphrase\b/],
  [
    'alpnProtocols that is no array of names',
    () => wrong('alpnProtocols', ['imap', Buffer.from('imap'), 5, {}, new Set(['imap'])]),
    /^alpnProtocols\b.*array of strings/,
  ],
  [
    'a protocol that is no string of 1 to 255 bytes',
    () =>
      wrong('alpnProtocols', [[''], ['imap', 'x'.repeat(256)], ['ü'.repeat(128)], [1], [null], [['imap']]]),
    /^alpnProtocols\b.*1 to 255 bytes/,
  ],
  [
    'protocols that are too long together',
    () => wrong('alpnProtocols', [Array.from({ length: 257 }, () => 'x'.repeat(255))]),
    /^alpnProtocols\b.*65535/,
  ],
  ...['minVersion', 'maxVersion'].map((name) => [
    `${name} that is no version of ours`,
    () => wrong(name, ['TLSv1', 'TLSv1.1', 'SSLv3', 'tlsv1.2', 'TLSv1.4', '', 1.2, 772, {}]),
    new RegExp(`^${name}\\b.*"TLSv1.2" or "TLSv1.3"`),
  ]),
  [
    'maxVersion below minVersion',
    () => [{ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }],
    /^maxVersion "TLSv1.2".*minVersion "TLSv1.3"/,
  ],
  [
    'fingerprint256 that is no SHA-256',
    () => {
      const lengths = [0, 1, 20, 31, 33].map((length) => 'AA'.repeat(length))
      const texts = [
        'A'.repeat(63),
        'AG'.repeat(32),
        'AA '.repeat(32),
        'AA:'.repeat(32),
        `:${'AA'.repeat(32)}`,
      ]
      return wrong('fingerprint256', [...lengths, ...texts, Buffer.alloc(32, 0xaa), 42])
    },
    /^fingerprint256\b.*32 bytes in hexadecimal/,
  ],
  [
    'rejectUnauthorized that is no boolean',
    () => wrong('rejectUnauthorized', [0, 1, '', 'false', {}, []]),
    /^rejectUnauthorized\b.*true or false/,
  ],
]

/** Options under other names, which would be ignored otherwise, and what they are called. */
const MISNOMERS = {
  CA: 'ca',
  caonly: 'caOnly',
  caFile: 'ca',
  Cert: 'cert',
  Key: 'key',
  passPhrase: 'passphrase',
  alpn: 'alpnProtocols',
  ALPNProtocols: 'alpnProtocols',
  minversion: 'minVersion',
  serverName: 'servername',
  fingerPrint256: 'fingerprint256',
  fingerprint: 'fingerprint256',
  pin: 'fingerprint256',
  rejectunauthorized: 'rejectUnauthorized',
  useTLS: 'useSecureTransport',
  usesecuretransport: 'useSecureTransport',
  useSsl: 'useSSL',
  cas: 'ca',
  fingerprintSha256: 'fingerprint256',
  encrypted: 'useSecureTransport',
  secure: 'useSecureTransport',
  secureTransport: 'useSecureTransport',
  ssl: 'useSecureTransport',
  isSecure: 'useSecureTransport',
  use_ssl: 'useSecureTransport',
  tls: 'useSecureTransport',
  verify: 'rejectUnauthorized',
}

for (const [name, meant] of Object.entries(MISNOMERS)) {
  test(`${name} throws a TypeError that says ${meant}`, async (t) => {
    const expected = { instanceOf: TypeError, message: `${name}: this option is called ${meant}` }
    await throws(t, [{ [name]: 'x' }], expected)
    t.throws(() => new TCPServerSocket(0, { [name]: 'x' }), expected)
  })
}

test('a name that options inherit is as wrong as their own', (t) => {
  class Options {
    get tls() {
      return true
    }
  }
  const expected = { instanceOf: TypeError, message: 'tls: this option is called useSecureTransport' }
  t.throws(() => new TCPSocket('127.0.0.1', 1, new Options()), expected)
  t.throws(() => new TCPSocket('127.0.0.1', 1, Object.create({ Ciphers: 'x' })), { message: /^Ciphers: / })
})

test('options may come from another realm', async (t) => {
  const options = vm.runInNewContext('({ binaryType: "string", useSecureTransport: false })')
  const functions = vm.runInNewContext('() => {}')
  const own = scope(t)
  for (const given of [options, functions]) {
    const { port } = own.listen(given)
    const [socket, events] = own.open('127.0.0.1', port, given)
    await events.event('open')
    socket.close()
  }
  const { socket } = await plainClient(t)
  t.notThrows(() => socket.upgradeToSecure(vm.runInNewContext('({ servername: "localhost" })')))
})

test('false by another name is ignored where it asks for cleartext, which is what there is', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const options = { secure: false, ssl: false, TLS: false, useTLS: false, encrypted: false }
  const [socket, events] = own.open('127.0.0.1', server.port, options)
  await events.event('open')
  t.false(socket.ssl)
})

test('tls: { ca } throws: taken for an option that does not matter, it would mean cleartext', async (t) => {
  const expected = { instanceOf: TypeError, message: 'tls: this option is called useSecureTransport' }
  await throws(t, [{ tls: { ca: certificate('root').ca } }, { tls: true }], expected)
})

for (const name of ['Ciphers', 'checkserveridentity', 'SecureContext', 'Enabletrace', 'fingerprint512']) {
  test(`${name} throws, as what is not supported does by its own name`, async (t) => {
    const expected = { instanceOf: TypeError, message: `${name}: this TLS option is not supported` }
    await throws(t, [{ [name]: 'x' }], expected)
    t.throws(() => new TCPServerSocket(0, { [name]: 'x' }), expected)
  })
}

for (const name of [
  'host',
  'address',
  'hostname',
  'localaddress',
  'localHost',
  'bind',
  'bindAddress',
  'ip',
  'interface',
]) {
  test(`${name} of a listener throws: ignored, it would mean to listen everywhere`, (t) => {
    const expected = { instanceOf: TypeError, message: `${name}: this option is called localAddress` }
    t.throws(() => new TCPServerSocket(0, { [name]: '127.0.0.1' }), expected)
    t.throws(() => mozTCPSocket.listen(0, { [name]: '127.0.0.1' }), expected)
    t.throws(() => new TCPServerSocket(0, { [name]: null }), expected)
  })
}

test('what can be read of options counts, also where they do not name it', (t) => {
  const hiding = (values) => new Proxy({}, { get: (_, name) => values[name] })
  t.throws(() => new TCPSocket('127.0.0.1', 1, hiding({ ciphers: 'x' })), { message: /^ciphers: / })
  t.throws(() => new TCPSocket('127.0.0.1', 1, hiding({ handshakeTimeout: 5 })), {
    message: /^handshakeTimeout: /,
  })
  t.throws(() => new TCPServerSocket(0, hiding({ ca: 'x' })), { message: /^ca: / })
})

test('upgradeToSecure asks for TLS: that another name is false is a contradiction', async (t) => {
  const { socket } = await plainClient(t)
  for (const name of ['tls', 'ssl', 'secure', 'useTLS']) {
    t.throws(() => socket.upgradeToSecure({ [name]: false }), { message: new RegExp(`^${name}: `) })
  }
  t.false(socket.ssl)
})

test('an option that upgradeToSecure does not know throws, and the socket stays plain', async (t) => {
  const { socket } = await plainClient(t)
  for (const name of ['tlsWorkerPath', 'safe', 'caList']) {
    const expected = { instanceOf: TypeError, message: `${name}: there is no such option` }
    t.throws(() => socket.upgradeToSecure({ [name]: true }), expected)
    t.false(socket.ssl)
  }
  const known = { binaryType: 'string', useSecureTransport: true, useSSL: true, none: undefined }
  t.notThrows(() => socket.upgradeToSecure(known))
})

test('the options of a listener may be given again where its sockets upgrade', async (t) => {
  const { accepted } = await scope(t).pair()
  const again = { ...pair('good'), localAddress: '127.0.0.1', binaryType: 'arraybuffer' }
  t.notThrows(() => accepted.upgradeToSecure(again))
})

for (const name of ['minVersion', 'servername', 'fingerprint256', 'binaryType']) {
  test(`a symbol as ${name} throws a TypeError that names it`, (t) => {
    const expected = { instanceOf: TypeError, message: new RegExp(`^${name} Symbol\\(x\\): `) }
    t.throws(() => new TCPSocket('127.0.0.1', 1, { [name]: Symbol('x') }), expected)
  })
}

test('verification that is switched off and asked for throws', async (t) => {
  const expected = { instanceOf: TypeError, message: /^rejectUnauthorized: false/ }
  const ca = certificate('root').ca
  await throws(t, [{ rejectUnauthorized: false, ca, caOnly: true }], expected)
  if (TELLS_REASONS) await throws(t, [{ rejectUnauthorized: false, crl: revocationList('root') }], expected)
})

/** What only one of the TLS libraries can do. */
const BAD_THERE = TELLS_REASONS
  ? [
      [
        'key of another certificate',
        () => also('key', [certificate('good').key, certificate('goodRsa').key]),
        /^key\b/,
      ],
      ['crl that is neither text nor bytes', () => wrong('crl', [42, {}, true, [null]]), /^crl\b.*PEM/],
      [
        'crl that is no revocation list',
        () =>
          wrong('crl', [
            'hello',
            '',
            certificate('root').ca,
            broken('X509 CRL'),
            [revocationList('root'), 'hello'],
          ]),
        /^crl\b/,
      ],
      [
        'key that is encrypted, without passphrase',
        () => also('key', encryptedKeys()),
        /^key\b.*\bpassphrase\b/,
      ],
      [
        'key that is encrypted, with another passphrase',
        () => also('key', encryptedKeys(), { passphrase: 'x'.repeat(5000) }),
        /^passphrase\b/,
      ],
      [
        'key that is encrypted, with nearly the passphrase',
        () => also('key', encryptedKeys(), { passphrase: `${PASSPHRASE} ` }),
        /^passphrase\b/,
      ],
    ]
  : []

function wrong(name, values) {
  return values.map((value) => ({ [name]: value }))
}

function also(name, values, more = {}) {
  return values.map((value) => ({ ...pair(), ...more, [name]: value }))
}

function encryptedKeys() {
  const { encrypted, encryptedTraditional } = keyForms('client')
  return [encrypted, encryptedTraditional]
}

for (const [what, options, message] of [...BAD, ...BAD_THERE]) {
  test(`${what} throws a TypeError that says so`, async (t) => {
    await throws(t, options(), { instanceOf: TypeError, message })
  })
}

test('options of upgradeToSecure that are no object throw a TypeError', async (t) => {
  const { socket } = await plainClient(t)
  for (const options of ['ca', 1, true]) {
    t.throws(() => socket.upgradeToSecure(options), { instanceOf: TypeError, message: /^options\b/ })
    t.false(socket.ssl)
  }
})

test('options that do not fit what the socket was made with throw, and it stays plain', async (t) => {
  const { socket } = await scope(t).toNode({ maxVersion: 'TLSv1.2', ca: certificate('root').ca })
  const expected = { instanceOf: TypeError, message: /^maxVersion\b/ }
  t.throws(() => socket.upgradeToSecure({ minVersion: 'TLSv1.3' }), expected)
  t.is(socket.readyState, 'open')
  t.false(socket.ssl)
})

test('an option whose getter throws leaves the socket as it was', async (t) => {
  const { socket, received } = await plainClient(t)
  const options = {
    get servername() {
      throw new RangeError('mine')
    },
  }
  t.throws(() => socket.upgradeToSecure(options), { instanceOf: RangeError, message: 'mine' })
  t.false(socket.ssl)
  socket.send('plain')
  socket.close()
  t.is(String(await received()), 'plain')
})

test('a getter of the options may upgrade or close the socket itself', async (t) => {
  const during = (act) => ({
    get servername() {
      act()
      return 'localhost'
    },
  })
  const upgraded = await plainClient(t)
  upgraded.socket.upgradeToSecure(during(() => upgraded.socket.upgradeToSecure()))
  t.true(upgraded.socket.ssl)
  upgraded.socket.closeImmediately()
  t.deepEqual(await upgraded.events.closed(), ['open', 'close'])
  for (const close of ['close', 'closeImmediately']) {
    const { socket, events } = await plainClient(t)
    const closing = during(() => socket[close]())
    t.throws(() => socket.upgradeToSecure(closing), { name: 'NS_ERROR_FAILURE' })
    t.false(socket.ssl)
    t.deepEqual(await events.closed(), ['open', 'close'])
  }
})

const SUPPORTED =
  'ca caOnly crl servername cert key pfx passphrase alpnProtocols minVersion maxVersion fingerprint256 ' +
  'rejectUnauthorized'

test('an option that is undefined or null is as if it were absent, whether supported or not', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  for (const nothing of [undefined, null]) {
    const names = [...SUPPORTED.split(' '), ...Object.keys(UNSUPPORTED), 'handshakeTimeout']
    const options = Object.fromEntries(names.map((name) => [name, nothing]))
    const [, events] = own.open('127.0.0.1', server.port, options)
    await events.event('open')
    t.is(events.types.length, 1)
  }
})

test('options that mail clients pass along, and others that are not about TLS, are ignored', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const options = { tlsWorkerPath: 'worker.js', ws: undefined, proxyHostname: 'x', retries: 5, name: 'me' }
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
