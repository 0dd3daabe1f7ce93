'use strict'

// Programs that others wrote for Cloudflare Workers, unmodified, against real servers. Each runs in a process of its own, as an
// application does: `node --conditions=workerd --import moz-tcp-socket/winter/register`.

const { execFile } = require('node:child_process')
const { writeFileSync } = require('node:fs')
const net = require('node:net')
const { join } = require('node:path')
const tls = require('node:tls')
const { promisify } = require('node:util')

const test = require('ava')

const { serialWhere } = require('../../helpers/needs.js')
const { startServer, temporaryDirectory, testWith } = require('../../helpers/peers.js')
const { makePki } = require('../../helpers/pki.js')
const { binaries, startPostgres } = require('../../helpers/postgres.js')
const { scope } = require('../../helpers/sockets.js')
const { listening } = require('./support.js')

const run = promisify(execFile)
const testPostgres = serialWhere(test, binaries() !== undefined, 'postgresql')

/** What `program` prints. It trusts the throwaway authority. */
async function printed(own, program, env) {
  const ca = join(temporaryDirectory(own), 'ca.pem')
  writeFileSync(ca, makePki().ca)
  const args = ['--conditions=workerd', '--import', 'moz-tcp-socket/winter/register']
  const preload = ['--require', join(__dirname, 'programs', 'workers.cjs')]
  const file = join(__dirname, 'programs', program)
  const { stdout } = await run(process.execPath, [...preload, ...args, file], {
    cwd: __dirname,
    env: { ...process.env, SSL_CERT_FILE: ca, ...env },
    timeout: 60_000,
  })
  return stdout.trim()
}

testPostgres('pg runs with pg-cloudflare, in plaintext and by startTls()', async (t) => {
  const own = scope(t)
  const place = await startPostgres(own)
  for (const secure of [false, true]) {
    const output = await printed(own, 'pg.mjs', { POSTGRES: JSON.stringify({ ...place, secure }) })
    t.deepEqual(JSON.parse(output), {
      stream: 'CloudflareSocket',
      secure,
      rows: 2000,
      isWhole: true,
      refused: '42703',
      isEchoed: true,
      sums: 380,
    })
  }
})

testPostgres('postgres runs in its build for workerd, in plaintext and by startTls()', async (t) => {
  const own = scope(t)
  const place = await startPostgres(own)
  for (const secure of [false, true]) {
    const output = await printed(own, 'postgres.mjs', { POSTGRES: JSON.stringify({ ...place, secure }) })
    t.deepEqual(JSON.parse(output), {
      secure,
      rows: 2000,
      isWhole: true,
      refused: '42703',
      sums: 380,
      inside: 3,
    })
  }
})

/** An SMTP server that wants STARTTLS, then a login. `mails` gets what was sent. */
function smtpServer(mails) {
  const { cert, key } = makePki()
  const serve = (socket, isSecure) => {
    let rest = ''
    let mail = null
    const say = (...lines) => socket.write(lines.map((line) => `${line}\r\n`).join(''))
    const answers = {
      EHLO: () => (isSecure ? say('250-me', '250 AUTH PLAIN LOGIN') : say('250-me', '250 STARTTLS')),
      AUTH: (line) => {
        const login = Buffer.from(line.split(' ')[2], 'base64').toString()
        say(isSecure && login === '\0fox\0secret' ? '235 ok' : '535 no')
      },
      MAIL: () => say('250 ok'),
      RCPT: () => say('250 ok'),
      RSET: () => say('250 ok'),
      QUIT: () => {
        say('221 bye')
        socket.end()
      },
      DATA: () => {
        mail = ''
        say('354 go on')
      },
      STARTTLS: () => {
        socket.removeAllListeners('data')
        say('220 go ahead')
        const secure = new tls.TLSSocket(socket, { isServer: true, cert, key })
        secure.on('error', () => {})
        serve(secure, true)
      },
    }
    socket.on('data', (bytes) => {
      rest += bytes
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (mail === null) {
          const answer = answers[line.split(' ')[0].toUpperCase()] ?? (() => say('500 what'))
          answer(line)
        } else if (line === '.') {
          mails.push({ mail, isSecure })
          mail = null
          say('250 queued')
        } else {
          mail += `${line}\n`
        }
      }
    })
  }
  return net.createServer((socket) => {
    socket.write('220 me ESMTP\r\n')
    serve(socket, false)
  })
}

test.serial('worker-mailer sends a mail by STARTTLS', async (t) => {
  const own = scope(t)
  const mails = []
  const port = await listening(t, smtpServer(mails))
  t.is(await printed(own, 'worker-mailer.mjs', { SMTP: JSON.stringify({ port }) }), 'sent')
  t.is(mails.length, 1)
  t.true(mails[0].isSecure)
  t.regex(mails[0].mail, /^Subject: Over TLS$/m)
  t.is(mails[0].mail.match(/x/g).length > 190_000, true)
})

testWith(test.serial, 'redis-server', 'redis-on-workers talks to a Redis server', async (t) => {
  const own = scope(t)
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', temporaryDirectory(own)]
  const { port } = await startServer(own, /Ready to accept connections/, (free) => [
    'redis-server',
    '--port',
    String(free),
    '--bind',
    '127.0.0.1',
    ...quiet,
  ])
  const output = await printed(own, 'redis.mjs', { REDIS: JSON.stringify({ port }) })
  t.deepEqual(JSON.parse(output), { value: 'value', last: 1000, isWhole: true })
})
