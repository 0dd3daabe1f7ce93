'use strict'

// TLS options of a listener, and of upgradeToSecure() on what it accepted: whatever is wrong throws before anything
// listens, and the error names the option.

const { spawnSync } = require('node:child_process')
const { createPrivateKey } = require('node:crypto')
const { join } = require('node:path')

const test = require('ava')

const { inTemporaryDirectory } = require('../helpers/pki.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { TCPServerSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS } = require('../helpers/tls-peers.js')
const { presenting } = require('../helpers/tls-servers.js')

/** What the key is read by, and what it says, is OpenSSL's. */
const testOpenssl = TELLS_REASONS ? test : test.skip

const PASSPHRASE = 'open sesame'
const GARBAGE = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n'

/** An encrypted form of the key of `good`. */
const encrypted = (type = 'pkcs8') =>
  createPrivateKey(certificate('good').key).export({
    type,
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  })

let pfx

/** The certificate `good` and its key in PKCS #12, with PASSPHRASE. */
function pkcs12() {
  pfx ??= inTemporaryDirectory(({ openssl, write }) => {
    write('passphrase', PASSPHRASE)
    const { certFile, keyFile } = certificate('good')
    return openssl('pkcs12 -export -passout file:passphrase', `-in ${certFile} -inkey ${keyFile}`)
  })
  return pfx
}

/** Each: what is wrong, options made from `{ cert, key }` of `good`, and how the message begins. */
const WRONG = [
  ['cert without key', ({ cert }) => ({ cert }), /^cert: needs its key$/],
  ['key without cert', ({ key }) => ({ key }), /^key: needs its cert$/],
  ['neither, but a passphrase', () => ({ passphrase: 'x' }), /^passphrase: /],
  ['pfx beside cert', ({ cert }) => ({ pfx: pkcs12(), cert, passphrase: PASSPHRASE }), /^pfx: /],
  ['pfx beside key', ({ key }) => ({ pfx: pkcs12(), key, passphrase: PASSPHRASE }), /^pfx: /],
  ['pfx as text', () => ({ pfx: 'pfx' }), /^pfx/],
  ['cert of a wrong type', ({ key }) => ({ cert: 5, key }), /^cert/],
  ['cert as an array', ({ cert, key }) => ({ cert: [cert], key }), /^cert/],
  ['key of a wrong type', ({ cert }) => ({ cert, key: { pem: 'x' } }), /^key/],
  ['passphrase of a wrong type', (both) => ({ ...both, passphrase: Buffer.from('x') }), /^passphrase/],
]

/** The same, where OpenSSL finds it. */
const UNREADABLE = [
  [
    'the key of another certificate',
    ({ cert }) => ({ cert, key: certificate('chained').key }),
    /^key: is not the key/,
  ],
  [
    'a key of another kind',
    ({ cert }) => ({ cert, key: certificate('goodRsa').key }),
    /^key: is not the key/,
  ],
  ['a chain in the wrong order', () => backwards(), /^key: is not the key/],
  ['garbage as cert', ({ key }) => ({ cert: 'hello', key }), /^cert: no certificate/],
  ['nothing as cert', ({ key }) => ({ cert: '', key }), /^cert: no certificate/],
  ['garbage in PEM as cert', ({ key }) => ({ cert: GARBAGE, key }), /^cert: /],
  ['garbage behind the certificate', ({ cert, key }) => ({ cert: cert + GARBAGE, key }), /^cert: /],
  ['the key as cert', ({ key }) => ({ cert: key, key }), /^cert: no certificate/],
  ['garbage as key', ({ cert }) => ({ cert, key: 'hello' }), /^key: /],
  ['the certificate as key', ({ cert }) => ({ cert, key: cert }), /^key: /],
  ['a wrong passphrase', ({ cert }) => ({ cert, key: encrypted(), passphrase: 'wrong' }), /^passphrase: /],
  ['an empty passphrase', ({ cert }) => ({ cert, key: encrypted(), passphrase: '' }), /^passphrase: /],
  [
    'a passphrase longer than any buffer',
    ({ cert }) => ({ cert, key: encrypted(), passphrase: 'x'.repeat(100_000) }),
    /^passphrase: /,
  ],
  ['an encrypted key without passphrase', ({ cert }) => ({ cert, key: encrypted() }), /^key: .*passphrase/],
  [
    'a SEC 1 key that is encrypted, without passphrase',
    ({ cert }) => ({ cert, key: encrypted('sec1') }),
    /^key: .*passphrase/,
  ],
  ['garbage as pfx', () => ({ pfx: Buffer.from('garbage') }), /^pfx: /],
  ['nothing as pfx', () => ({ pfx: new ArrayBuffer(0) }), /^pfx: /],
  ['half of a pfx', () => ({ pfx: pkcs12().subarray(0, 500), passphrase: PASSPHRASE }), /^pfx: /],
  ['a pfx with another passphrase', () => ({ pfx: pkcs12(), passphrase: 'wrong' }), /^(?:passphrase|pfx): /],
  ['a pfx without its passphrase', () => ({ pfx: pkcs12() }), /^(?:passphrase|pfx): /],
]

function backwards() {
  const { own, key } = certificate('chained')
  return { cert: certificate('intermediate').own + own, key }
}

for (const [tester, cases] of [
  [test, WRONG],
  [testOpenssl, UNREADABLE],
]) {
  for (const [what, make, message] of cases) {
    tester(`${what}: a TypeError that names the option`, async (t) => {
      const { cert, key } = certificate('good')
      const options = make({ cert, key })
      const expected = { instanceOf: TypeError, message }
      for (const secure of [{ useSecureTransport: true }, {}]) {
        t.throws(() => new TCPServerSocket(0, { ...secure, ...options }), expected)
        t.throws(() => mozTCPSocket.listen(0, { ...secure, ...options }), expected)
      }
      const { accepted, clientEvents } = await scope(t).pair()
      t.throws(() => accepted.upgradeToSecure(options), expected)
      t.false(accepted.ssl)
      accepted.send('plain')
      t.is(String(await clientEvents.data(5)), 'plain')
    })
  }
}

for (const name of ['weakKey', 'weakDigest']) {
  const told = TELLS_REASONS ? test : test.skip
  told(`the certificate ${name}, which no client would accept: a TypeError that names cert`, (t) => {
    const expected = { instanceOf: TypeError, message: /^cert: / }
    t.throws(() => new TCPServerSocket(0, presenting(name, { useSecureTransport: true })), expected)
  })
}

const testApple = process.platform === 'darwin' ? test : test.skip
testApple('alpnProtocols throw where a server cannot choose', (t) => {
  const options = presenting('good', { useSecureTransport: true, alpnProtocols: ['imap'] })
  t.throws(() => new TCPServerSocket(0, options), { instanceOf: TypeError, message: /^alpnProtocols: / })
})

testOpenssl('an encrypted key without passphrase never asks on the terminal', (t) => {
  const main = join(__dirname, '..', '..', 'index.js')
  const script = `
    const { TCPServerSocket } = require(${JSON.stringify(main)})
    const { cert, key } = JSON.parse(process.argv[1])
    try {
      new TCPServerSocket(0, { useSecureTransport: true, cert, key })
    } catch (error) {
      console.log(error.message)
    }
  `
  for (const type of ['pkcs8', 'sec1']) {
    const identity = JSON.stringify({ cert: certificate('good').cert, key: encrypted(type) })
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script, identity], {
      encoding: 'utf8',
      input: `${PASSPHRASE}\n`,
      // In a session of its own, so that there is no terminal to block on.
      detached: true,
      timeout: 60_000,
    })
    t.is(status, 0, stderr)
    t.is(stdout, 'key: is encrypted, so that passphrase is needed\n')
    t.notRegex(stderr, /pass ?phrase/i)
  }
})

