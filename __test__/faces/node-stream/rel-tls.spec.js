'use strict'

// TLS: of the socket below, which the engine does, with tls.TLSSocket as the control; and node:tls above a stream, as libraries use STARTTLS. REL-153 to
// REL-166 of this project's list.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { certificate } = require('../../helpers/pki-matrix.js')
const { makePki } = require('../../helpers/pki.js')
const {
  FACES,
  SECURE,
  WITH_CONTROL,
  closed,
  echo,
  eventsOf,
  listening,
  secureServerOf,
  serverOf,
  testFaces,
} = require('./support.js')

const MB = 1024 * 1024
const { ca, cert, key } = makePki()

const CONTROL = (port, host = 'localhost') => tls.connect({ port, host, ca })
const SECURE_WITH_CONTROL = { 'tls.TLSSocket': CONTROL, ...SECURE }

const secure = (id, title, implementation) =>
  testFaces(test, SECURE_WITH_CONTROL, `${id}: ${title}`, implementation)
const above = (id, title, implementation) => testFaces(test, WITH_CONTROL, `${id}: ${title}`, implementation)

/** Everything that a stream gives, until it ends. */
async function drain(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A client of node:tls over `socket`, which ends with the test. */
function over(t, socket, options) {
  const client = tls.connect({ socket, ca, servername: 'localhost', ...options })
  t.teardown(() => client.destroy())
  return client
}

secure(
  'REL-153',
  'TLS from the start: secureConnect, and what there is to know of it',
  async (t, connect, face) => {
    const port = await secureServerOf(t, echo, { ALPNProtocols: ['x'] })
    const socket = connect(port)
    const events = eventsOf(socket, ['connect', 'secureConnect', 'ready'])
    await once(socket, 'secureConnect')
    t.true(events.includes('connect'))
    t.is(events.at(-1), 'secureConnect')
    t.true(socket.encrypted)
    t.true(socket.authorized)
    t.falsy(socket.authorizationError)
    t.is(socket.getProtocol(), 'TLSv1.3')
    t.like(socket.getCipher(), { version: 'TLSv1.3', standardName: socket.getCipher().standardName })
    t.is(socket.isSessionReused(), false)
    t.is(socket.alpnProtocol, false)
    const { subject, fingerprint256, raw } = socket.getPeerCertificate()
    const { fingerprint256: expected } = new (require('node:crypto').X509Certificate)(cert)
    t.is(fingerprint256, expected, face)
    t.truthy(subject.CN)
    t.true(Buffer.isBuffer(raw))
    socket.end('hello')
    t.is((await drain(socket)).toString(), 'hello')
  },
)

testFaces(test, FACES, 'REL-153: a plain one says that it is plain', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  await once(socket, 'connect')
  t.deepEqual([socket.encrypted, socket.authorized, socket.alpnProtocol], [false, false, false])
  t.deepEqual(socket.getPeerCertificate(), {})
  t.is(socket.getProtocol(), null)
  t.is(socket.getCipher(), undefined)
})

test('REL-153: a server that nobody verified is not authorized, and one that is pinned is', async (t) => {
  const { TCPSocket } = require('moz-tcp-socket')
  const { toNodeStream } = require('moz-tcp-socket/node-stream')
  const { fingerprint256 } = new (require('node:crypto').X509Certificate)(cert)
  const port = await secureServerOf(t, echo)
  for (const [options, expected] of [
    [{ rejectUnauthorized: false, fingerprint256 }, true],
    [{ rejectUnauthorized: false }, false],
  ]) {
    const socket = toNodeStream(new TCPSocket('localhost', port, { useSecureTransport: true, ...options }))
    await once(socket, 'connect')
    t.true(socket.encrypted)
    t.is(socket.authorized, expected)
    socket.destroy()
  }
})

above(
  'REL-153, REL-156',
  'node:tls above a socket that connects, and above one that is connected; with SNI',
  async (t, connect) => {
    const names = []
    const SNICallback = (name, callback) => (
      names.push(name),
      callback(null, tls.createSecureContext({ cert, key }))
    )
    const port = await secureServerOf(t, echo, { SNICallback })
    for (const waits of [false, true]) {
      const socket = connect(port)
      if (waits) await once(socket, 'connect')
      const client = over(t, socket)
      await once(client, 'secureConnect')
      t.true(client.authorized)
      client.end(Buffer.alloc(300_000, 't'))
      t.true((await drain(client)).equals(Buffer.alloc(300_000, 't')))
    }
    t.deepEqual(names, ['localhost', 'localhost'])
  },
)

above('REL-154', 'TLS that begins after the peer has spoken finds its first bytes', async (t, connect) => {
  const got = new Promise((resolve) => {
    const server = net.createServer((peer) => {
      const client = over(t, peer)
      client.end('from the client')
      resolve(drain(client))
    })
    void listening(t, server).then(async (port) => {
      const socket = connect(port)
      await once(socket, 'connect')
      await new Promise((done) => setTimeout(done, 100))
      const secured = new tls.TLSSocket(socket, { isServer: true, cert, key })
      t.teardown(() => secured.destroy())
      secured.pipe(secured)
    })
  })
  t.is((await got).toString(), 'from the client')
})

