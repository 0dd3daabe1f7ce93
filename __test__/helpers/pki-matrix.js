'use strict'

// A certificate for each way in which a server's certificate can be good or bad. Made with the openssl command line
// tool when a test first asks for it, in a directory that goes when the process ends: nothing here can expire.

const { execFileSync } = require('node:child_process')
const { X509Certificate, createPrivateKey } = require('node:crypto')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const CA_CONFIG = `[ca]
default_ca = d
[d]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = p
unique_subject = no
copy_extensions = none
[p]
commonName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
CN = x
`

const CA = ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign']
const LEAF = ['basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature,keyEncipherment']
const SERVER = [...LEAF, 'extendedKeyUsage = serverAuth']
const CLIENT = [...LEAF, 'extendedKeyUsage = clientAuth']
const NAMES = 'subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1'

/** The name "localhost\0.evil.test", which a C string comparison takes for "localhost". */
const NUL_NAME = hex('localhost\0.evil.test')

const san = (...names) => [...SERVER, `subjectAltName = ${names.join(',')}`]

/** Each: `{ issuer, subject, extensions, key, from, until, md, chain }`, where `from` and `until` are days from now. */
const RECIPES = {
  root: { extensions: CA, subject: 'Throwaway Root' },
  stranger: { extensions: CA, subject: 'Root That Nobody Trusts' },
  impostor: { extensions: CA, subject: 'Throwaway Root' },
  intermediate: { issuer: 'root', extensions: CA, subject: 'Throwaway Intermediate' },
  oldIntermediate: { issuer: 'root', extensions: CA, subject: 'Expired Intermediate', from: -20, until: -1 },
  constrained: {
    issuer: 'root',
    extensions: [...CA, 'nameConstraints = critical,permitted;DNS:allowed.test'],
    subject: 'Constrained Intermediate',
  },

  good: {},
  goodRsa: { key: 'rsa2048' },
  goodEd25519: { key: 'ed25519' },
  chained: { issuer: 'intermediate', chain: ['intermediate'] },
  upperCase: { extensions: san('DNS:LOCALHOST') },
  test: { extensions: san('DNS:server.test', 'DNS:*.wild.test', 'DNS:xn--bcher-kva.test') },
  client: { extensions: CLIENT, subject: 'client' },
  clientRsa: { extensions: CLIENT, subject: 'client with RSA', key: 'rsa2048' },
  clientChained: {
    issuer: 'intermediate',
    chain: ['intermediate'],
    extensions: CLIENT,
    subject: 'client of the intermediate',
  },
  clientUnknown: { issuer: 'stranger', extensions: CLIENT, subject: 'client that nobody trusts' },

  expired: { from: -20, until: -1 },
  /** For ten seconds: less, and a busy machine has not looked at it twice by then. */
  brief: { until: 10 / (24 * 3600) },
  notYetValid: { from: 2, until: 20 },
  revoked: {},
  expiredIntermediate: { issuer: 'oldIntermediate', chain: ['oldIntermediate'] },
  selfSigned: { issuer: null, extensions: [...SERVER, NAMES] },
  unknownIssuer: { issuer: 'stranger' },
  unknownIssuerWithRoot: { issuer: 'stranger', chain: ['stranger'] },
  withoutIntermediate: { issuer: 'intermediate' },
  issuedByLeaf: { issuer: 'good', chain: ['good'] },
  outsideConstraints: { issuer: 'constrained', chain: ['constrained'] },
  wrongHost: { extensions: san('DNS:other.test'), subject: 'other.test' },
  wrongAddress: { extensions: san('IP:127.0.0.2') },
  subjectOnly: { extensions: SERVER },
  otherNameThanSubject: { extensions: san('DNS:other.test') },
  addressAsName: { extensions: san('DNS:127.0.0.1'), subject: '127.0.0.1' },
  nameOnly: { extensions: san('DNS:localhost') },
  addressOnly: { extensions: san('IP:127.0.0.1') },
  anyName: { extensions: san('DNS:*') },
  partOfName: { extensions: san('DNS:local*') },
  nulInName: { extensions: [...SERVER, `subjectAltName = DER:30:16:82:14:${NUL_NAME}`] },
  clientPurpose: { extensions: [...LEAF, 'extendedKeyUsage = clientAuth', NAMES] },
  caKeyUsage: {
    extensions: [
      'basicConstraints = critical,CA:FALSE',
      'keyUsage = critical,cRLSign',
      'extendedKeyUsage = serverAuth',
      NAMES,
    ],
  },
  weakKey: { key: 'rsa1024' },
  weakDigest: { key: 'rsa2048', md: 'sha1' },
  /** Holds the certificate of another server, in PEM. */
  holdsAnother: {
    extensions: () => [...SERVER, NAMES, `1.2.3.4.5.6 = DER:${hex(`\n${certificate('good').own}\n`)}`],
  },
}

const made = new Map()
let directory

/**
 * The named certificate: `{ cert, key, ca, certFile, keyFile, caFile }`, in PEM. `cert` holds what the server presents,
 * its chain included; `ca` is the root that clients of these tests trust.
 */
function certificate(name) {
  if (!made.has(name)) made.set(name, issue(name, RECIPES[name]))
  return made.get(name)
}

/**
 * A good certificate with `names` for subject alternative names, as openssl writes them (`DNS:a.test`), and `subject` for its
 * common name: as `certificate` returns it. `more` is what else a recipe has.
 */
function certificateNaming(names, subject = 'nobody', more = {}) {
  const name = `naming${made.size}`
  const extensions = names.length > 0 ? san(...names) : SERVER
  made.set(name, issue(name, { extensions, subject, ...more }))
  return made.get(name)
}

