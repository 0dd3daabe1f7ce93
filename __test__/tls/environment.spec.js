'use strict'

// Trust from the environment: SSL_CERT_FILE, SSL_CERT_DIR and NODE_EXTRA_CA_CERTS add it, nothing takes verification away
// or tells secrets (users.md section 5, item 7; REL-95). What it is at the start decides, so each case is a process of its own.

const { execFile, execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { hasTools, testOn, testWhere } = require('../helpers/needs.js')
const { testWith } = require('../helpers/peers.js')
const { certificate, revocationList } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { mayAttach } = require('../helpers/strace.js')
const { TELLS_REASONS, tlsServer, toldName } = require('../helpers/tls-peers.js')

/** Other libraries know where the system has its anchors, and read no variable but Node's. */
const testFiles = testOn(test, TELLS_REASONS, 'SSL_CERT_FILE and SSL_CERT_DIR to have an effect')

const script = join(__dirname, '../fixtures/tls/open.js')
const FINE = ['open', 'close']
const UNTRUSTED = [toldName('SecurityUntrustedCertificateIssuerError'), 'close']

const root = () => certificate('root')

/** Events of a TLS socket to a server with the certificate called `name`, in a process with `variables`. */
async function openWith(
  t,
  variables,
  { name = 'good', args = [], options = {}, server: serverOptions, under = [] } = {},
) {
  const server = await tlsServer(scope(t), name, serverOptions)
  const argument = JSON.stringify({ host: 'localhost', port: server.port, options })
  const env = { ...process.env }
  for (const key of ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']) delete env[key]
  Object.assign(env, variables)
  const [program, ...rest] = [...under, process.execPath, ...args, script, argument]
  const { stdout } = await promisify(execFile)(program, rest, { env })
  t.is(server.received, '')
  return JSON.parse(stdout).events
}

testFiles('SSL_CERT_FILE names certificates to trust', async (t) => {
  t.deepEqual(await openWith(t, { SSL_CERT_FILE: root().caFile }), FINE)
})

/** Where this process looked for a file, by its path. */
async function paths(t, variables) {
  const trace = join(mkdtempSync(join(tmpdir(), 'moz-tcp-socket-trace-')), 'trace')
  t.teardown(() => rmSync(dirname(trace), { recursive: true, force: true }))
  t.deepEqual(
    await openWith(t, variables, { under: ['strace', '-f', '-e', 'trace=file', '-o', trace] }),
    UNTRUSTED,
  )
  return Array.from(readFileSync(trace, 'utf8').matchAll(/"(\/[^"]*)"/g), ([, path]) => path)
}

testWith(
  process.platform === 'linux' ? testFiles : test.skip,
  'strace',
  'SSL_CERT_FILE and SSL_CERT_DIR take the place of what they name, and nothing else is trusted',
  async (t) => {
    const isAnchor = (path) => /^\/etc\/(ssl|pki)\/.*\bcerts?\b|^\/usr\/local\/ssl\/cert/.test(path)
    const [file, nowhere] = [certificate('stranger').ownFile, join(dirname(root().caFile), 'nowhere')]
    const both = await paths(t, { SSL_CERT_FILE: file, SSL_CERT_DIR: nowhere })
    t.true(both.includes(file))
    t.true(both.some((path) => path.startsWith(nowhere)))
    t.deepEqual(both.filter(isAnchor), [])
    const usual = await paths(t, { SSL_CERT_FILE: '', SSL_CERT_DIR: '' })
    t.true(usual.some(isAnchor))
    t.deepEqual(
      usual.filter((path) => path.startsWith('/usr/local/ssl/')),
      [],
    )
  },
)

/** A new directory with the certificates called `names`, under the names by which OpenSSL looks for them, or under others. */
function directoryOf(directory, names, fileName = hashName) {
  const path = join(dirname(root().caFile), directory)
  mkdirSync(path)
  for (const name of names) writeFileSync(join(path, fileName(name)), certificate(name).own)
  return path
}

function hashName(name) {
  const hash = execFileSync('openssl', ['x509', '-hash', '-noout', '-in', certificate(name).ownFile])
  return `${String(hash).trim()}.0`
}

testFiles('SSL_CERT_DIR names directories of certificates to trust', async (t) => {
  const [right, wrong] = [directoryOf('right', ['root']), directoryOf('wrong', ['stranger'])]
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: right }), FINE)
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: wrong }), UNTRUSTED)
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: wrong, NODE_EXTRA_CA_CERTS: root().caFile }), FINE)
  const both = { SSL_CERT_DIR: right, SSL_CERT_FILE: certificate('stranger').ownFile }
  t.deepEqual(await openWith(t, both), FINE)
})

testFiles('certificates in SSL_CERT_DIR count under the names that OpenSSL gives them only', async (t) => {
  const directory = directoryOf('unhashed', ['root'], (name) => `${name}.pem`)
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: directory }), UNTRUSTED)
})

