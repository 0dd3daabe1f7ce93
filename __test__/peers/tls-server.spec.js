'use strict'

// Our TLS server and clients that others wrote: openssl s_client with versions, groups and ciphers of its choice, curl
// over HTTPS, node:tls with its sessions, and our own client with its own.

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { run, temporaryDirectory, testWith } = require('../helpers/peers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { TCPServerSocket, scope } = require('../helpers/sockets.js')
const {
  CHOOSES_PROTOCOLS,
  SERVER_VERSIONS,
  TELLS_REASONS,
  readExactly,
  trusting,
} = require('../helpers/tls-peers.js')
const {
  countsFailures,
  listenSecurely,
  nodeClient,
  presenting,
  sClient,
} = require('../helpers/tls-servers.js')

/** Sessions, ciphers and groups are told of, and tested, where TLS is OpenSSL. */
const testOpenssl = TELLS_REASONS ? test : test.skip

/** Sends everything back, on each socket that `listening` accepts. */
function echo({ server }) {
  server.addEventListener('connect', ({ socket }) => {
    socket.addEventListener('data', ({ data }) => socket.send(data))
  })
}

for (const [what, name, options, protocol, cipher] of [
  ['with TLS 1.3', 'good', ['-tls1_3'], 'TLSv1.3', /^TLS_/],
  ['with TLS 1.2', 'good', ['-tls1_2'], 'TLSv1.2', /^TLS_ECDHE_ECDSA_/],
  ['with TLS 1.2 and an RSA key', 'goodRsa', ['-tls1_2'], 'TLSv1.2', /^TLS_ECDHE_RSA_/],
  ['with TLS 1.2 and finite fields', 'goodRsa', ['-tls1_2', '-cipher', 'DHE'], 'TLSv1.2', /^TLS_DHE_RSA_/],
  ['with an Ed25519 key', 'goodEd25519', [], 'TLSv1.3', /^TLS_/],
  [
    'with AES-128',
    'good',
    ['-ciphersuites', 'TLS_AES_128_GCM_SHA256'],
    'TLSv1.3',
    /^TLS_AES_128_GCM_SHA256$/,
  ],
  ['with ChaCha20', 'good', ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256'], 'TLSv1.3', /CHACHA20/],
  ['with the group P-384', 'good', ['-groups', 'P-384'], 'TLSv1.3', /^TLS_/],
  ['with the group X25519', 'good', ['-groups', 'X25519'], 'TLSv1.3', /^TLS_/],
  ['that needs a HelloRetryRequest', 'good', ['-groups', 'X448:P-256'], 'TLSv1.3', /^TLS_/],
  ['that gets an intermediate', 'chained', [], 'TLSv1.3', /^TLS_/],
  ['that sends small records', 'good', ['-max_send_frag', '512'], 'TLSv1.3', /^TLS_/],
]) {
  const speaks = testOn(test, SERVER_VERSIONS.includes(protocol), `a server that speaks ${protocol}`)
  testWith(speaks, 'openssl', `s_client ${what}: lines go both ways, and each side can end it`, async (t) => {
    const own = scope(t)
    const ends = { server: [], client: ['-no_ign_eof'] }
    for (const whoEnds of Object.keys(ends)) {
      const { port, accepted } = listenSecurely(own, {}, { name })
      const client = sClient(
        own,
        port,
        '-verify_hostname',
        'localhost',
        '-quiet',
        ...ends[whoEnds],
        ...options,
      )
      const [socket, events] = await accepted()
      const line = `${'x'.repeat(5000)} end\n`
      client.child.stdin.write(line)
      t.is(String(await events.data(line.length)), line)
      socket.send('hello, openssl\n')
      t.truthy(await client.says(/^hello, openssl$/m), client.output())
      t.is(socket.tls.servername, TELLS_REASONS ? 'localhost' : null)
      if (TELLS_REASONS) {
        t.is(socket.tls.protocol, protocol)
        t.regex(socket.tls.cipher, cipher)
      }
      if (whoEnds === 'server') {
        socket.close()
        t.is(await client.exited, 0, client.output())
      } else {
        client.child.stdin.end()
      }
      t.deepEqual(await events.closed(), ['close'])
    }
  })
}

testWith(test, 'openssl', 'an s_client that distrusts us is refused by itself, and counted', async (t) => {
  const own = scope(t)
  const { server, port } = listenSecurely(own, {}, { name: 'unknownIssuer' })
  server.onconnect = () => t.fail('nobody may get in')
  const client = sClient(own, port)
  t.not(await client.exited, 0)
  t.regex(client.output(), /unable to get local issuer|unable to verify/)
  await countsFailures(server, 1)
  t.is(server.failedHandshakes, 1)
})

testWith(test, 'openssl', 'a renegotiation that a TLS 1.2 client asks for is refused', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  echo(listening)
  const client = sClient(own, listening.port, '-tls1_2')
  const [, events] = await listening.accepted()
  await client.says(/Verify return code: 0/)
  client.child.stdin.write('R\n')
  t.truthy(await client.says(/no renegotiation/), client.output())
  await client.exited
  // s_client gives up with an alert; what has come before it stays as it is.
  t.deepEqual(await events.closed(), ['error', 'close'])
  t.is((await events.event('error')).name, 'SecurityError')
  t.is(events.bytes, 0)
  const next = nodeClient(own, listening.port)
  next.write('still there?')
  t.is(String(await readExactly(next, 12)), 'still there?')
})

testOpenssl('a key update that a TLS 1.3 client asks for is done', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  echo(listening)
  const client = sClient(own, listening.port, '-tls1_3')
  const [, events] = await listening.accepted()
  await client.says(/Verify return code: 0/)
  client.child.stdin.write('K\n')
  t.truthy(await client.says(/KEYUPDATE/), client.output())
  client.child.stdin.write('after it\n')
  t.is(String(await events.data(9)), 'after it\n')
  t.truthy(await client.says(/^after it$/m), client.output())
  client.child.stdin.write('Q\n')
  await client.exited
  await events.closed()
})