const FOR_CLIENTS = {
  ca: () => certificate('root').ca,
  caOnly: () => true,
  crl: () => 'crl',
  fingerprint256: () => 'ab'.repeat(32),
  rejectUnauthorized: () => false,
  servername: () => 'localhost',
}

const UNSUPPORTED = {
  requestCert: () => true,
  SNICallback: () => () => {},
  ciphers: () => 'HIGH',
  secureContext: () => ({}),
}

const BAD = {
  minVersion: ['TLSv1', 'TLSv1.1', 'TLSv1.4', 'tlsv1.2', '', 1.2, {}, false],
  maxVersion: ['TLSv1', 'TLSv1.1', 'TLSv1.4', 'TLSv1.3 ', '', 1.3, [], false],
  alpnProtocols: [
    'imap',
    {},
    5,
    true,
    new Uint8Array(3),
    [''],
    [5],
    [null],
    [['imap']],
    ['imap', undefined],
    ['x'.repeat(256)],
    ['é'.repeat(128)],
    Array.from({ length: 300 }, () => 'x'.repeat(255)),
  ],
  handshakeTimeout: ['x', '', 1.5, Number.NaN, Infinity, {}, true, '1.5', 1n << 70n, Symbol('x')],
}

const short = (value) => {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : String(Array.isArray(value) ? `[${value}]` : value)
  return text.slice(0, 20)
}

