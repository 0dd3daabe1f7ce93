'use strict'

// Servers that a client must refuse, or that fail it later, and what becomes of one of ours that meets them.

const net = require('node:net')

const { PAYLOAD, marked, sServer, sServerCommand, stop } = require('./peers.js')
const { certificate, fingerprint, revocationList } = require('../../__test__/helpers/pki-matrix.js')
const { GO_AHEAD, readLine } = require('../../__test__/helpers/tls-peers.js')

const AT_ONCE = 'useSecureTransport'
const UPGRADED = 'upgradeToSecure()'
const WAYS = [AT_ONCE, UPGRADED]

/** As the tests do, OpenSSL is allowed what it would refuse to be by default. */
const ANY_STRENGTH = ['-cipher', 'ALL:@SECLEVEL=0']

const rootFile = () => certificate('root').caFile
const DEMANDS = () => ['-Verify', '1', '-verify_return_error', '-CAfile', rootFile()]

/**
 * `what`: the server is `s_server` with the named certificate. `options` are the client's. `ending` is what happens when the
 * server has got what the client sent.
 */
function openssl(what, name, { args = () => [], host = 'localhost', options = () => ({}), ending } = {}) {
  return {
    what,
    host,
    options,
    ending,
    get peer() {
      return sServerCommand(name, args())
    },
    async start(own) {
      const { port, child } = await sServer(own, name, args())
      const output = []
      child.stdout.on('data', (bytes) => output.push(bytes))
      const deciphered = () => marked(Buffer.concat(output))
      const got = (count) =>
        new Promise((resolve) => {
          child.stdout.on('data', () => deciphered() >= count && resolve())
        })
      return { port, child, deciphered, got, end: () => stop(child) }
    },
  }
}

/** `what`: the server is a script that gets each connection after the first bytes of the ClientHello. */
function script(what, peer, answer) {
  return {
    what,
    peer,
    host: 'localhost',
    options: () => ({}),
    async start(own) {
      const { port } = await own.netServer({}, (raw) => {
        raw.once('data', () => answer(raw))
      })
      return { port, deciphered: () => 0, got: () => new Promise(() => {}), end() {} }
    },
  }
}

/** RFC 8446 section 6.2. */
function alert(name, description) {
  const bytes = Buffer.from([21, 3, 3, 0, 2, 2, description])
  return script(`alert ${name}`, `write(${bytes.toString('hex')})`, (raw) => raw.write(bytes))
}

const names = (what, name, host) => openssl(what, name, { host })
const crl = (what, name, list) =>
  openssl(what, name, { options: () => ({ crl: revocationList('root', list) }) })

const REFUSED = [
  openssl('expired', 'expired'),
  openssl('not valid yet', 'notYetValid'),
  openssl('the intermediate has expired', 'expiredIntermediate'),
  openssl('self-signed', 'selfSigned'),
  openssl('unknown issuer', 'unknownIssuer'),
  openssl('unknown issuer, its root presented', 'unknownIssuerWithRoot'),
  openssl('the intermediate is missing', 'withoutIntermediate'),
  openssl('an issuer of the same name as the root', 'good', {
    options: () => ({ ca: certificate('impostor').own }),
  }),
  openssl('an issuer that is in no trust store', 'good', { options: () => ({ ca: undefined }) }),
  openssl('issued by a certificate that is no CA', 'issuedByLeaf'),
  openssl('outside the name constraints of the issuer', 'outsideConstraints'),
  names('wrong host', 'wrongHost'),
  names('the name is in the subject only', 'subjectOnly'),
  names('the name with a NUL and more', 'nulInName'),
  names('`*` for a name', 'anyName'),
  names('wrong IP address', 'wrongAddress', '127.0.0.1'),
  names('the name, but opened by address', 'nameOnly', '127.0.0.1'),
  openssl('not the `servername`', 'good', { options: () => ({ servername: 'other.test' }) }),
  crl('revoked', 'revoked', { revoked: ['revoked'] }),
  crl('the revocation list is out of date', 'good', { until: -1 }),
  openssl('no revocation list of this issuer', 'good', {
    options: () => ({ crl: revocationList('stranger') }),
  }),
  openssl('not the pinned certificate', 'good', { options: () => ({ fingerprint256: 'AB'.repeat(32) }) }),
  openssl('a 1024-bit RSA key', 'weakKey', { args: () => ANY_STRENGTH }),
  openssl('signed with SHA-1', 'weakDigest', { args: () => ANY_STRENGTH }),
  openssl('extended key usage: clients', 'clientPurpose'),
  openssl('key usage: revocation lists', 'caKeyUsage'),
  openssl('TLS 1.0 at most', 'goodRsa', { args: () => ['-tls1', ...ANY_STRENGTH] }),
  openssl('TLS 1.1 at most', 'goodRsa', { args: () => ['-tls1_1', ...ANY_STRENGTH] }),
  openssl('TLS 1.2, where `minVersion` is 1.3', 'good', {
    args: () => ['-tls1_2'],
    options: () => ({ minVersion: 'TLSv1.3' }),
  }),
  openssl('no common cipher: none that encrypts', 'goodRsa', {
    args: () => ['-tls1_2', '-cipher', 'eNULL:@SECLEVEL=0'],
  }),
  openssl('no common cipher: none that authenticates', 'goodRsa', {
    args: () => ['-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'],
  }),
  openssl('no common cipher: none with forward secrecy', 'goodRsa', {
    args: () => ['-tls1_2', '-cipher', 'kRSA'],
  }),
  openssl('no common cipher: CBC, and finite fields', 'goodRsa', {
    args: () => ['-tls1_2', '-cipher', 'DHE-RSA-AES256-SHA256'],
  }),
  openssl('a client certificate is required (TLS 1.2)', 'good', { args: () => ['-tls1_2', ...DEMANDS()] }),
  script('a server in the clear', "write('220 ready\\r\\n')", (raw) => raw.write('220 ready\r\n')),
  script('an end in the handshake', 'end()', (raw) => raw.end()),
  script('a reset in the handshake', 'resetAndDestroy()', (raw) => raw.resetAndDestroy()),
  script('half a ServerHello, and the end', "end('160303007a02000076…')", (raw) =>
    raw.end(Buffer.from('160303007a020000760303', 'hex')),
  ),
  script('2 MB of junk', 'write(2 MB of a5)', (raw) => raw.write(Buffer.alloc(2_000_000, 0xa5))),
  alert('unexpected_message', 10),
  alert('handshake_failure', 40),
  alert('bad_certificate', 42),
  alert('unsupported_certificate', 43),
  alert('protocol_version', 70),
  alert('internal_error', 80),
  alert('unrecognized_name', 112),
  alert('certificate_required', 116),
]

