'use strict'

// Servers that a client must refuse, or that fail it later, and what becomes of one of ours that meets them.

const net = require('node:net')

const { PAYLOAD, marked, sServer, sServerCommand, stop } = require('./peers.js')
const { certificate, fingerprint, revocationList } = require('../../__test__/helpers/pki-matrix.js')
const { GO_AHEAD, readLine, tlsServer } = require('../../__test__/helpers/tls-peers.js')
const { HEADER, eachRecord, relay } = require('../../__test__/helpers/tls-wires.js')

const AT_ONCE = 'useSecureTransport'
const UPGRADED = 'upgradeToSecure()'
const WAYS = [AT_ONCE, UPGRADED]

/** As the tests do, OpenSSL is allowed what it would refuse to be by default. */
const ANY_STRENGTH = ['-cipher', 'ALL:@SECLEVEL=0']

const rootFile = () => certificate('root').caFile
const DEMANDS = () => ['-Verify', '1', '-verify_return_error', '-CAfile', rootFile()]

/**
 * `what`: the server is `s_server` with the named certificate. `options` are the client's. `ending` is what happens when the
 * server has got what the client sent. `onTheWay(record, index, client)` writes to `client` what shall get there of each
 * record of the server; `isLate`: that begins with `ending`. `takesLong` is for what waits for a deadline.
 */
