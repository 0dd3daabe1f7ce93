'use strict'

// Throwaway certificates, made with the openssl command line tool while the tests run: keys that lie in a repository
// set off scanners, and certificates there expire.

const { execFileSync } = require('node:child_process')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const LEAF_EXTENSIONS = `basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
`

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

let pki

/** A CA and a certificate of it for localhost, 127.0.0.1 and ::1: `{ ca, cert, key }`, in PEM. Made once. */
function makePki() {
  pki ??= inTemporaryDirectory(({ openssl, read, write }) => {
    openssl(
      'req -x509 -days 30 -subj /CN=Throwaway-CA -keyout ca.key -out ca.pem',
      '-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign',
      ...NEW_KEY,
    )
    openssl('req -new -subj /CN=localhost -keyout leaf.key -out leaf.csr', ...NEW_KEY)
    write('leaf.ext', LEAF_EXTENSIONS)
    openssl(
      'x509 -req -days 30 -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 2 -extfile leaf.ext -out leaf.pem',
    )
    return { ca: read('ca.pem'), cert: read('leaf.pem'), key: read('leaf.key') }
  })
  return pki
}

/** Runs `make` with tools for a new directory, which is removed afterwards. Words in each argument are split. */
function inTemporaryDirectory(make) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-pki-'))
  try {
    return make({
      openssl: (...args) =>
        execFileSync('openssl', args.join(' ').split(' '), { cwd: directory, stdio: 'pipe' }),
      read: (name) => readFileSync(join(directory, name), 'utf8'),
      write: (name, text) => writeFileSync(join(directory, name), text),
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

module.exports = { inTemporaryDirectory, makePki }
