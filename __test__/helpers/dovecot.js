'use strict'

// Debian's dovecot as an IMAP server of one user, with ports, a certificate and a folder of its own.

const { spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { makeCertificates } = require('../../examples/server/certificate.js')
const { startServer, temporaryDirectory } = require('./peers.js')
const { freePort } = require('./sockets.js')

const LOGIN = { user: 'reader@example.org', password: 'p@ss "word" é' }
const HOST = '127.0.0.1'

/** The authority `ca`, and `cert` and `key` of a server. */
const makeDovecotCertificates = () => makeCertificates(['localhost', HOST])

/** What dovecot needs and this machine lacks; nothing is `''`. Its own configuration only allows root to start it for others. */
function lacksImap() {
  if (process.getuid?.() !== 0) return 'root, to start dovecot'
  const found = spawnSync('doveconf', ['-h', 'libexec_dir'])
  if (found.error) return 'dovecot-imapd'
  const imap = join(String(found.stdout).trim() || '/usr/lib/dovecot', 'imap')
  return existsSync(imap) ? '' : 'dovecot-imapd'
}

function configuration(dir, [imap, imaps]) {
  return `
    protocols = imap
    base_dir = ${dir}/run
    state_dir = ${dir}/run
    log_path = /dev/stderr
    listen = ${HOST}
    first_valid_uid = 1
    mail_location = maildir:~/Maildir
    ssl = required
    ssl_cert = <${dir}/cert.pem
    ssl_key = <${dir}/key.pem
    auth_mechanisms = plain
    service imap-login {
      inet_listener imap {
        port = ${imap}
      }
      inet_listener imaps {
        port = ${imaps}
        ssl = yes
      }
    }
    namespace inbox {
      inbox = yes
    }
    passdb {
      driver = passwd-file
      args = scheme=PLAIN username_format=%u ${dir}/users
    }
    userdb {
      driver = static
      args = uid=nobody gid=nogroup home=${dir}/home
    }
  `
}

/**
 * Runs dovecot in the folder `dir` until the test ends. `configure(ports)` returns its configuration, with two ports, which may be others
 * the next time; `options` are those of `spawn`. Resolves with the ports.
 */
async function runDovecot(own, dir, configure, options) {
  const spare = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]
  const file = join(dir, 'dovecot.conf')
  let ports
  // It listens before it says so.
  const command = (port) => {
    ports = [port, spare.pop()]
    writeFileSync(file, configure(ports))
    return ['dovecot', '-F', '-c', file]
  }
  const { child } = await startServer(own, /starting up/, command, options)
  // It ends its other processes only when it is asked to end.
  own.onEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  return ports
}

/**
 * Starts it with `messages`, each the text of a mail, and with a certificate of its own or those of `makeDovecotCertificates()`. Resolves with its ports `imap` (STARTTLS is required) and `imaps`, and `flags()`: the flags of each message in its folder, in their order.
 */
async function startDovecot(own, messages, certificates = makeDovecotCertificates()) {
  const dir = temporaryDirectory(own)
  // Its login processes run as a user of their own.
  chmodSync(dir, 0o755)
  const { cert, key } = certificates
  writeFileSync(join(dir, 'cert.pem'), cert)
  writeFileSync(join(dir, 'key.pem'), key, { mode: 0o600 })
  // A colon ends a field of this file, so the password is in a form without one.
  const password = Buffer.from(LOGIN.password).toString('base64')
  writeFileSync(join(dir, 'users'), `${LOGIN.user}:{PLAIN.b64}${password}\n`, { mode: 0o644 })
  const maildir = join(dir, 'home', 'Maildir')
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
  for (const [index, text] of messages.entries()) {
    writeFileSync(join(maildir, 'new', `${1_372_723_200 + index}.M${index}.host`), text)
  }
  const owned = spawnSync('chown', ['-R', 'nobody:nogroup', join(dir, 'home')])
  if (owned.status !== 0) throw new Error(String(owned.stderr))

  const [imap, imaps] = await runDovecot(own, dir, (ports) => configuration(dir, ports))
  const flagsOf = (name) => (/:2,(\w*)/.exec(name) ?? ['', ''])[1]
  return {
    imap,
    imaps,
    flags: () =>
      ['new', 'cur']
        .flatMap((name) => readdirSync(join(maildir, name)))
        .sort()
        .map(flagsOf),
  }
}

module.exports = { LOGIN, lacksImap, makeDovecotCertificates, runDovecot, startDovecot }
