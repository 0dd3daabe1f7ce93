'use strict'

// Letters, the mail reader of examples/apps, against dovecot with IMAP: STARTTLS and TLS, and the flags in the server's own folder.

const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const http = require('node:http')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const {
  LOGIN,
  lacksImap,
  makeDovecotCertificates,
  startDovecot,
} = require('../../../../__test__/helpers/dovecot.js')
const { testWhere } = require('../../../../__test__/helpers/needs.js')
const { scope } = require('../../../../__test__/helpers/sockets.js')
const { closeBrowser, hasChromium } = require('../helpers/chromium.js')
const { PLACES } = require('../helpers/users.js')

const MESSAGES = [
  `From: Ada <ada@example.org>
To: reader@example.org
Subject: The engine is ready
Date: Mon, 1 Jul 2013 10:00:00 +0000

It computes. Come and see.
`,
  `From: =?UTF-8?B?SsO8cmdlbg==?= <j@example.org>
To: reader@example.org
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?Q?_K=C3=B6ln?=
Date: Tue, 2 Jul 2013 11:30:00 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="cut here"

--cut here
Content-Type: text/html; charset=utf-8

<p>not this one</p>
--cut here
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Sch=C3=B6ne Gr=C3=BC=C3=9Fe =E2=9C=88 a long line that is cut in =
two, and (parentheses) "quotes" {3}
--cut here--
`,
  `From: "Big, Mail" <big@example.org>
To: reader@example.org
Subject: A long one
Date: Wed, 3 Jul 2013 12:45:00 +0000

${'0123456789 abcdefghijklmnopqrstuvwxyz\n'.repeat(20_000)}the end
`,
]

test.after.always(closeBrowser)

// What the process trusts is read once; so one authority is for all that is to be trusted.
const folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-trust-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const certificates = makeDovecotCertificates()
process.env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
writeFileSync(process.env.NODE_EXTRA_CA_CERTS, certificates.ca)

async function signIn(user, { port, security, password = LOGIN.password }) {
  await user.fill('#user', LOGIN.user)
  await user.fill('#password', password)
  await user.fill('#host', '127.0.0.1')
  await user.fill('#port', String(port))
  await user.fill('#security', security)
  await user.click('#signin')
}

/** A provider's settings, of another origin. */
async function autoconfig(t, port) {
  const seen = []
  const server = http.createServer((request, response) => {
    seen.push(request.url)
    response.setHeader('access-control-allow-origin', '*')
    response.end(`<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org">
      <incomingServer type="pop3"><hostname>wrong</hostname><port>1</port><socketType>SSL</socketType></incomingServer>
      <incomingServer type="imap"><hostname>127.0.0.1</hostname><port>${port}</port><socketType>SSL</socketType></incomingServer>
      </emailProvider></clientConfig>`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, seen }
}

async function reading(t, place) {
  const server = await startDovecot(scope(t), MESSAGES, certificates)
  const { user, problems } = await PLACES[place](t, 'mail')
  await user.shot('mail-setup')
  await signIn(user, { port: server.imap, security: 'starttls' })
  await user.sees('#state', /^3 unread$/)
  t.is(await user.reads('#lock'), 'TLS')
  t.regex(
    await user.reads('#list'),
    /^Big, Mail3 JulA long oneJürgen2 JulGrüße aus KölnAda1 JulThe engine is ready$/,
  )
  t.deepEqual(server.flags(), ['', '', ''])
  await user.shot('mail-list')

  // With the keys of a phone: down to the second one, and open it.
  await user.press('ArrowDown')
  await user.press('Enter')
  await user.sees('#state', /^read$/)
  t.is(
    await user.reads('#body'),
    'Schöne Grüße ✈ a long line that is cut in two, and (parentheses) "quotes" {3}',
  )
  t.is(await user.reads('#subject'), 'Grüße aus Köln')
  t.deepEqual(server.flags(), ['', 'S', ''])
  await user.click('#softright')
  await user.sees('#state', /^flagged$/)
  t.deepEqual(server.flags(), ['', 'FS', ''])
  await user.shot('mail-message')

  await user.press('Escape')
  await user.sees('#state', /^2 unread$/)
  t.is(await user.reads('#list li.flagged .name'), 'Jürgen')

  // 760 kB, through the worker where there is one.
  await user.click('#list li:nth-child(1)')
  await user.sees('#state', /^read$/)
  const body = await user.reads('#body')
  t.is(body.length, MESSAGES[2].split('\n\n')[1].trimEnd().length)
  t.regex(body, /the end$/)
  await user.click('#softleft')

  // The second time it comes out of the cache.
  await user.click('#list li:nth-child(1)')
  await user.sees('#state', /^(kept|new)$/)
  t.is(await user.reads('#state'), 'kept')
  t.is(await user.reads('#body'), body)
  await user.click('#softleft')
  await user.click('#softright')
  await user.sees('#state', /^signed out$/)
  t.deepEqual(server.flags(), ['', 'FS', 'S'])
  t.deepEqual(problems, [])
}

async function lookedUp(t, place) {
  const server = await startDovecot(scope(t), MESSAGES, certificates)
  const { user, problems } = await PLACES[place](t, 'mail')
  const { url, seen } = await autoconfig(t, server.imaps)
  await user.fill('#autoconfig', url)
  await user.click('#lookup')
  await user.sees('#state', /^found$/)
  t.deepEqual(seen, ['/mail/config-v1.1.xml'])
  t.is(await user.reads('#port'), String(server.imaps))
  t.is(await user.reads('#security'), 'tls')
  await user.fill('#user', LOGIN.user)
  await user.fill('#password', LOGIN.password)
  await user.click('#signin')
  await user.sees('#state', /^3 unread$/)
  t.is(await user.reads('#lock'), 'TLS')
  t.deepEqual(problems, [])
}

async function refused(t, place) {
  const own = scope(t)
  const known = await startDovecot(own, MESSAGES, certificates)
  const { user, problems } = await PLACES[place](t, 'mail')
  await signIn(user, { port: known.imaps, security: 'tls', password: 'wrong' })
  await user.sees('#error', /Authentication failed/)
  t.is(await user.reads('#lock'), null)

  // Who has a certificate of somebody unknown gets no password.
  const unknown = await startDovecot(own, MESSAGES)
  await signIn(user, { port: unknown.imaps, security: 'tls' })
  await user.sees('#error', /Security/)
  await signIn(user, { port: unknown.imap, security: 'starttls' })
  await user.sees('#error', /Security/)
  t.is(await user.reads('#list'), null)
  t.deepEqual(unknown.flags(), ['', '', ''])
  t.deepEqual(problems, [])
}

for (const place of ['run', 'serve']) {
  const missing = lacksImap() || (place === 'serve' && !hasChromium && 'chromium')
  const check = testWhere(test, !missing, missing)
  check(`${place}: the mail reader lists, reads and flags mail on dovecot, with STARTTLS`, reading, place)
  check(`${place}: the mail reader finds its settings by XHR with mozSystem, and uses TLS`, lookedUp, place)
  check(`${place}: the mail reader shows what was refused, and trusts no strange certificate`, refused, place)
}
