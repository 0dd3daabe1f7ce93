'use strict'

// Debian's Dovecot with IMAP and POP3 and STARTTLS, with a configuration, ports and a directory of its own, which go with the test. The
// system's service is not touched.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { runDovecot } = require('../../../../__test__/helpers/dovecot.js')
const { temporaryDirectory } = require('../../../../__test__/helpers/peers.js')

const HOST = '127.0.0.1'
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

/** Starts it with `cert` and `key` in PEM: `{ imap, pop3, stop() }`, the first two being ports. */
async function startDovecot({ cert, key }) {
  const ends = []
  const own = { onEnd: (end) => ends.unshift(end) }
  const stop = async () => {
    for (const end of ends) await end()
  }
  try {
    const directory = temporaryDirectory(own)
    fs.chmodSync(directory, 0o755)
    fs.writeFileSync(path.join(directory, 'cert.pem'), cert)
    fs.writeFileSync(path.join(directory, 'key.pem'), key, { mode: 0o600 })
    const [imap, pop3] = await runDovecot(own, directory, (ports) => configuration(directory, ports), { env })
    return { imap, pop3, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

module.exports = { lacking, startDovecot }
