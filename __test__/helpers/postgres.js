'use strict'

// Debian's PostgreSQL as a peer: a cluster in a temporary directory, on a free port of loopback, with TLS and a password.

const { execFileSync } = require('node:child_process')
const {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { startServer } = require('./peers.js')
const { makePki } = require('./pki.js')

const PASSWORD = 'correct horse'
const DEBIAN = '/usr/lib/postgresql'

/** The directory of its programs; undefined where it is not installed. */
function binaries() {
  if (!existsSync(DEBIAN)) return undefined
  const versions = readdirSync(DEBIAN).sort((a, b) => b - a)
  const paths = versions.map((version) => join(DEBIAN, version, 'bin'))
  return paths.find((path) => existsSync(join(path, 'initdb')))
}

/** It refuses to run as root. */
function unprivileged() {
  if (process.getuid() !== 0) return {}
  const id = (kind) => Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Starts one. Resolves with `{ port, user, password, database, ca }`. */
async function startPostgres(own) {
  const bin = binaries()
  const user = unprivileged()
  const home = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-postgres-'))
  own.onEnd(() => rmSync(home, { recursive: true, force: true }))
  const data = join(home, 'data')
  const give = (file, mode) => {
    chmodSync(file, mode)
    if (user.uid !== undefined) chownSync(file, user.uid, user.gid)
  }
  const write = (name, text) => {
    const file = join(home, name)
    writeFileSync(file, text)
    give(file, 0o600)
    return file
  }
  give(home, 0o700)
  const { ca, cert, key } = makePki()
  const secret = write('password', PASSWORD)
  const certFile = write('cert.pem', cert)
  const keyFile = write('key.pem', key)
  const auth = ['-A', 'scram-sha-256', '-U', 'postgres', `--pwfile=${secret}`, '--no-sync', '-E', 'UTF8']
  execFileSync(join(bin, 'initdb'), ['-D', data, ...auth], { cwd: home, stdio: 'pipe', ...user })
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: certFile,
    ssl_key_file: keyFile,
    fsync: 'off',
  }
  const { port } = await startServer(
    own,
    /ready to accept connections/,
    (free) => [
      join(bin, 'postgres'),
      '-D',
      data,
      '-p',
      String(free),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { cwd: home, ...user },
  )
  return { port, user: 'postgres', password: PASSWORD, database: 'postgres', ca }
}

module.exports = { binaries, startPostgres }
