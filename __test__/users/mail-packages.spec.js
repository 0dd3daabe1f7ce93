'use strict'

// The mail clients of npm that were written for mozTCPSocket, unmodified, each in a process of its own. In most of them
// `moz-tcp-socket/register` has put the API where browserbox, emailjs-imap-client 2, wo-smtpclient and
// emailjs-smtp-client 1 look for it; emailjs-imap-client 3 and emailjs-smtp-client 2, which always take node:net in
// Node.js, are given what docs/porting.md says. One after the other, because they give a server ten seconds, and their
// processes would take the time from each other.

const { randomBytes } = require('node:crypto')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { run, temporaryDirectory } = require('../helpers/peers.js')
const { LOGIN, imapServer, smtpServer } = require('../helpers/mail-servers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { closedPort, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS } = require('../helpers/tls-peers.js')

const IMAP = [
  { name: 'browserbox', script: 'browserbox', compresses: true },
  {
    name: 'emailjs-imap-client 2',
    script: 'emailjs-imap-client',
    module: 'emailjs-imap-client',
    compresses: true,
  },
  {
    name: 'emailjs-imap-client 3',
    script: 'emailjs-imap-client',
    module: 'emailjs-imap-client-3',
    swapped: true,
    // In Node.js it puts the header of zlib before it, which RFC 4978 does not have, and no server understands.
    compresses: false,
  },
]
const SMTP = [
  { name: 'wo-smtpclient', module: 'wo-smtpclient' },
  { name: 'emailjs-smtp-client 1', module: 'emailjs-smtp-client' },
  { name: 'emailjs-smtp-client 2', module: 'emailjs-smtp-client-2', swapped: true },
]
const CA = String(certificate('root').ca)
const UNTRUSTED = TELLS_REASONS ? 'SecurityUntrustedCertificateIssuerError' : 'SecurityError'

/** Runs `script` with `request`, and resolves with what it answers when it has ended. */
async function ask(t, script, request) {
  const path = join(__dirname, '../fixtures/users/mail', `${script}.js`)
  const file = join(temporaryDirectory(scope(t)), 'request.json')
  writeFileSync(file, JSON.stringify(request))
  const { code, stdout, stderr } = await run(process.execPath, [path, file])
  t.is(code, 0, stderr.slice(-3000))
  return JSON.parse(String(stdout))
}

test.serial('tcp-socket and emailjs-tcp-socket 1 hand out mozTCPSocket itself', async (t) => {
  t.deepEqual(await ask(t, 'tcp-socket', {}), { 'tcp-socket': true, 'emailjs-tcp-socket': true })
})

// Every byte but NUL, which IMAP does not allow, and more of them than any buffer on the way holds.
const BLOB = randomBytes(1_500_000).map((byte) => byte || 1)
const UPLOAD = Buffer.from(BLOB.subarray(0, 400_000)).toString('latin1')

for (const { name, script, compresses, ...how } of IMAP) {
  const options = (more) => ({ auth: LOGIN, ca: CA, ...more })

  test.serial(`${name} reads and writes mail in the clear`, async (t) => {
    const server = await imapServer(scope(t), { message: BLOB })
    const request = { ...how, port: server.port, options: options({ ignoreTLS: true }), upload: 'short' }
    const seen = await ask(t, script, request)
    t.like(seen, { ours: true, ssl: false, compressed: false, errors: [] })
    t.true(Buffer.from(seen.body, 'base64').equals(BLOB))
    t.deepEqual(server.messages.map(String), ['short'])
    await server.served()
  })

  test.serial(`${name} upgrades with STARTTLS, and logs in after that`, async (t) => {
    const server = await imapServer(scope(t), { message: BLOB })
    const seen = await ask(t, script, { ...how, port: server.port, options: options({ requireTLS: true }) })
    t.like(seen, { ours: true, ssl: true, errors: [] })
    t.true(Buffer.from(seen.body, 'base64').equals(BLOB))
    t.deepEqual(
      server.commands.filter((command) => command.startsWith('plain') && !command.endsWith('CAPABILITY')),
      ['plain STARTTLS'],
    )
    t.true(server.commands.includes('tls LOGIN'))
    await server.served()
  })

  test.serial(`${name} reads and writes mail over TLS from the first byte`, async (t) => {
    const server = await imapServer(scope(t), { implicit: true, message: BLOB })
    const request = {
      ...how,
      port: server.port,
      options: options({ useSecureTransport: true }),
      upload: UPLOAD,
    }
    const seen = await ask(t, script, request)
    t.like(seen, { ours: true, ssl: true, errors: [] })
    t.true(Buffer.from(seen.body, 'base64').equals(BLOB))
    t.true(server.messages[0].equals(Buffer.from(UPLOAD, 'latin1')))
    await server.served()
  })

  if (compresses) {
    test.serial(`${name} changes its handlers for COMPRESS=DEFLATE, and nothing is lost`, async (t) => {
      const message = Buffer.from('0123456789abcdef\r\n'.repeat(30_000))
      const server = await imapServer(scope(t), { message })
      const request = {
        ...how,
        port: server.port,
        options: options({ enableCompression: true }),
        upload: 'x'.repeat(99_999),
      }
      const seen = await ask(t, script, request)
      t.like(seen, { ours: true, ssl: true, compressed: true, errors: [] })
      t.true(Buffer.from(seen.body, 'base64').equals(message))
      t.is(String(server.messages[0]), request.upload)
      await server.served()
    })
  }

  test.serial(`${name} learns that the server is gone, and its process ends`, async (t) => {
    const server = await imapServer(scope(t))
    const request = { ...how, port: server.port, options: options({ ignoreTLS: true }), hangUp: true }
    const seen = await ask(t, script, request)
    t.true(seen.ours)
    t.is(seen.body, null)
    // browserbox has `onclose` for that.
    t.is(seen.errors.length, script === 'browserbox' ? 0 : 1)
    // One of the two learnt to spell.
    for (const { message } of seen.errors) t.regex(message, /^Socket closed unex(cep|pec)tedly!$/)
    await server.served()
  })

  test.serial(`${name} sends no password to a server that it cannot verify`, async (t) => {
    const own = scope(t)
    for (const implicit of [false, true]) {
      const server = await imapServer(own, { implicit })
      const untrusting = options({ ca: undefined, requireTLS: true, useSecureTransport: implicit })
      const seen = await ask(t, script, { ...how, port: server.port, options: untrusting })
      t.is(seen.errors.length, 1)
      t.true(seen.errors[0].isError)
      if (script === 'browserbox') t.is(seen.errors[0].name, UNTRUSTED)
      t.is(seen.body, null)
      t.deepEqual(
        server.commands.filter((command) => command.startsWith('tls') || command.endsWith('LOGIN')),
        [],
      )
      await server.served()
    }
  })

  test.serial(`${name} tells that the connection was refused`, async (t) => {
    const seen = await ask(t, script, { ...how, port: await closedPort(), options: options() })
    t.is(seen.errors.length, 1)
    t.true(seen.errors[0].isError)
    // One hands on the error itself, the other puts its message into one of its own.
    if (script === 'browserbox') t.is(seen.errors[0].name, 'ConnectionRefusedError')
    else t.regex(seen.errors[0].message, /^Could not open socket: .*localhost/)
  })
}

// Dots at the start of lines and of pieces, and pieces on both sides of 64 KiB.
const PIECES = [
  '.first\r\n',
  '..second\r\n',
  `${'x'.repeat(70)}\r\n`.repeat(4000),
  '.\r\n',
  'y'.repeat(300_000),
  '\r\n.',
]

for (const { name, ...how } of SMTP) {
  const options = (more) => ({ auth: LOGIN, ca: CA, name: 'client.example.org', ...more })

  async function delivers(t, serverOptions, more, isSecure) {
    const server = await smtpServer(scope(t), serverOptions)
    const seen = await ask(t, 'smtp', { ...how, port: server.port, options: options(more), pieces: PIECES })
    t.like(seen, { ours: true, ssl: isSecure, errors: [], done: true })
    t.is(seen.waits, 2, 'it waits after each of the two large pieces')
    t.is(seen.drains, 2)
    const [{ envelope, body }] = server.messages
    t.deepEqual(envelope, [
      'MAIL FROM:<me@example.org>',
      'RCPT TO:<you@example.org>',
      'RCPT TO:<them@example.org>',
    ])
    t.true(body === PIECES.join(''))
    t.is(server.commands.at(-1), `${isSecure ? 'tls' : 'plain'} QUIT`)
    await server.served()
    return server
  }

  test.serial(`${name} delivers a message in the clear, and waits for drain`, async (t) => {
    await delivers(t, {}, { ignoreTLS: true }, false)
  })

  test.serial(`${name} upgrades with STARTTLS, and logs in after that`, async (t) => {
    const server = await delivers(t, {}, {}, true)
    t.deepEqual(server.commands.slice(0, 4), ['plain EHLO', 'plain STARTTLS', 'tls EHLO', 'tls AUTH'])
  })

  test.serial(`${name} delivers a message over TLS from the first byte`, async (t) => {
    await delivers(t, { implicit: true }, { useSecureTransport: true }, true)
  })

  test.serial(`${name} sends no password to a server that it cannot verify`, async (t) => {
    const own = scope(t)
    for (const implicit of [false, true]) {
      const server = await smtpServer(own, { implicit })
      const untrusting = options({ ca: undefined, useSecureTransport: implicit })
      const seen = await ask(t, 'smtp', { ...how, port: server.port, options: untrusting })
      t.like(seen.errors, [{ name: UNTRUSTED, isError: true }])
      t.is(seen.errors.length, 1)
      t.is(seen.done, null)
      t.deepEqual(server.commands, implicit ? [] : ['plain EHLO', 'plain STARTTLS'])
      await server.served()
    }
  })

  test.serial(`${name} tells that the connection was refused, and closes once`, async (t) => {
    const seen = await ask(t, 'smtp', { ...how, port: await closedPort(), options: options() })
    t.like(seen.errors, [{ name: 'ConnectionRefusedError', isError: true }])
    t.is(seen.errors.length, 1)
    t.is(seen.closes, 1)
  })
}