testFiles(
  'what is no regular file, or too large, or not readable, adds no trust and holds nothing up',
  async (t) => {
    const directory = directoryOf('odd', ['root'])
    const beside = (name) => join(directory, name)
    // Before and after the good one, by name.
    execFileSync('mkfifo', [beside('00000000.0'), beside('ffffffff.0'), beside('pipe')])
    mkdirSync(beside('00000001.0'))
    symlinkSync('nowhere', beside('00000002.0'))
    symlinkSync('/dev/zero', beside('00000003.0'))
    writeFileSync(beside('00000004.0'), '')
    writeFileSync(beside('00000005.0'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    writeFileSync(beside('00000006.0'), root().own)
    truncateSync(beside('00000006.0'), 2 ** 34)
    t.deepEqual(await openWith(t, { SSL_CERT_DIR: directory }), FINE)
    for (const odd of [beside('pipe'), beside('00000006.0'), '/dev/zero', directory]) {
      // Node.js itself reads NODE_EXTRA_CA_CERTS when it starts, and would hang.
      const later = `process.env.NODE_EXTRA_CA_CERTS = ${JSON.stringify(odd)}`
      const args = ['--import', `data:text/javascript,${encodeURIComponent(later)}`]
      const variables = { SSL_CERT_FILE: odd }
      t.deepEqual(await openWith(t, { ...variables, SSL_CERT_DIR: directory }, { args }), FINE)
      t.deepEqual(await openWith(t, { ...variables, SSL_CERT_DIR: '/dev/null' }, { args }), UNTRUSTED)
    }
  },
)

testFiles('in a file with several certificates, what cannot be read is passed over', async (t) => {
  const file = join(dirname(root().caFile), 'damaged.pem')
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const encrypted = damaged.replace(
    'AAAA',
    'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA',
  )
  const text = `# a comment\n${certificate('stranger').own}${damaged}${encrypted}${revocationList('root')}${root().own}`
  writeFileSync(file, text)
  t.deepEqual(await openWith(t, { SSL_CERT_FILE: file, SSL_CERT_DIR: '/dev/null' }), FINE)
})

testFiles('what a certificate in a file says it is not trusted for, it is not trusted for', async (t) => {
  const trusted = (use) => {
    const file = join(dirname(root().caFile), `${use}.pem`)
    execFileSync('openssl', ['x509', '-in', root().caFile, '-trustout', '-addtrust', use, '-out', file])
    return { SSL_CERT_FILE: file, SSL_CERT_DIR: '/dev/null' }
  }
  t.deepEqual(await openWith(t, trusted('serverAuth')), FINE)
  t.not((await openWith(t, trusted('emailProtection')))[0], 'open')
})

const mayTrace = process.platform === 'linux' && hasTools('strace') && mayAttach()
const traced = TELLS_REASONS ? testWhere(test, mayTrace, 'strace') : testFiles

traced('a handshake opens no file: certificates are read before, on a thread for it', async (t) => {
  const directory = directoryOf('watched', ['root', 'stranger'])
  const log = join(dirname(root().caFile), 'strace.log')
  const under = ['strace', '-f', '-e', 'trace=openat,open,clone,clone3,prctl', '-o', log]
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: directory }, { under }), FINE)
  const lines = readFileSync(log, 'utf8').split('\n')
  const idOf = (line) => line.split(' ')[0]
  const named = lines.filter((line) => line.includes('PR_SET_NAME')).map((line) => [idOf(line), line])
  const [io] = named.find(([, line]) => line.includes('"tokio-net"'))
  const readers = lines.filter((line) => line.includes(directory)).map(idOf)
  t.not(readers.length, 0)
  const blocking = new Set(named.filter(([, line]) => line.includes('"tcp-blocking"')).map(([id]) => id))
  t.deepEqual(
    readers.filter((id) => !blocking.has(id)),
    [],
  )
  const byIo = lines.filter((line) => idOf(line) === io && /open(at)?\(/.test(line))
  t.deepEqual(
    byIo.filter((line) => /cert|ssl|\.pem|\.0"/.test(line)),
    [],
  )
})

traced('a file system that hangs holds up those who wait for it, and nobody else', async (t) => {
  const directory = directoryOf('hanging', ['root'])
  const own = scope(t)
  const server = await tlsServer(own, 'good', {}, (session) => session.pipe(session))
  // To open this directory takes an hour.
  const args = [
    '-f',
    '-qq',
    '-P',
    directory,
    '-e',
    'inject=openat:delay_enter=3600s',
    '-e',
    'trace=openat',
    '-o',
    '/dev/null',
  ]
  const argument = JSON.stringify({ port: server.port, ca: root().ca })
  const beside = join(__dirname, '../fixtures/tls/hanging-anchors.js')
  const env = { ...process.env, SSL_CERT_DIR: directory }
  const child = spawn('strace', [...args, process.execPath, beside, argument], { env })
  // It kills itself, and with strace goes what holds the thread that hangs.
  own.onEnd(() => child.kill('SIGKILL'))
  const [stdout] = await once(child.stdout, 'data')
  t.deepEqual(JSON.parse(stdout), { served: 20, looked: 30, waiting: 40 })
})

testFiles('trust from SSL_CERT_DIR does not replace the check of the name', async (t) => {
  const directory = directoryOf('named', ['root'])
  const mismatch = [toldName('SecurityCertificateDomainMismatchError'), 'close']
  t.deepEqual(await openWith(t, { SSL_CERT_DIR: directory }, { name: 'wrongHost' }), mismatch)
})

test('SSLKEYLOGFILE has the keys of a connection written nowhere', async (t) => {
  const file = join(dirname(root().caFile), 'keys.log')
  const variables = { SSLKEYLOGFILE: file, NODE_EXTRA_CA_CERTS: root().caFile }
  t.deepEqual(await openWith(t, variables), FINE)
  t.false(existsSync(file))
})

test('NODE_EXTRA_CA_CERTS names certificates to trust, in addition', async (t) => {
  t.deepEqual(await openWith(t, { NODE_EXTRA_CA_CERTS: root().caFile }), FINE)
})

testFiles('both together are both trusted, and so is ca', async (t) => {
  const strangers = certificate('stranger').ownFile
  for (const both of [
    { SSL_CERT_FILE: strangers, NODE_EXTRA_CA_CERTS: root().caFile },
    { SSL_CERT_FILE: root().caFile, NODE_EXTRA_CA_CERTS: strangers },
  ]) {
    t.deepEqual(await openWith(t, both), FINE)
  }
  const none = { SSL_CERT_FILE: strangers, NODE_EXTRA_CA_CERTS: strangers }
  t.deepEqual(await openWith(t, none), UNTRUSTED)
  const files = {
    SSL_CERT_FILE: certificate('good').ownFile,
    NODE_EXTRA_CA_CERTS: certificate('good').ownFile,
  }
  t.deepEqual(await openWith(t, files, { options: { ca: root().ca } }), FINE)
})

test('NODE_EXTRA_CA_CERTS may hold several certificates', async (t) => {
  const file = join(dirname(root().caFile), 'several.pem')
  writeFileSync(file, certificate('stranger').own + root().own)
  t.deepEqual(await openWith(t, { NODE_EXTRA_CA_CERTS: file }), FINE)
})

test('a file that is missing or is no certificate adds no trust, and does not end the process', async (t) => {
  for (const file of [join(dirname(root().caFile), 'missing.pem'), __filename]) {
    t.deepEqual(await openWith(t, { NODE_EXTRA_CA_CERTS: file }), UNTRUSTED)
    t.deepEqual(await openWith(t, { NODE_EXTRA_CA_CERTS: file }, { options: { ca: root().ca } }), FINE)
  }
})

test('without any of them a private issuer is not trusted', async (t) => {
  t.deepEqual(await openWith(t, {}), UNTRUSTED)
})

test('trust from the environment does not replace the check of the name and of the dates', async (t) => {
  const variables = { SSL_CERT_FILE: root().caFile, NODE_EXTRA_CA_CERTS: root().caFile }
  const mismatch = [toldName('SecurityCertificateDomainMismatchError'), 'close']
  t.deepEqual(await openWith(t, variables, { name: 'wrongHost' }), mismatch)
  t.deepEqual(await openWith(t, variables, { name: 'expired' }), [
    toldName('SecurityExpiredCertificateError'),
    'close',
  ])
})

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch verification off', async (t) => {
  t.deepEqual(await openWith(t, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }), UNTRUSTED)
})

