'use strict'

// The demo against a server that was not made for it: Debian's dovecot-pop3d, with a configuration, ports and users of
// its own, in a directory that is removed afterwards. The system's service is not touched.

const { spawn, spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { createInterface } = require('node:readline')

const test = require('ava')

const { makeCertificates } = require('../../examples/server/certificate.js')
const { serialWhere } = require('../helpers/needs.js')
const { toldName } = require('../helpers/tls-peers.js')

const PATH = `${process.env.PATH}${path.delimiter}/usr/sbin${path.delimiter}/usr/local/sbin`
const ROOT = path.join(__dirname, '..', '..')
const HOST = '127.0.0.1'
const LOGIN = { user: 'reader@example.org', password: 'p@ss:w/rd é%' }
/** Attempts to get two ports that nobody else takes in the meantime. */
const ATTEMPTS = 5

const missing = lacking()
const check = serialWhere(test, !missing, missing)

function lacking() {
  const found = spawnSync('dovecot', ['--version'], { env: { ...process.env, PATH } })
  if (found.error) return 'dovecot'
  const modules = spawnSync('doveconf', ['-h', 'libexec_dir'], { env: { ...process.env, PATH } })
  const pop3 = path.join(String(modules.stdout).trim() || '/usr/lib/dovecot', 'pop3-login')
  return fs.existsSync(pop3) ? '' : pop3
}

let server

if (!missing) {
  test.before(async () => {
    server = await start()
  })
  test.after.always(() => server?.stop())
}

/** Mail as a Maildir has it: with LF, of which POP3 makes CRLF. */
function makeMessages() {
  const header = (number) => `From: a@example.org\nTo: ${LOGIN.user}\nSubject: message ${number}\n\n`
  const line = `${'0123456789abcdef'.repeat(4)} wxyz`
  const lines = (count) => Array.from({ length: count }, (_, index) => `${index} ${line}\n`).join('')
  const bodies = [
    'short\n',
    '.\n..\n.dot\n\n.\n',
    `${String.fromCharCode(...Array.from({ length: 128 }, (_, index) => 128 + index))}\n`,
    lines(90_000),
    ...Array.from({ length: 40 }, (_, index) => lines(1 + index * 7)),
  ]
  return bodies.map((body, index) => {
    const stored = Buffer.from(header(index + 1) + body, 'latin1')
    const sent = Buffer.from(stored.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
    return { stored, octets: sent.length, sha256: createHash('sha256').update(sent).digest('hex') }
  })
}

/** Without root, dovecot has to do everything as the one user. */
const isRoot = process.getuid?.() === 0
const owner = isRoot ? { user: 'nobody', group: 'nogroup' } : { user: whoami('-un'), group: whoami('-gn') }
const WITHOUT_ROOT = `
  default_internal_user = ${owner.user}
  default_internal_group = ${owner.group}
  default_login_user = ${owner.user}
  service anvil {
    chroot =
  }
  service pop3-login {
    chroot =
  }
`

function whoami(option) {
  return String(spawnSync('id', [option]).stdout).trim()
}

function configuration(directory, ports) {
  return `
    ${isRoot ? '' : WITHOUT_ROOT}
    protocols = pop3
    base_dir = ${directory}/run
    state_dir = ${directory}/run
    log_path = /dev/stderr
    listen = ${HOST}
    first_valid_uid = 1
    mail_location = maildir:~/Maildir
    ssl = yes
    ssl_cert = <${directory}/cert.pem
    ssl_key = <${directory}/key.pem
    auth_mechanisms = plain
    auth_cache_size = 0
    default_process_limit = 20
    default_client_limit = 100
    service pop3-login {
      inet_listener pop3 {
        port = ${ports[0]}
      }
      inet_listener pop3s {
        port = ${ports[1]}
        ssl = yes
      }
    }
    passdb {
      driver = passwd-file
      args = scheme=PLAIN username_format=%u ${directory}/users
    }
    userdb {
      driver = static
      args = uid=${owner.user} gid=${owner.group} home=${directory}/home
    }
  `
}

function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, HOST))
  return Promise.all(
    servers.map(async (each) => {
      await once(each, 'listening')
      const { port } = each.address()
      each.close()
      await once(each, 'close')
      return port
    }),
  )
}

