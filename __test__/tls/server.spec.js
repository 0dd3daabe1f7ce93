'use strict'

// TLS from the first byte of an accepted connection, when it goes well: each form of certificate and key, what the
// socket is at `connect`, data both ways, and how the connection ends.

const { createPrivateKey, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { inTemporaryDirectory } = require('../helpers/pki.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { mozTCPSocket, receive, scope } = require('../helpers/sockets.js')
const {
  CHOOSES_PROTOCOLS,
  SERVER_VERSIONS,
  TELLS_REASONS,
  failed,
  recordTypes,
  tap,
  trusting,
} = require('../helpers/tls-peers.js')
const { listenSecurely, nodeClient, presenting } = require('../helpers/tls-servers.js')

const PASSPHRASE = 'open sesame'

/** Other forms of a key than PKCS #8 are read where TLS is OpenSSL. */
const testKeys = TELLS_REASONS ? test : test.skip

/** The details of `socket.tls`, as far as this platform tells them. */
function told(details) {
  if (TELLS_REASONS) return details
  return { ...details, protocol: null, cipher: null, servername: null, resumed: null }
}

/** The named certificate's key as `createPrivateKey(…).export` writes it. */
const exported = (name, options) =>
  createPrivateKey(certificate(name).key).export({ format: 'pem', ...options })

/** The named certificate, its chain and its key in PKCS #12. */
function pkcs12(name, passphrase) {
  const { certFile, keyFile } = certificate(name)
  return inTemporaryDirectory(({ openssl }) =>
    openssl('pkcs12 -export', `-in ${certFile} -inkey ${keyFile} -passout pass:${passphrase}`),
  )
}

/** A client of ours is happy with the listener, and a line goes both ways. */
async function assertServes(t, own, { port, accepted }, host = 'localhost') {
  const [client, clientEvents] = own.open(host, port, trusting())
  const [[socket, events]] = await Promise.all([accepted(), clientEvents.event('open')])
  client.send('to the server')
  t.is(String(await events.data(13)), 'to the server')
  socket.send('to the client')
  t.is(String(await clientEvents.data(13)), 'to the client')
}

for (const [what, name] of [
  ['an EC key', 'good'],
  ['an RSA key', 'goodRsa'],
  ['an intermediate certificate, to a client that has the root only', 'chained'],
]) {
  test(`new TCPServerSocket with cert and key serves ${what}`, async (t) => {
    const own = scope(t)
    await assertServes(t, own, listenSecurely(own, {}, { name }))
  })

  test(`mozTCPSocket.listen with cert and key serves ${what}`, async (t) => {
    const own = scope(t)
    const create = (...args) => mozTCPSocket.listen(...args)
    await assertServes(t, own, listenSecurely(own, {}, { name, create }))
  })
}

testKeys('new TCPServerSocket with cert and key serves an Ed25519 key', async (t) => {
  const own = scope(t)
  await assertServes(t, own, listenSecurely(own, {}, { name: 'goodEd25519' }))
})

test('useSSL is another name of useSecureTransport', async (t) => {
  const own = scope(t)
  await assertServes(t, own, own.listen(presenting('good', { useSSL: true })))
})

for (const [what, name, type] of [
  ['PKCS #1', 'goodRsa', 'pkcs1'],
  ['SEC 1', 'good', 'sec1'],
]) {
  testKeys(`a key in ${what} form will do`, async (t) => {
    const own = scope(t)
    await assertServes(t, own, listenSecurely(own, { key: exported(name, { type }) }, { name }))
  })

  testKeys(`a key in ${what} form that is encrypted, with its passphrase`, async (t) => {
    const own = scope(t)
    const key = exported(name, { type, cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
    await assertServes(t, own, listenSecurely(own, { key, passphrase: PASSPHRASE }, { name }))
  })
}

testKeys('a key in PKCS #8 form that is encrypted, with its passphrase, which may be Unicode', async (t) => {
  const own = scope(t)
  const passphrase = 'Sésam öffne dich ☃'
  const key = exported('good', { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
  await assertServes(t, own, listenSecurely(own, { key, passphrase }))
})

test('certificate and key may be bytes: a Buffer, a view in the middle of its memory, or an ArrayBuffer', async (t) => {
  const { cert, key } = certificate('good')
  const padded = Buffer.concat([Buffer.alloc(7, 'x'), Buffer.from(key), Buffer.alloc(9, 'x')])
  for (const [certificateBytes, keyBytes] of [
    [Buffer.from(cert), padded.subarray(7, padded.length - 9)],
    [Uint8Array.from(Buffer.from(cert)).buffer, Uint8Array.from(Buffer.from(key)).buffer],
  ]) {
    const own = scope(t)
    await assertServes(t, own, listenSecurely(own, { cert: certificateBytes, key: keyBytes }))
  }
})

for (const name of ['good', 'goodRsa', 'chained']) {
  test(`pfx with its passphrase serves the certificate ${name}`, async (t) => {
    const own = scope(t)
    const pfx = pkcs12(name, 'sesame')
    const options = { useSecureTransport: true, pfx, passphrase: 'sesame', binaryType: 'arraybuffer' }
    await assertServes(t, own, own.listen(options))
  })
}

test('pfx without a passphrase has the empty one', async (t) => {
  const own = scope(t)
  const options = { useSecureTransport: true, pfx: pkcs12('good', ''), binaryType: 'arraybuffer' }
  await assertServes(t, own, own.listen(options))
})

test('connect fires after the handshake, with a socket that is open and secure', async (t) => {
  const own = scope(t)
  const { port, accepted } = listenSecurely(own, CHOOSES_PROTOCOLS ? { alpnProtocols: ['imap'] } : {})
  const client = nodeClient(own, port, { ALPNProtocols: ['imap'] })
  const [[socket, events]] = await Promise.all([accepted(), once(client, 'secureConnect')])
  t.is(socket.readyState, 'open')
  t.true(socket.ssl)
  t.is(socket.host, '127.0.0.1')
  t.is(socket.port, client.localPort)
  t.deepEqual(
    socket.tls,
    told({
      protocol: 'TLSv1.3',
      cipher: client.getCipher().standardName,
      alpnProtocol: CHOOSES_PROTOCOLS ? 'imap' : null,
      servername: 'localhost',
      resumed: false,
      peerCertificate: null,
    }),
  )
  t.true(Object.isFrozen(socket.tls))
  const before = socket.tls
  client.end()
  t.deepEqual(await events.closed(), ['close'])
  t.is(socket.tls, before, 'it can be read after the end')
})

test('tls is there in the connect handler already, and ssl is true', async (t) => {
  const own = scope(t)
  const { server, port } = listenSecurely(own)
  const connected = new Promise((resolve) => {
    server.addEventListener('connect', ({ socket }) => resolve([socket.ssl, socket.tls, socket.readyState]))
  })
  nodeClient(own, port)
  const [ssl, details, readyState] = await connected
  t.true(ssl)
  t.is(details?.peerCertificate, null)
  t.is(readyState, 'open')
})

test('a client that asks for an address gives no servername, and one that offers no protocols no alpnProtocol', async (t) => {
  const own = scope(t)
  const { port, accepted } = listenSecurely(own)
  const [, events] = own.open('127.0.0.1', port, trusting())
  const [[socket]] = await Promise.all([accepted(), events.event('open')])
  t.is(socket.tls.servername, null)
  t.is(socket.tls.alpnProtocol, null)
})

test('tls is null without TLS', async (t) => {
  const { client, accepted } = await scope(t).pair()
  t.is(client.tls, null)
  t.is(accepted.tls, null)
})

for (const version of SERVER_VERSIONS) {
  const only = { minVersion: version, maxVersion: version }

  test(`8 MB in each direction at once arrive whole (${version})`, async (t) => {
    const own = scope(t)
    const size = 8 * 1024 * 1024
    const { port, accepted } = listenSecurely(own)
    const [there, back] = [randomBytes(size), randomBytes(size)]
    const [client, clientEvents] = own.open('localhost', port, trusting(only))
    const [[socket, events]] = await Promise.all([accepted(), clientEvents.event('open')])
    client.send(there)
    t.false(socket.send(back))
    t.true((await events.data(size)).equals(there))
    t.true((await clientEvents.data(size)).equals(back))
    await events.event('drain')
    t.is(socket.bufferedAmount, 0)
    if (TELLS_REASONS) t.is(socket.tls.protocol, version)
  })

  test(`close() sends everything, then close_notify, then FIN (${version})`, async (t) => {
    const own = scope(t)
    const { port, accepted } = listenSecurely(own)
    const wire = await tap(own, port)
    const client = nodeClient(own, wire.port, only)
    const ended = once(client, 'end')
    const [socket, events] = await accepted()
    const bytes = randomBytes(2 * 1024 * 1024)
    t.false(socket.send(bytes))
    socket.close()
    t.true((await receive(client)).equals(bytes))
    await ended
    t.deepEqual(await events.closed(), ['drain', 'close'])
    t.is(recordTypes(wire.fromServer()).at(-1), version === 'TLSv1.2' ? 21 : 23)
  })

  test(`a client's close_notify ends the socket without an error (${version})`, async (t) => {
    const own = scope(t)
    const { port, accepted } = listenSecurely(own)
    const client = nodeClient(own, port, only)
    await once(client, 'secureConnect')
    client.end('the end')
    const [, events] = await accepted()
    t.deepEqual(await events.closed(), ['close'])
    t.is(String(await events.data(0)), 'the end')
  })

  test(`a client's FIN without close_notify: the data, then NetworkInterruptError (${version})`, async (t) => {
    const own = scope(t)
    const { port, accepted } = listenSecurely(own)
    let upstream
    const proxy = await own.netServer({ allowHalfOpen: true }, (raw) => {
      upstream = net.connect(port, '127.0.0.1')
      raw.pipe(upstream).pipe(raw)
    })
    const client = nodeClient(own, proxy.port, only)
    const [[, events]] = await Promise.all([accepted(), once(client, 'secureConnect')])
    client.write(Buffer.alloc(100_000, 'A'))
    await events.data(100_000)
    upstream.end()
    const error = await failed(t, events, 'NetworkInterruptError')
    t.regex(error.data.message, /close_notify/)
    t.is(events.bytes, 100_000)
  })
}

test('a suspended socket stops its client by back-pressure, and loses nothing', async (t) => {
  const own = scope(t)
  const bytes = randomBytes(16 * 1024 * 1024)
  const { port, accepted } = listenSecurely(own)
  const client = nodeClient(own, port)
  const [socket, events] = await accepted()
  socket.suspend()
  client.write(bytes)
  // Round trips in the other direction, after which the first bytes are surely here.
  for (let i = 0; i < 5; i++) {
    socket.send('?')
    await once(client, 'data')
  }
  t.is(events.bytes, 0)
  t.true(client.writableLength > 0, 'the client cannot write all of it')
  socket.resume()
  await events.data(1)
  socket.suspend()
  const before = events.bytes
  socket.send('?')
  await once(client, 'data')
  t.is(events.bytes, before)
  socket.resume()
  t.true((await events.data(bytes.length)).equals(bytes))
})

test('fifty clients at once each get their own socket', async (t) => {
  const own = scope(t)
  const { server, port } = listenSecurely(own)
  server.addEventListener('connect', ({ socket }) => {
    socket.addEventListener('data', ({ data }) => socket.send(data))
  })
  const talk = async (i) => {
    const [socket, events] = own.open('localhost', port, trusting())
    await events.event('open')
    const bytes = Buffer.alloc(10_000, String(i))
    socket.send(bytes)
    const got = await events.data(bytes.length)
    socket.close()
    return got.equals(bytes) && (await events.closed()).join(' ') === 'open close'
  }
  const results = await Promise.all(Array.from({ length: 50 }, (_, i) => talk(i)))
  t.true(results.every(Boolean))
  t.is(server.failedHandshakes, 0)
})