test("Node's own flags do not weaken it: --tls-min-v1.0 and --tls-cipher-list", async (t) => {
  const args = ['--tls-min-v1.0', '--tls-cipher-list=ALL:@SECLEVEL=0']
  const variables = { NODE_EXTRA_CA_CERTS: root().caFile }
  const weak = [toldName('SecurityCertificateSignatureAlgorithmDisabledError'), 'close']
  t.deepEqual(await openWith(t, variables, { name: 'weakKey', args }), weak)
})

test('an OPENSSL_CONF that switches verification off and allows TLS 1.0 does neither', async (t) => {
  const file = join(dirname(root().caFile), 'weak.cnf')
  writeFileSync(
    file,
    `openssl_conf = a
[a]
ssl_conf = b
[b]
system_default = c
[c]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
VerifyMode = None
`,
  )
  const variables = { OPENSSL_CONF: file, NODE_EXTRA_CA_CERTS: root().caFile }
  t.deepEqual(await openWith(t, { OPENSSL_CONF: file }), UNTRUSTED)
  t.deepEqual(await openWith(t, variables), FINE)
  t.deepEqual(await openWith(t, variables, { name: 'expired' }), [
    toldName('SecurityExpiredCertificateError'),
    'close',
  ])
  const old = { name: 'goodRsa', server: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } }
  t.deepEqual(await openWith(t, variables, old), [toldName('SecurityUnsupportedTLSVersionError'), 'close'])
})