function issue(name, recipe) {
  const { key = 'p256', subject = 'localhost', from = -10, until = 30, md = 'sha256', chain = [] } = recipe
  const { extensions = [...SERVER, NAMES] } = recipe
  const isRoot = recipe.issuer === null || (extensions === CA && recipe.issuer === undefined)
  const issuer = isRoot ? null : (recipe.issuer ?? 'root')
  const parent = issuer && certificate(issuer)
  const root = name === 'root' ? null : certificate('root')
  const lines = typeof extensions === 'function' ? extensions() : extensions
  makeKey(name, key)
  write(`${name}.cnf`, `${CA_CONFIG}[x]\n${lines.join('\n')}\n`)
  write('serial', String(1000 + made.size))
  write('index.txt', '')
  openssl(
    'req',
    '-new',
    '-key',
    `${name}.key`,
    '-subj',
    subject === '' ? '/' : `/CN=${subject}`,
    '-config',
    `${name}.cnf`,
    '-out',
    'csr',
  )
  const by = parent
    ? ['-cert', parent.ownFile, '-keyfile', parent.keyFile]
    : ['-selfsign', '-keyfile', `${name}.key`]
  const dates = ['-startdate', asn1Time(from), '-enddate', asn1Time(until)]
  const what = [
    '-in',
    'csr',
    '-out',
    `${name}.own.pem`,
    '-extensions',
    'x',
    '-md',
    md,
    '-config',
    `${name}.cnf`,
  ]
  openssl('ca', '-batch', '-notext', ...by, ...dates, ...what)
  const own = read(`${name}.own.pem`)
  const cert = [own, ...chain.map((link) => certificate(link).own)].join('')
  write(`${name}.pem`, cert)
  const path = (file) => join(directory, file)
  return {
    own,
    cert,
    key: read(`${name}.key`),
    ca: root?.own ?? own,
    ownFile: path(`${name}.own.pem`),
    certFile: path(`${name}.pem`),
    keyFile: path(`${name}.key`),
    caFile: root?.ownFile ?? path(`${name}.own.pem`),
  }
}

/** The SHA-256 of the named certificate, as `fingerprint256` takes it. */
function fingerprint(name) {
  return new X509Certificate(certificate(name).own).fingerprint256
}

const PASSPHRASE = 'open sesame'

/**
 * The key of the named certificate in each form in which PEM files hold it. The encrypted ones are for
 * PASSPHRASE.
 */
function keyForms(name) {
  const key = createPrivateKey(certificate(name).key)
  const form = (type, cipher) =>
    key.export({ type, format: 'pem', ...(cipher && { cipher, passphrase: PASSPHRASE }) })
  const traditional = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  return {
    pkcs8: form('pkcs8'),
    encrypted: form('pkcs8', 'aes-256-cbc'),
    traditional: form(traditional),
    encryptedTraditional: form(traditional, 'aes-256-cbc'),
  }
}

/** The named certificate with its chain and key, as PKCS #12, in a Buffer. */
function pkcs12(name, passphrase = PASSPHRASE) {
  const { certFile, keyFile } = certificate(name)
  const what = ['-in', certFile, '-inkey', keyFile, '-passout', `pass:${passphrase}`, '-out', `${name}.p12`]
  openssl('pkcs12', '-export', ...what)
  return readFileSync(join(directory, `${name}.p12`))
}

/** A revocation list of the CA called `name`, in PEM, with the certificates called `revoked`. */
function revocationList(name, { revoked = [], from = -10, until = 30 } = {}) {
  const { ownFile, keyFile } = certificate(name)
  const lines = revoked.map((other) => {
    const { serialNumber, subject } = new X509Certificate(certificate(other).own)
    return ['R', utcTime(30), utcTime(-5), serialNumber, 'unknown', `/${subject}`].join('\t')
  })
  write('index.txt', lines.map((line) => `${line}\n`).join(''))
  const dates = ['-crl_lastupdate', asn1Time(from), '-crl_nextupdate', asn1Time(until)]
  const by = ['-cert', ownFile, '-keyfile', keyFile, '-config', `${name}.cnf`]
  openssl('ca', '-gencrl', ...by, ...dates, '-out', `${name}.crl`)
  return read(`${name}.crl`)
}

function makeKey(name, kind) {
  const algorithm = {
    p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    rsa1024: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
    rsa2048: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    ed25519: ['-algorithm', 'ED25519'],
  }[kind]
  openssl('genpkey', ...algorithm, '-out', `${name}.key`)
}

/** `days` from now, as ASN.1 GeneralizedTime. */
function asn1Time(days) {
  const date = new Date(Date.now() + days * 24 * 3600 * 1000)
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}

/** The same with two digits for the year, as the index of a CA has it. */
function utcTime(days) {
  return asn1Time(days).slice(2)
}

/** The bytes of `text`, as a configuration file of OpenSSL has them. */
function hex(text) {
  return Buffer.from(text)
    .toString('hex')
    .replace(/..(?=.)/g, '$&:')
}

function openssl(...args) {
  execFileSync('openssl', args, { cwd: ownDirectory(), stdio: 'pipe' })
}

function read(name) {
  return readFileSync(join(directory, name), 'utf8')
}

function write(name, text) {
  writeFileSync(join(ownDirectory(), name), text)
}

function ownDirectory() {
  if (directory === undefined) {
    directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-pki-'))
    process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  }
  return directory
}

module.exports = { PASSPHRASE, certificate, certificateNaming, fingerprint, keyForms, pkcs12, revocationList }