above('REL-155', 'a megabyte in the clear leaves before the first byte of TLS', async (t, connect) => {
  let accept
  const accepted = new Promise((resolve) => (accept = resolve))
  const port = await serverOf(t, accept)
  const socket = connect(port)
  socket.write(Buffer.alloc(MB, 'p'))
  const client = over(t, socket)
  client.on('error', () => {})
  client.write('secret')
  await once(socket, 'connect')
  const peer = await accepted
  let bytes = Buffer.alloc(0)
  for await (const chunk of peer) {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length > MB + 5) break
  }
  t.true(bytes.subarray(0, MB).equals(Buffer.alloc(MB, 'p')))
  t.is(bytes[MB], 0x16)
  t.false(bytes.includes('secret'))
})

secure(
  'REL-157',
  'a certificate that nobody trusts: a code of OpenSSL, and neither connect nor data before',
  async (t, connect, face) => {
    const server = tls.createServer(certificate('good'), (socket) => socket.end('too early'))
    server.on('tlsClientError', () => {})
    const port = await listening(t, server)
    const socket = connect(port)
    const events = eventsOf(socket, ['connect', 'secureConnect', 'data', 'error', 'close'])
    const [error] = await once(socket, 'error')
    t.true(await closed(socket))
    t.is(error.code, 'SELF_SIGNED_CERT_IN_CHAIN')
    t.false(events.includes('secureConnect') || events.includes('data'), face)
  },
)

secure('REL-158', 'a server that speaks no TLS: an error, then close', async (t, connect) => {
  const port = await serverOf(t, (peer) => {
    peer.on('error', () => {})
    peer.end(Buffer.alloc(2 * MB, 'junk'))
  })
  const socket = connect(port)
  const events = eventsOf(socket, ['secureConnect', 'error', 'close'])
  const [error] = await once(socket, 'error')
  t.regex(error.code, /^(EPROTO|ERR_SSL_.*|ECONNRESET)$/)
  t.true(await closed(socket))
  t.deepEqual(events, ['error', 'close'])
})

secure('REL-160', 'TCP that ends in the handshake is ECONNRESET', async (t, connect) => {
  const port = await serverOf(t, (peer) => peer.once('data', () => peer.end()))
  const socket = connect(port)
  const [error] = await once(socket, 'error')
  t.is(error.code, 'ECONNRESET')
  t.true(await closed(socket))
})

testFaces(
  test,
  SECURE,
  'REL-160: TLS that is cut off is ECONNRESET, behind what came before',
  async (t, connect) => {
    const server = tls.createServer({ cert, key })
    server.on('connection', (raw) => {
      server.once('secureConnection', (peer) => peer.write('half', () => setTimeout(() => raw.destroy(), 20)))
    })
    const socket = connect(await listening(t, server))
    let got = ''
    socket.on('data', (data) => (got += data))
    const [error] = await once(socket, 'error')
    t.is(error.code, 'ECONNRESET')
    t.is(got, 'half')
    t.true(await closed(socket))
  },
)

secure(
  'REL-161',
  'two megabytes and an end: all arrive, and a close_notify answers it',
  async (t, connect) => {
    let got
    const port = await secureServerOf(t, (peer) => {
      got = drain(peer)
      peer.on('end', () => peer.end())
    })
    const socket = connect(port)
    socket.resume()
    socket.write(Buffer.alloc(2 * MB, 'q'))
    socket.end()
    t.false(await closed(socket))
    t.is((await got).length, 2 * MB)
  },
)

secure(
  'REL-162',
  'an echo that is paused again and again is whole, and reads ahead little',
  async (t, connect) => {
    const port = await secureServerOf(t, echo)
    const socket = connect(port)
    await once(socket, 'secureConnect')
    const bytes = Buffer.alloc(8 * MB, 'r')
    socket.end(bytes)
    let got = 0
    let most = 0
    socket.on('data', ({ length }) => {
      got += length
      socket.pause()
      setImmediate(() => {
        most = Math.max(most, socket.readableLength)
        socket.resume()
      })
    })
    t.false(await closed(socket))
    t.is(got, bytes.length)
    t.true(most < 512 * 1024, `${most}`)
  },
)

testFaces(
  test,
  SECURE_WITH_CONTROL,
  'REL-163: a tunnel of TLS inside TLS keeps the order of small writes',
  async (t, connect) => {
    const inner = await secureServerOf(t, echo)
    const port = await secureServerOf(t, (peer) => {
      const onward = net.connect(inner, '127.0.0.1')
      onward.on('error', () => {})
      peer.on('error', () => {})
      peer.pipe(onward).pipe(peer)
    })
    const socket = connect(port)
    await once(socket, 'secureConnect')
    const client = over(t, socket)
    await once(client, 'secureConnect')
    const text = Array.from({ length: 2000 }, (_, i) => `${i},`)
    for (const piece of text) client.write(piece)
    let got = ''
    for await (const chunk of client) {
      got += chunk
      if (got.endsWith(text.at(-1))) break
    }
    t.is(got, text.join(''))
  },
)

secure('REL-166', 'destroyed at odd moments of the handshake: one close, no error', async (t, connect) => {
  const port = await secureServerOf(t, echo)
  for (let i = 0; i < 12; i++) {
    const socket = connect(port)
    const events = eventsOf(socket, ['error', 'close'])
    await new Promise((done) => setTimeout(done, i / 2))
    socket.destroy()
    t.false(await closed(socket))
    t.deepEqual(events, ['close'])
  }
})
