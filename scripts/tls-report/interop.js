'use strict'

// Peers that get along with ours: servers for our client, clients for our server. Each connection carries a line there and
// one back; then comes a second connection, which takes up the session of the first where it may.

const { once } = require('node:events')
const { join } = require('node:path')

const { sServer } = require('./peers.js')
const { run, temporaryDirectory } = require('../../__test__/helpers/peers.js')
const { PASSPHRASE, certificate, pkcs12 } = require('../../__test__/helpers/pki-matrix.js')
const { readExactly, tlsServer, trusting } = require('../../__test__/helpers/tls-peers.js')
const { listenSecurely, nodeClient, sClient } = require('../../__test__/helpers/tls-servers.js')

const LINE = 'firefox\n'
/** What each of the servers answers. */
const REVERSED = 'xoferif\n'

const protocols = ['pop3', 'imap']
const ofCertificate = (name) => ({ cert: certificate(name).cert, key: certificate(name).key })
const demands = () => ['-Verify', '1', '-verify_return_error', '-CAfile', certificate('root').caFile]
const nodeDemands = () => ({ requestCert: true, rejectUnauthorized: true, ca: certificate('root').ca })

/** `s_server` with the certificate called `name`. */
const opensslServer = (what, name, args = () => [], options = () => ({})) => ({
  what: `s_server, ${what}`,
  options,
  start: async (own) => (await sServer(own, name, ['-rev', ...args()])).port,
})

/** A server of node:tls with the certificate called `name`. */
const nodeServer = (what, name, server = () => ({}), options = () => ({})) => ({
  what: `node:tls, ${what}`,
  options,
  async start(own) {
    const { port } = await tlsServer(own, name, server(), (session) => {
      session.on('data', () => session.write(REVERSED))
    })
    return port
  },
})

/** A server of ours. */
const ownServer = {
  what: 'this package',
  options: () => ({ alpnProtocols: protocols }),
  start: (own) => echoing(own, 'good', { alpnProtocols: protocols }).port,
}