function openssl(
  what,
  name,
  { args = () => [], host = 'localhost', options = () => ({}), ending, onTheWay, takesLong } = {},
) {
  return {
    what,
    host,
    options,
    ending,
    onTheWay,
    takesLong,
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

/** What somebody on the way may do to a record: `client` gets another. */
const flip = (record, client) => {
  const changed = Buffer.from(record)
  // Near the end are signatures and authentication tags.
  changed[changed.length - 10] ^= 1
  client.write(changed)
}
const endInside = (record, client) => client.end(record.subarray(0, record.length / 2))
const resetInside = (record, client) =>
  client.write(record.subarray(0, record.length / 2), () => client.resetAndDestroy())
const hold = () => {}

/** Records of a server of TLS 1.3 and what is in them. */
const [SERVER_HELLO, , , CERTIFICATE] = [0, 1, 2, 3]

/** `act` on the record `index` of the server, which is the last one that reaches the client. */
const at = (index, act) => ({
  onTheWay(record, i, client) {
    if (i < index) client.write(record)
    else if (i === index) act(record, client)
  },
})

/** `act` on what the server says when it has got what the client sent. */
const spoken = (act) => ({
  // Session tickets are records like those of the application.
  args: () => ['-num_tickets', '0'],
  ending: 'speak',
  onTheWay(record, _index, client, isEnding) {
    if (isEnding) act(record, client)
    else client.write(record)
  },
})

/** `what`: the server is a script that gets each connection after the first bytes of the ClientHello. */
function script(what, peer, answer, { takesLong } = {}) {
  return {
    what,
    peer,
    takesLong,
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
  script('silence', 'nothing', () => {}, { takesLong: true }),
  openssl('a server that stalls after its ServerHello', 'good', {
    ...at(SERVER_HELLO + 1, hold),
    takesLong: true,
  }),
  openssl('a bit of the ServerHello changed on the way', 'good', {
    onTheWay(record, index, client) {
      if (index > SERVER_HELLO) return client.write(record)
      const changed = Buffer.from(record)
      // In the middle of what is random: no field that anybody could object to.
      changed[HEADER + 22] ^= 1
      client.write(changed)
    },
  }),
  openssl('a bit of the certificate changed on the way', 'good', at(CERTIFICATE, flip)),
  openssl('an end in the middle of the certificate', 'good', at(CERTIFICATE, endInside)),
  openssl('a reset in the middle of the certificate', 'good', at(CERTIFICATE, resetInside)),
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
  openssl('a bit of a record changed on the way', 'good', spoken(flip)),
  openssl('an end in the middle of a record', 'good', spoken(endInside)),
  openssl('a reset in the middle of a record', 'good', spoken(resetInside)),
  openssl(
    'plaintext between records',
    'good',
    spoken((_record, client) => client.write('250 INJECTED\r\n')),
  ),
]

/** What is put in the clear behind a server's consent to STARTTLS, and when. */
const INJECTED = '250 INJECTED\r\n'

/**
 * Plaintext in the wrong place: `answer(raw, hello)` is what the server does about STARTTLS, where `hello` resolves when the
 * client's is there; `meanwhile` what it does while the application handles the go-ahead.
 */
const INJECTIONS = [
  {
    what: 'in one segment with the go-ahead',
    async answer(raw, _hello, own) {
      relay(own, raw, (await tlsServer(own)).port, {})
      raw.write(GO_AHEAD + INJECTED)
    },
  },
  {
    what: 'while the application handles the go-ahead',
    answer: (raw) => raw.write(GO_AHEAD),
    meanwhile: (raw) => raw.write(INJECTED),
  },
  {
    what: 'behind the hello of the client',
    async answer(raw, hello) {
      raw.write(GO_AHEAD)
      raw.resume()
      await hello
      raw.write(INJECTED)
    },
  },
]

/**
 * Between the client and the server at `port`: consents to STARTTLS when `way` has it, and records what the client sends
 * from then on. `ended` resolves when the server has ended.
 */
async function between(own, port, way, onTheWay) {
  const seen = []
  let isEnding = false
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
    client.pipe(server)
    if (!onTheWay) return server.pipe(client)
    eachRecord(server, (record, index) => onTheWay(record, index, client, isEnding))
    server.on('end', () => client.end())
    client.on('close', () => server.end())
  })
  const beginEnding = () => {
    isEnding = true
  }
  return { port: front.port, ended, beginEnding, inTheClear: () => marked(Buffer.concat(seen)) }
}

/**
 * Meets the server of `condition` in one of WAYS: `{ name, message, errorCode, reason, leaked }`, where the first four are
 * undefined when nothing failed, and `leaked` is the number of bytes of the application that the server got.
 */
async function observe(own, { start, host, options, ending, onTheWay }, way) {
  const server = await start(own)
  const front = await between(own, server.port, way, onTheWay)
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
  if (ending === 'speak') {
    front.beginEnding()
    server.child.stdin.write('250 fine\n')
  }
  await events.closed()
  await front.ended
  if (ending !== 'kill') await server.end()
  return { ...described(events), leaked: server.deciphered() + front.inTheClear() }
}

/** What the error says with which `events` ended, if there was one. */
function described(events) {
  const error = events.events.find(({ type }) => type === 'error')
  return {
    name: error?.name,
    message: error?.message,
    errorCode: error && `0x${error.errorCode.toString(16)}`,
    // Fingerprints are new each time.
    reason: error && (error.data.reason ?? error.data.code)?.replace(/[A-F\d]{2}(?::[A-F\d]{2}){31}/, '…'),
  }
}

/**
 * Meets a server that does one of INJECTIONS: as `observe`, and `injected` says whether the application got the line as data
 * `before` it called upgradeToSecure(), or `after`.
 */
async function observeInjection(own, { answer, meanwhile }) {
  const server = await own.netServer({ allowHalfOpen: true })
  const [socket, events] = own.open('localhost', server.port, { ca: certificate('root').ca })
  socket.onopen = () => socket.send('STARTTLS\r\n')
  const raw = await server.connection()
  await readLine(raw)
  const seen = []
  const hello = new Promise((resolve) => {
    raw.on('data', (bytes) => {
      seen.push(bytes)
      resolve()
    })
  })
  const said = { before: '', after: '' }
  socket.ondata = ({ data }) => {
    said[socket.ssl ? 'after' : 'before'] += data
    if (socket.ssl) return
    meanwhile?.(raw)
    // So that what the server does meanwhile is here before the upgrade begins.
    const until = Date.now() + 50
    while (Date.now() < until);
    socket.upgradeToSecure()
    socket.send(PAYLOAD.toString('latin1'))
    if (!meanwhile) socket.close()
  }
  await answer(raw, hello, own)
  raw.resume()
  await events.closed()
  const injected = ['before', 'after'].filter((when) => said[when].includes(INJECTED))
  return { ...described(events), injected: injected.join(), leaked: marked(Buffer.concat(seen)) }
}

module.exports = { INJECTIONS, REFUSED, VERIFIED, WAYS, observe, observeInjection }
