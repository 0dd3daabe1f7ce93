'use strict'

// Debian's Dovecot with IMAP and POP3 and STARTTLS, with a configuration, ports and a directory of its own, which go with the test. The
// system's service is not touched.

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

const HOST = '127.0.0.1'
const ATTEMPTS = 5
const env = { ...process.env, PATH: `${process.env.PATH}${path.delimiter}/usr/sbin` }
const isRoot = process.getuid?.() === 0

/** What there is to install, or ''. */
function lacking() {
  if (spawnSync('dovecot', ['--version'], { env }).error) return 'dovecot'
  const { stdout } = spawnSync('doveconf', ['-h', 'libexec_dir'], { env })
  const folder = String(stdout).trim() || '/usr/lib/dovecot'
  return ['imap-login', 'pop3-login'].find((name) => !fs.existsSync(path.join(folder, name))) ?? ''
}

function whoami(option) {
  return String(spawnSync('id', [option]).stdout).trim()
}

/** Without root it has to do everything as the one user. */
function withoutRoot() {
  const user = whoami('-un')
  const services = ['anvil', 'imap-login', 'pop3-login']
  return `default_internal_user = ${user}
    default_internal_group = ${whoami('-gn')}
    default_login_user = ${user}
    ${services.map((name) => `service ${name} {\n chroot =\n }`).join('\n')}`
}

function configuration(directory, [imap, pop3]) {
  return `
    ${isRoot ? '' : withoutRoot()}
    protocols = imap pop3
    base_dir = ${directory}/run
    state_dir = ${directory}/run
    log_path = /dev/stderr
    listen = ${HOST}
    ssl = yes
    ssl_cert = <${directory}/cert.pem
    ssl_key = <${directory}/key.pem
    default_process_limit = 20
    default_client_limit = 100
    service imap-login {
      inet_listener imap {
        port = ${imap}
      }
      inet_listener imaps {
        port = 0
      }
    }
    service pop3-login {
      inet_listener pop3 {
        port = ${pop3}
      }
      inet_listener pop3s {
        port = 0
      }
    }
    passdb {
      driver = static
      args = password=secret
    }
  `
}

async function freePort() {
  const server = net.createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Starts it with `cert` and `key` in PEM: `{ imap, pop3, stop() }`, the first two being ports. */
async function startDovecot({ cert, key }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'dovecot-'))
  fs.chmodSync(directory, 0o755)
  fs.writeFileSync(path.join(directory, 'cert.pem'), cert)
  fs.writeFileSync(path.join(directory, 'key.pem'), key, { mode: 0o600 })
  const remove = () => fs.rmSync(directory, { recursive: true, force: true })
  for (let attempt = 1; ; attempt++) {
    const [imap, pop3] = [await freePort(), await freePort()]
    const file = path.join(directory, 'dovecot.conf')
    fs.writeFileSync(file, configuration(directory, [imap, pop3]))
    const child = spawn('dovecot', ['-F', '-c', file], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    const exited = once(child, 'exit')
    let log = ''
    const started = await new Promise((resolve) => {
      child.stderr.on('data', (bytes) => {
        log += bytes
        // It listens before it says so.
        if (log.includes('starting up')) resolve(true)
      })
      exited.then(() => resolve(false))
    })
    if (started) {
      const stop = async () => {
        child.kill('SIGTERM')
        await exited
        remove()
      }
      return { imap, pop3, stop }
    }
    if (attempt === ATTEMPTS || !log.includes('in use')) {
      remove()
      throw new Error(`dovecot did not start:\n${log}`)
    }
  }
}

module.exports = { lacking, startDovecot }