/** An HTTPS server that answers a request for `/path` with what `respond(method, path, body)` says. */
function httpsServer(own, respond) {
  const state = { connections: 0, alpn: [] }
  const alpnProtocols = CHOOSES_PROTOCOLS ? ['http/1.1'] : undefined
  const options = presenting('chained', { useSecureTransport: true, alpnProtocols })
  const server = new TCPServerSocket(0, options)
  server.onconnect = ({ socket }) => {
    state.connections++
    state.alpn.push(socket.tls.alpnProtocol)
    let input = Buffer.alloc(0)
    socket.ondata = ({ data }) => {
      input = Buffer.concat([input, Buffer.from(data)])
      for (;;) {
        const end = input.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = input.toString('latin1', 0, end)
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
        if (input.length < end + 4 + length) return
        const body = input.subarray(end + 4, end + 4 + length)
        input = input.subarray(end + 4 + length)
        const answer = Buffer.from(respond(...head.split(' ', 2), body))
        socket.send(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`)
        socket.send(answer)
      }
    }
  }
  own.onEnd(() => server.close())
  return Object.assign(state, { server, url: `https://127.0.0.1:${server.localPort}` })
}

const curl = (...args) =>
  run('curl', ['--silent', '--show-error', '--noproxy', '*', '--cacert', certificate('root').caFile, ...args])

for (const [what, options] of [
  ['', []],
  [' with TLS 1.2', ['--tls-max', '1.2']],
]) {
  testWith(test, 'curl', `curl${what}: three requests use one connection`, async (t) => {
    const { url, ...state } = httpsServer(scope(t), (method, path) => path)
    const https = [...options, '--http1.1', `${url}/a`, `${url}/bc`, `${url}/def`]
    const { code, stdout, stderr } = await curl(...https)
    t.is(code, 0, stderr)
    t.is(String(stdout), '/a/bc/def')
    t.deepEqual(state.alpn, [CHOOSES_PROTOCOLS ? 'http/1.1' : null])
  })

  testWith(test, 'curl', `curl${what}: 10 MB in each direction arrive whole`, async (t) => {
    const own = scope(t)
    const [there, back] = [randomBytes(10 * 1024 * 1024), randomBytes(10 * 1024 * 1024)]
    let got
    const { url } = httpsServer(own, (method, path, body) => {
      got = createHash('sha256').update(body).digest('hex')
      return back
    })
    const file = join(temporaryDirectory(own), 'body')
    writeFileSync(file, there)
    const { code, stdout, stderr } = await curl(
      ...options,
      '--header',
      'Expect:',
      '--data-binary',
      `@${file}`,
      url,
    )
    t.is(code, 0, stderr)
    t.true(stdout.equals(back))
    t.is(got, createHash('sha256').update(there).digest('hex'))
  })
}

testWith(test, 'curl', 'curl that does not trust the root gets nothing', async (t) => {
  const { url, server } = httpsServer(scope(t), () => 'secret')
  const { code, stdout } = await curl('--cacert', certificate('stranger').certFile, url)
  t.is(code, 60)
  t.is(String(stdout), '')
  await countsFailures(server, 1)
})

/** Connects node:tls, with `session` if there is one, and has a line echoed. Resolves with the client and its session. */
async function nodeVisit(own, port, options) {
  const client = nodeClient(own, port, options)
  let session
  client.on('session', (ticket) => (session = ticket))
  await once(client, 'secureConnect')
  client.write('echo')
  await readExactly(client, 4)
  const reused = client.isSessionReused()
  client.end()
  return { reused, session }
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version }

  testOpenssl(`node:tls takes a session up again, and both sides know (${version})`, async (t) => {
    const own = scope(t)
    const listening = listenSecurely(own, { alpnProtocols: ['imap'] })
    echo(listening)
    const first = await nodeVisit(own, listening.port, { ...only, ALPNProtocols: ['imap'] })
    t.false(first.reused)
    const [one] = await listening.accepted()
    t.false(one.tls.resumed)
    const again = { ...only, ALPNProtocols: ['imap'], session: first.session }
    t.true((await nodeVisit(own, listening.port, again)).reused)
    const [two] = await listening.accepted()
    t.true(two.tls.resumed)
    t.is(two.tls.alpnProtocol, 'imap')
    t.is(two.tls.protocol, version)
  })

  testOpenssl(`our own client takes a session up again, and both sides know (${version})`, async (t) => {
    const own = scope(t)
    const listening = listenSecurely(own)
    echo(listening)
    for (const resumed of [false, true]) {
      const [client, clientEvents] = own.open('localhost', listening.port, trusting(only))
      const [[socket, events]] = await Promise.all([listening.accepted(), clientEvents.event('open')])
      client.send('echo')
      // The ticket came before it.
      await clientEvents.data(4)
      t.is(client.tls.resumed, resumed)
      t.is(socket.tls.resumed, resumed)
      t.is(client.tls.peerCertificate.subject, 'CN=localhost')
      client.close()
      t.deepEqual(await clientEvents.closed(), ['open', 'close'])
      t.deepEqual(await events.closed(), ['close'])
    }
  })

  // With TLS 1.2, OpenSSL remembers the name with the session only where a callback has accepted it.
  const told = TELLS_REASONS ? test : test.skip
  told(`servername is told of a session that was taken up again, too (${version})`, async (t) => {
    const own = scope(t)
    const listening = listenSecurely(own)
    echo(listening)
    const { session } = await nodeVisit(own, listening.port, only)
    await listening.accepted()
    await nodeVisit(own, listening.port, { ...only, session })
    const [socket] = await listening.accepted()
    t.is(socket.tls.servername, 'localhost')
  })
}

testOpenssl(
  'a session of one listener is nothing to another one, which does a whole handshake',
  async (t) => {
    const own = scope(t)
    const [one, other] = [listenSecurely(own), listenSecurely(own)]
    for (const listening of [one, other]) echo(listening)
    const { session } = await nodeVisit(own, one.port, {})
    t.false((await nodeVisit(own, other.port, { session })).reused)
    t.is(other.server.failedHandshakes, 0)
  },
)
