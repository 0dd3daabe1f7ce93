'use strict'

// OpenSSL's own server as the peer: a second implementation of TLS next to Node's, with options that Node does not
// have. TLS from the first byte, and STARTTLS behind a plain line.

const net = require('node:net')

const test = require('ava')

const { startServer, testWith } = require('../helpers/peers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { failed, readLine, trusting } = require('../helpers/tls-peers.js')

/** `openssl s_server`, which reverses each line that it gets. */
function startOpenssl(own, name, ...options) {
  const { certFile, keyFile } = certificate(name)
  const files = ['-cert', certFile, '-cert_chain', certFile, '-key', keyFile]
  return startServer(own, /^ACCEPT .*:(\d+)$/m, () => [
    'openssl',
    's_server',
    '-accept',
    '127.0.0.1:0',
    '-rev',
    ...files,
    ...options,
  ])
}

const reversed = (text) => [...text].reverse().join('')

for (const [what, name, options] of [
  ['with TLS 1.3', 'good', ['-tls1_3']],
  ['with TLS 1.2', 'good', ['-tls1_2']],
  ['with TLS 1.2 and an RSA key', 'goodRsa', ['-tls1_2']],
  ['with ChaCha20', 'good', ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']],
  ['that answers each ClientHello with a HelloRetryRequest', 'good', ['-tls1_3', '-groups', 'P-384']],
  ['with an intermediate', 'chained', []],
  ['that sends small records', 'good', ['-max_send_frag', '512']],
]) {
  testWith(test, 'openssl', `s_server ${what}: lines go both ways, and close() ends it`, async (t) => {
    const own = scope(t)
    const { port } = await startOpenssl(own, name, ...options)
    const [socket, events] = own.open('localhost', port, trusting({ binaryType: 'string' }))
    await events.event('open')
    const line = 'x'.repeat(5000) + 'end'
    socket.send(`hello\n${line}\n`)
    t.is(String(await events.data(5 + line.length + 2)), `olleh\n${reversed(line)}\n`)
    socket.close()
    t.deepEqual(await events.closed(), ['open', 'close'])
  })
}

for (const [what, name, options, error] of [
  [
    'speaks TLS 1.1 at most',
    'goodRsa',
    ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
    'SecurityUnsupportedTLSVersionError',
  ],
  [
    'speaks TLS 1.0 at most',
    'goodRsa',
    ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'],
    'SecurityUnsupportedTLSVersionError',
  ],
  [
    'has ciphers without encryption only',
    'goodRsa',
    ['-tls1_2', '-cipher', 'eNULL:@SECLEVEL=0'],
    'SecurityError',
  ],
  ['has anonymous ciphers only', 'goodRsa', ['-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'], 'SecurityError'],
  ['has an expired certificate', 'expired', [], 'SecurityExpiredCertificateError'],
  ['has a certificate for another host', 'wrongHost', [], 'SecurityCertificateDomainMismatchError'],
]) {
  testWith(test, 'openssl', `an s_server that ${what} is refused: ${error}`, async (t) => {
    const own = scope(t)
    const { port } = await startOpenssl(own, name, ...options)
    const [, events] = own.open('localhost', port, trusting())
    await failed(t, events, error)
  })
}

testWith(test, 'openssl', 'an s_server that requires a client certificate gives NoCertificate', async (t) => {
  const own = scope(t)
  const { port } = await startOpenssl(own, 'good', '-tls1_3', '-Verify', '1', '-verify_return_error')
  const [, events] = own.open('localhost', port, trusting())
  await failed(t, events, 'SecurityNoCertificateError', ['open'])
})

testWith(test, 'openssl', 'STARTTLS: a plain go-ahead, then s_server on the same connection', async (t) => {
  const own = scope(t)
  const openssl = await startOpenssl(own, 'good')
  const server = await own.netServer({ allowHalfOpen: true })
  const [socket, events] = own.open('localhost', server.port, trusting({ useSecureTransport: false }))
  const [raw] = await Promise.all([server.connection(), events.event('open')])
  socket.send('STLS\r\n')
  t.is(await readLine(raw), 'STLS')
  raw.write('+OK\r\n')
  await events.data(5)
  socket.upgradeToSecure()
  socket.send('secret\n')
  const upstream = net.connect(openssl.port, '127.0.0.1')
  own.onEnd(() => upstream.destroy())
  raw.pipe(upstream).pipe(raw)
  t.is(String((await events.data(12)).subarray(5)), 'terces\n')
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
})

testWith(
  test,
  'openssl',
  'an s_server that is killed gives an error: there is no close_notify',
  async (t) => {
    const own = scope(t)
    const { port, child } = await startOpenssl(own, 'good')
    const [socket, events] = own.open('localhost', port, trusting())
    await events.event('open')
    socket.send('hello\n')
    await events.data(6)
    child.kill('SIGKILL')
    await failed(t, events, 'NetworkInterruptError', ['open'])
  },
)