async function start() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'dovecot-'))
  const inside = (...names) => path.join(directory, ...names)
  // Its login processes run as a user of their own.
  fs.chmodSync(directory, 0o755)
  const { ca, cert, key } = makeCertificates(['localhost', HOST])
  fs.writeFileSync(inside('ca.pem'), ca)
  fs.writeFileSync(inside('cert.pem'), cert)
  fs.writeFileSync(inside('key.pem'), key, { mode: 0o600 })
  // A colon ends a field of this file, so the password is in a form without one.
  const password = Buffer.from(LOGIN.password).toString('base64')
  fs.writeFileSync(inside('users'), `${LOGIN.user}:{PLAIN.b64}${password}\n`, { mode: 0o644 })
  const messages = makeMessages()
  for (const name of ['cur', 'new', 'tmp']) fs.mkdirSync(inside('home', 'Maildir', name), { recursive: true })
  for (const [index, { stored }] of messages.entries()) {
    const time = 1_372_723_200 + index
    fs.writeFileSync(inside('home', 'Maildir', 'new', `${time}.M${index}.host`), stored)
  }
  const owned = spawnSync('chown', ['-R', `${owner.user}:${owner.group}`, inside('home')])
  if (owned.status !== 0) throw new Error(String(owned.stderr))

  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(2)
    fs.writeFileSync(inside('dovecot.conf'), configuration(directory, ports))
    const child = spawn('dovecot', ['-F', '-c', inside('dovecot.conf')], {
      env: { ...process.env, PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const exited = once(child, 'exit')
    const log = []
    const started = await new Promise((resolve, reject) => {
      child.on('error', reject)
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line)
        // It listens before it says so.
        if (line.includes('starting up')) resolve(true)
      })
      exited.then(() => resolve(false))
    })
    if (started) {
      return {
        messages,
        ca: inside('ca.pem'),
        pop3: ports[0],
        pop3s: ports[1],
        log,
        async stop() {
          child.kill('SIGTERM')
          await exited
          fs.rmSync(directory, { recursive: true, force: true })
        },
      }
    }
    if (attempt === ATTEMPTS || !log.some((line) => line.includes('in use'))) {
      fs.rmSync(directory, { recursive: true, force: true })
      throw new Error(`dovecot did not start:\n${log.join('\n')}`)
    }
  }
}

function demo(t, args, login = LOGIN) {
  const [scheme, port, ...options] = args
  const [user, password] = [encodeURIComponent(login.user), encodeURIComponent(login.password)]
  const url = `${scheme}://${user}:${password}@localhost:${port}`
  const child = spawn(process.execPath, ['examples/demo.js', url, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => output.push(data))
  t.teardown(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, text: Buffer.concat(output).toString() }))
  })
}

/** The digests that `--digests` printed, in order. */
function digests(text) {
  return [...text.matchAll(/^ +([\da-f]{64}) +(\d+) +#\d+$/gm)].map(([, sha256, octets]) => ({
    sha256,
    octets: Number(octets),
  }))
}

function isWhole(t, { code, signal, text }) {
  t.deepEqual({ code, signal }, { code: 0, signal: null }, `${text}\n${server.log.join('\n')}`)
  t.deepEqual(
    digests(text),
    server.messages.map(({ octets, sha256 }) => ({ octets, sha256 })),
  )
  const count = server.messages.length
  t.true(text.includes(`${count} of ${count} have as many octets as LIST says`), text)
  t.true(text.includes(`${count} of ${count} messages have the same SHA-256 as before`), text)
  t.false(text.includes(LOGIN.password), 'the password is not shown')
}

check('the demo fetches a mailbox of dovecot over implicit TLS, byte for byte', async (t) => {
  const result = await demo(t, ['pop3s', server.pop3s, '--ca', server.ca, '--digests'])
  isWhole(t, result)
  t.false(result.text.includes('C: STLS'))
})

check('the demo fetches a mailbox of dovecot over STLS, byte for byte', async (t) => {
  const result = await demo(t, ['pop3', server.pop3, '--ca', server.ca, '--digests'])
  isWhole(t, result)
  t.regex(result.text, /C: STLS\n +S: \+OK[^]*Upgraded to TLS[^]*C: USER/)
})

check('the demo fetches only the newest messages when asked to', async (t) => {
  const { code, text } = await demo(t, ['pop3s', server.pop3s, '--ca', server.ca, '--digests', '--last', '3'])
  t.is(code, 0, text)
  t.deepEqual(
    digests(text).map(({ sha256 }) => sha256),
    server.messages.slice(-3).map(({ sha256 }) => sha256),
  )
})

check('the demo does not log in to a dovecot whose certificate it cannot verify', async (t) => {
  for (const [scheme, port] of [
    ['pop3s', server.pop3s],
    ['pop3', server.pop3],
  ]) {
    const { code, text } = await demo(t, [scheme, port])
    t.is(code, 1, text)
    t.true(text.includes(toldName('SecurityUntrustedCertificateIssuerError')), text)
    t.false(text.includes('C: USER'), text)
  }
})

check('the demo says that dovecot refuses a wrong password', async (t) => {
  const wrong = { ...LOGIN, password: 'wrong' }
  const { code, text } = await demo(t, ['pop3s', server.pop3s, '--ca', server.ca], wrong)
  t.is(code, 1, text)
  t.regex(text, /LoginError: The server says: -ERR \[AUTH\]/)
})