const SERVERS = [
  opensslServer('TLS 1.3, P-256', 'good'),
  opensslServer('TLS 1.3, RSA', 'goodRsa'),
  opensslServer('TLS 1.3, Ed25519', 'goodEd25519'),
  opensslServer('TLS 1.2, P-256', 'good', () => ['-tls1_2']),
  opensslServer('TLS 1.2, RSA', 'goodRsa', () => ['-tls1_2']),
  opensslServer('TLS 1.2, finite fields', 'goodRsa', () => ['-tls1_2', '-cipher', 'DHE']),
  opensslServer('ChaCha20', 'good', () => ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']),
  opensslServer('HelloRetryRequest', 'good', () => ['-groups', 'P-384']),
  opensslServer('an intermediate', 'chained'),
  opensslServer('records of 512 bytes', 'good', () => ['-max_send_frag', '512']),
  opensslServer(
    'ALPN',
    'good',
    () => ['-alpn', 'imap'],
    () => ({ alpnProtocols: protocols }),
  ),
  opensslServer('a client certificate', 'good', demands, () => ofCertificate('client')),
  opensslServer('a client certificate, PKCS #12', 'good', demands, () => ({
    pfx: pkcs12('clientChained'),
    passphrase: PASSPHRASE,
  })),
  nodeServer('TLS 1.3', 'good'),
  nodeServer('TLS 1.2', 'good', () => ({ maxVersion: 'TLSv1.2' })),
  nodeServer(
    'ALPN',
    'good',
    () => ({ ALPNProtocols: ['imap'] }),
    () => ({ alpnProtocols: protocols }),
  ),
  nodeServer('a client certificate', 'good', nodeDemands, () => ofCertificate('client')),
  ownServer,
]

/** What a socket of ours answers, from when it is secure. */
function answer(socket, told) {
  told.push(socket.tls)
  socket.ondata = ({ data }) => {
    if (!data.startsWith('GET')) return socket.send(REVERSED)
    // What curl says is a request, whose answer ends with the connection.
    socket.send(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${REVERSED}`)
    socket.close()
  }
}

/** The server side of POP3's STLS (RFC 2595), and then `answer`. */
function consent(socket, told) {
  socket.send('+OK ready\r\n')
  socket.ondata = () => {
    socket.send('+OK begin\r\n')
    socket.upgradeToSecure()
    // There is no event for the end of an upgrade: the first data comes after it.
    socket.ondata = (event) => {
      answer(socket, told)
      socket.ondata(event)
    }
  }
}

/** A listener of ours that answers each line: `{ port, told }`; `told` has the `tls` of each connection. */
function echoing(own, name, options, onConnection = answer) {
  const told = []
  const { server, port } = listenSecurely(own, { binaryType: 'string', ...options }, { name })
  server.addEventListener('connect', ({ socket }) => onConnection(socket, told))
  return { port, told }
}

/** `openssl s_client`. */
const opensslClient = (what, name, args = [], options = {}, onConnection = answer) => ({
  what: `s_client, ${what}`,
  name,
  options,
  onConnection,
  async visit(own, port) {
    const file = join((this.directory ??= temporaryDirectory(own)), 'session')
    const session = this.known ? ['-sess_in', file] : ['-sess_out', file]
    const client = sClient(own, port, '-verify_hostname', 'localhost', ...session, ...args)
    client.child.stdin.write(LINE)
    if (!(await client.says(/^xoferif$/m))) throw new Error(client.output())
    client.child.stdin.end()
    await client.exited
    this.known = true
  },
})

/** A client of node:tls. */
const nodeTlsClient = (what, name, more = {}, options = {}) => ({
  what: `node:tls, ${what}`,
  name,
  options,
  async visit(own, port) {
    const client = nodeClient(own, port, { ...more, session: this.session })
    client.on('session', (session) => {
      this.session = session
    })
    client.write(LINE)
    if (String(await readExactly(client, REVERSED.length)) !== REVERSED) throw new Error('another answer')
    client.end()
    client.resume()
    await once(client, 'close')
  },
})

/** curl, which visits twice by itself. */
const curl = (what, args = []) => ({
  what: `curl, ${what}`,
  name: 'good',
  options: {},
  async visit(own, port) {
    if (this.visited) return
    this.visited = true
    const url = `https://localhost:${port}/`
    const trust = ['--cacert', certificate('root').caFile]
    const { code, stdout, stderr } = await run('curl', [
      '--silent',
      '--show-error',
      ...trust,
      ...args,
      url,
      url,
    ])
    if (code !== 0 || String(stdout) !== REVERSED.repeat(2)) throw new Error(`curl: ${code} ${stderr}`)
  },
})

const CLIENTS = [
  opensslClient('TLS 1.3, P-256', 'good'),
  opensslClient('TLS 1.3, RSA', 'goodRsa'),
  opensslClient('TLS 1.3, Ed25519', 'goodEd25519'),
  opensslClient('TLS 1.2, P-256', 'good', ['-tls1_2']),
  opensslClient('TLS 1.2, RSA', 'goodRsa', ['-tls1_2']),
  opensslClient('TLS 1.2, finite fields', 'goodRsa', ['-tls1_2', '-cipher', 'DHE']),
  opensslClient('ChaCha20', 'good', ['-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']),
  opensslClient('HelloRetryRequest', 'good', ['-groups', 'X448:P-256']),
  opensslClient('an intermediate', 'chained'),
  opensslClient('records of 512 bytes', 'good', ['-max_send_frag', '512']),
  opensslClient('ALPN', 'good', ['-alpn', 'imap'], { alpnProtocols: protocols }),
  opensslClient('STLS of POP3', 'good', ['-starttls', 'pop3'], { useSecureTransport: false }, consent),
  curl('TLS 1.3', ['--tlsv1.3']),
  curl('TLS 1.2', ['--tls-max', '1.2']),
  nodeTlsClient('TLS 1.3', 'good'),
  nodeTlsClient('TLS 1.2', 'good', { maxVersion: 'TLSv1.2' }),
  nodeTlsClient('ALPN', 'good', { ALPNProtocols: ['imap'] }, { alpnProtocols: protocols }),
]

const cells = ([first, second]) => [
  first.protocol,
  first.cipher,
  first.alpnProtocol ?? '',
  second.resumed ? 'resumed' : 'full handshake',
]

/** Our client and one of SERVERS. */
async function tryServer(own, { start, options }) {
  const port = await start(own)
  const settings = trusting({ binaryType: 'string', ...options() })
  const told = []
  while (told.length < 2) {
    const [socket, events] = own.open('localhost', port, settings)
    socket.onopen = () => socket.send(LINE)
    const said = String(await events.data(REVERSED.length))
    if (said !== REVERSED) throw new Error(`answers ${said}`)
    told.push(socket.tls)
    socket.close()
    await events.closed()
  }
  return cells(told)
}

/** One of CLIENTS and our server. */
async function tryClient(own, client) {
  const { port, told } = echoing(own, client.name, client.options, client.onConnection)
  await client.visit(own, port)
  await client.visit(own, port)
  return cells(told)
}

module.exports = { CLIENTS, SERVERS, tryClient, tryServer }