/** The same, after its server was verified: the application may have talked to it. */
const VERIFIED = [
  openssl('nothing is wrong', 'good', { ending: 'close' }),
  openssl('nothing is wrong: expired, but pinned', 'expired', {
    options: () => ({ fingerprint256: fingerprint('expired'), ca: undefined }),
    ending: 'close',
  }),
  openssl('a client certificate is required (TLS 1.3)', 'good', { args: () => ['-tls1_3', ...DEMANDS()] }),
  openssl('the client certificate is of an unknown issuer', 'good', {
    args: () => ['-tls1_3', ...DEMANDS()],
    options: () => ({ cert: certificate('clientUnknown').cert, key: certificate('clientUnknown').key }),
  }),
  openssl('the server is killed, so that there is no close_notify', 'good', { ending: 'kill' }),
]

/**
 * Between the client and the server at `port`: consents to STARTTLS when `way` has it, and records what the client sends
 * from then on. `ended` resolves when the server has ended.
 */
async function between(own, port, way) {
  const seen = []
  let tellEnd
  const ended = new Promise((resolve) => {
    tellEnd = resolve
  })
  const front = await own.netServer({ allowHalfOpen: true }, async (client) => {
    if (way === UPGRADED) {
      await readLine(client)
      client.write(GO_AHEAD)
    }
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    own.onEnd(() => server.destroy())
    client.on('data', (bytes) => seen.push(bytes))
    server.on('error', () => client.resetAndDestroy()).on('close', tellEnd)
    client.on('error', () => server.resetAndDestroy())
    client.pipe(server).pipe(client)
  })
  return { port: front.port, ended, inTheClear: () => marked(Buffer.concat(seen)) }
}

/**
 * Meets the server of `condition` in one of WAYS: `{ name, message, errorCode, reason, leaked }`, where the first four are
 * undefined when nothing failed, and `leaked` is the number of bytes of the application that the server got.
 */
async function observe(own, { start, host, options, ending }, way) {
  const server = await start(own)
  const front = await between(own, server.port, way)
  const [socket, events] = own.open(host, front.port, {
    binaryType: 'arraybuffer',
    useSecureTransport: way === AT_ONCE,
    ca: certificate('root').ca,
    ...options(),
  })
  socket.onopen = () => {
    socket.send(way === AT_ONCE ? PAYLOAD : Buffer.from('STARTTLS\r\n'))
  }
  if (way === UPGRADED) {
    await events.data(GO_AHEAD.length)
    socket.upgradeToSecure()
    socket.send(PAYLOAD)
  }
  if (ending) await server.got(PAYLOAD.length)
  if (ending === 'close') socket.close()
  if (ending === 'kill') await server.end()
  await events.closed()
  await front.ended
  if (ending !== 'kill') await server.end()
  const error = events.events.find(({ type }) => type === 'error')
  return {
    name: error?.name,
    message: error?.message,
    errorCode: error && `0x${error.errorCode.toString(16)}`,
    // Fingerprints are new each time.
    reason: error && (error.data.reason ?? error.data.code)?.replace(/[A-F\d]{2}(?::[A-F\d]{2}){31}/, '…'),
    leaked: server.deciphered() + front.inTheClear(),
  }
}

module.exports = { REFUSED, VERIFIED, WAYS, observe }