/** Asserts that `more`, beside a good certificate, throws everywhere. */
async function assertRefused(t, more, expected) {
  const options = presenting('good', more)
  for (const secure of [{ useSecureTransport: true }, {}]) {
    t.throws(() => new TCPServerSocket(0, { ...options, ...secure }), expected)
    t.throws(() => mozTCPSocket.listen(0, { ...options, ...secure }), expected)
  }
  const { accepted } = await scope(t).pair()
  t.throws(() => accepted.upgradeToSecure(options), expected)
  t.false(accepted.ssl)
}

for (const [name, value] of Object.entries({ ...FOR_CLIENTS, ...UNSUPPORTED })) {
  test(`${name} on a server: a TypeError that names it`, async (t) => {
    const why = Object.hasOwn(FOR_CLIENTS, name) ? 'this is an option of clients' : 'this TLS option is not'
    await assertRefused(
      t,
      { [name]: value() },
      { instanceOf: TypeError, message: new RegExp(`^${name}: ${why}`) },
    )
  })
}

for (const [name, values] of Object.entries(BAD)) {
  for (const [index, value] of values.entries()) {
    test(`${name} ${short(value)} (${index}): a TypeError that names it`, async (t) => {
      await assertRefused(t, { [name]: value }, { instanceOf: TypeError, message: new RegExp(`^${name}\\b`) })
    })
  }
}

for (const value of [0, -1, 600_001, '0', '600001', 2 ** 32 + 1]) {
  test(`handshakeTimeout ${short(value)}: a RangeError that names it`, async (t) => {
    await assertRefused(
      t,
      { handshakeTimeout: value },
      { instanceOf: RangeError, message: /^handshakeTimeout\b/ },
    )
  })
}

test('minVersion above maxVersion: a TypeError that names both', async (t) => {
  const message = /maxVersion.*minVersion/
  await assertRefused(t, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }, { instanceOf: TypeError, message })
})

test('the ends of what is allowed are allowed, and null and undefined are as if they were absent', (t) => {
  for (const more of [
    { handshakeTimeout: 1 },
    { handshakeTimeout: '600000' },
    { alpnProtocols: ['x'.repeat(255), 'é'.repeat(127)] },
    { alpnProtocols: [] },
    { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
    {
      ca: null,
      servername: undefined,
      requestCert: null,
      pfx: null,
      passphrase: null,
      handshakeTimeout: null,
    },
  ]) {
    const server = new TCPServerSocket(0, presenting('good', { useSecureTransport: true, ...more }))
    t.true(server.localPort > 0)
    server.close()
  }
})

test('an option that throws leaves the port free', (t) => {
  const { server, port } = scope(t).listen()
  server.close()
  t.throws(() => new TCPServerSocket(port, { useSecureTransport: true }), { message: /^cert/ })
  const again = new TCPServerSocket(port)
  t.is(again.localPort, port)
  again.close()
})
