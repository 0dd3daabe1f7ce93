'use strict'

// STARTTLS of `connect`: against servers that others wrote, and against scripted ones that do what a server must not.

const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const tls = require('node:tls')

const test = require('ava')

const { serialWhere } = require('../../../../__test__/helpers/needs.js')
const { makePki } = require('../../../../__test__/helpers/pki.js')
const { startCli } = require('../helpers/cli.js')
const { lacking, startDovecot } = require('../helpers/dovecot.js')

const pki = makePki()
const files = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-starttls-'))
for (const name of ['ca', 'cert', 'key']) writeFileSync(join(files, name), pki[name])
test.after.always(() => rmSync(files, { recursive: true, force: true }))
const file = (name) => join(files, name)

/** `socket`'s input line by line, without what belongs to TLS. */
function reader(socket) {
  let text = ''
  let wake = () => {}
  const onData = (bytes) => {
    text += bytes.toString('latin1')
    wake()
  }
  socket.on('data', onData)
  return {
    /** Resolves with everything up to `mark`. */
    async until(mark) {
      for (;;) {
        const at = text.indexOf(mark)
        if (at >= 0) {
          const found = text.slice(0, at + mark.length)
          text = text.slice(at + mark.length)
          return found
        }
        await new Promise((resolve) => (wake = resolve))
      }
    },
    leave: () => socket.off('data', onData),
  }
}

/** A server that plays `script(peer)` with its first client; `peer` has `say`, `line`, `until` and `secure`. Its port. */
async function scripted(t, script) {
  const server = net.createServer()
  server.on('connection', (socket) => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    const read = reader(socket)
    const peer = {
      socket,
      say: (...lines) => socket.write(lines.map((line) => `${line}\r\n`).join('')),
      line: async () => (await read.until('\r\n')).trimEnd(),
      until: read.until,
      /** Begins TLS, and echoes what comes, once. */
      secure() {
        read.leave()
        const secured = new tls.TLSSocket(socket, { isServer: true, cert: pki.cert, key: pki.key })
        secured.on('error', () => {})
        secured.once('data', (bytes) => secured.end(`secured: ${bytes}`))
      },
    }
    script(peer).catch((error) => socket.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  await once(server, 'listening')
  return server.address().port
}

const starttls = (t, protocol, port, { input = 'hello', more = [] } = {}) =>
  startCli(t, ['connect', 'localhost', port, '--starttls', protocol, '--ca', file('ca'), ...more], { input })
    .ended

/** What each protocol says when all is well, as a server's script up to its consent, or without what it offers. */
const SCRIPTS = {
  async smtp({ say, line }, offer, consent) {
    say('220-mail.test', '220 ready')
    const ehlo = await line()
    say('250-mail.test greets you', '250-PIPELINING', ...(offer ? ['250-starttls'] : []), '250 8BITMIME')
    const command = offer ? await line() : ''
    if (offer) say(...consent)
    return [ehlo, command]
  },
  async imap({ say, line }, offer, consent) {
    say('* OK [CAPABILITY IMAP4rev1] ready')
    const capability = await line()
    say(`* CAPABILITY IMAP4rev1${offer ? ' STARTTLS' : ' XSTARTTLS'} LOGINDISABLED`, 'A1 OK done')
    const command = offer ? await line() : ''
    if (offer) say(...consent)
    return [capability, command]
  },
  async pop3({ say, line }, offer, consent) {
    say('+OK ready')
    const capa = await line()
    say('+OK capabilities', 'TOP', ...(offer ? ['STLS'] : []), 'UIDL', '.')
    const command = offer ? await line() : ''
    if (offer) say(...consent)
    return [capa, command]
  },
  async nntp({ say, line }, offer, consent) {
    say('201 no posting')
    const capabilities = await line()
    say('101 capabilities', 'VERSION 2', ...(offer ? ['STARTTLS'] : []), '.')
    const command = offer ? await line() : ''
    if (offer) say(...consent)
    return [capabilities, command]
  },
  async xmpp({ socket, until }, offer, consent) {
    const header = await until('>').then(async (declaration) => declaration + (await until('>')))
    socket.write(
      "<?xml version='1.0'?><s:stream id='ü' from='localhost' version='1.0' xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>",
    )
    const feature = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
    socket.write(`<s:features>${offer ? feature : '<starttls/>'}<mechanisms xmlns='x'/></s:features>`)
    const command = offer ? await until('/>') : ''
    if (offer) socket.write(consent.join(''))
    return [header, command]
  },
}

const CONSENT = {
  smtp: ['220 go ahead'],
  imap: ['* OK by the way', 'A2 OK begin'],
  pop3: ['+OK begin'],
  nntp: ['382 continue'],
  xmpp: ["<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
}
const SAID = {
  smtp: ['EHLO [127.0.0.1]', 'STARTTLS'],
  imap: ['A1 CAPABILITY', 'A2 STARTTLS'],
  pop3: ['CAPA', 'STLS'],
  nntp: ['CAPABILITIES', 'STARTTLS'],
}
const NO = {
  smtp: ['454 TLS not available', '454-not', '454 now'],
  imap: ['A2 NO not now'],
  pop3: ['-ERR not now'],
  nntp: ['580 not now'],
  xmpp: ["<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
}
const KEYWORD = { smtp: 'STARTTLS', imap: 'STARTTLS', pop3: 'STLS', nntp: 'STARTTLS', xmpp: 'STARTTLS' }

for (const protocol of Object.keys(SCRIPTS)) {
  test.serial(
    `${protocol}: TLS follows the server's consent, and the input goes out encrypted`,
    async (t) => {
      let said
      const port = await scripted(t, async (peer) => {
        said = await SCRIPTS[protocol](peer, true, CONSENT[protocol])
        peer.secure()
      })
      const { stdout, stderr, status } = await starttls(t, protocol, port, { more: ['--trace'] })
      t.is(String(stdout), 'secured: hello', stderr)
      t.regex(stderr, /upgrade to TLS\n[^]*TLS: TLSv1\.3/)
      t.regex(stderr, /subject CN=localhost/)
      if (SAID[protocol]) t.deepEqual(said, SAID[protocol])
      else {
        t.regex(said[0], /<stream:stream to='localhost' version='1.0' xmlns='jabber:client'/)
        t.is(said[1], "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
      }
      t.is(status, 0)
    },
  )

  test.serial(
    `${protocol}: a server that does not offer it is not asked, and nothing goes out in the clear`,
    async (t) => {
      let leaked = ''
      const port = await scripted(t, async (peer) => {
        await SCRIPTS[protocol](peer, false)
        peer.socket.on('data', (bytes) => (leaked += bytes))
      })
      const { stdout, stderr, status } = await starttls(t, protocol, port)
      t.is(stderr, `moz-tcp-socket: STARTTLS: the server does not offer ${KEYWORD[protocol]}\n`)
      t.is(status, 1)
      t.is(String(stdout), '')
      t.is(leaked, '')
    },
  )

  test.serial(
    `${protocol}: a refusal is shown in the server's words, and nothing goes out in the clear`,
    async (t) => {
      let leaked = ''
      const port = await scripted(t, async (peer) => {
        await SCRIPTS[protocol](peer, true, NO[protocol])
        peer.socket.on('data', (bytes) => (leaked += bytes))
      })
      const { stderr, status } = await starttls(t, protocol, port)
      t.regex(
        stderr,
        /^moz-tcp-socket: STARTTLS: the server refuses (?:STARTTLS|STLS): ".*(?:not|failure).*"\n$/,
      )
      t.is(status, 1)
      t.is(leaked, '')
    },
  )

  test.serial(`${protocol}: what comes in the clear behind the consent is refused`, async (t) => {
    const port = await scripted(t, async (peer) => {
      const consent = CONSENT[protocol].join('\r\n')
      await SCRIPTS[protocol](
        { ...peer, say: (...lines) => peer.socket.write(`${lines.join('\r\n')}\r\n`) },
        true,
        [protocol === 'xmpp' ? `${consent}<iq/>` : `${consent}\r\n250 injected`],
      )
    })
    const { stdout, stderr, status } = await starttls(t, protocol, port)
    t.regex(stderr, /the server sent \d+ bytes in the clear after its consent to TLS/)
    t.is(status, 1)
    t.is(String(stdout), '')
  })

  test.serial(
    `${protocol}: a server that hangs up, or says something else, is an error that says so`,
    async (t) => {
      const gone = await scripted(t, async ({ socket }) => {
        socket.end()
      })
      const ended = await starttls(t, protocol, gone)
      t.regex(ended.stderr, /STARTTLS: the server closed the connection before TLS/)
      t.is(ended.status, 1)
      const strange = await scripted(t, async ({ say }) => {
        say('SSH-2.0-strange \u001b[31m')
      })
      const { stderr, status } = await starttls(t, protocol, strange)
      t.regex(stderr, /STARTTLS: the server (?:does not speak|sends no stream of) \w+: "/)
      t.false(stderr.includes('\u001b'))
      t.is(status, 1)
    },
  )
}

test.serial('imap: a server that has the client logged in already, or says BYE, is refused', async (t) => {
  for (const [greeting, pattern] of [
    ['* PREAUTH welcome', /refuses TLS, since it has us logged in already: "\* PREAUTH welcome"/],
    ['* BYE too busy', /refuses the connection: "\* BYE too busy"/],
  ]) {
    const port = await scripted(t, async ({ say }) => {
      say(greeting)
    })
    const { stderr, status } = await starttls(t, 'imap', port)
    t.regex(stderr, pattern)
    t.is(status, 1)
  }
})

test.serial('smtp: lines of one reply with different codes are no reply', async (t) => {
  const port = await scripted(t, async ({ say }) => {
    say('220-mail', '250 ready')
  })
  t.regex((await starttls(t, 'smtp', port)).stderr, /does not speak SMTP: "250 ready"/)
})

test.serial('pop3 and nntp: servers that tell no capabilities are asked all the same', async (t) => {
  for (const [protocol, greeting, unknown, consent] of [
    ['pop3', '+OK ready', '-ERR unknown command', '+OK begin'],
    ['nntp', '200 ready', '500 unknown command', '382 continue'],
  ]) {
    const port = await scripted(t, async ({ say, line, secure }) => {
      say(greeting)
      await line()
      say(unknown)
      await line()
      say(consent)
      secure()
    })
    t.is(String((await starttls(t, protocol, port)).stdout), 'secured: hello')
  }
})

test.serial('xmpp: a document type and a stream error are refused', async (t) => {
  for (const [text, pattern] of [
    ['<!DOCTYPE x [<!ENTITY a "b">]>', /document type/],
    [
      "<s:stream xmlns:s='http://etherx.jabber.org/streams'><s:error><host-unknown/></s:error>",
      /refuses the stream: "s:error"/,
    ],
    ["<stream xmlns='urn:other'>", /begins with stream/],
  ]) {
    const port = await scripted(t, async ({ socket }) => {
      socket.write(text)
    })
    const { stderr, status } = await starttls(t, 'xmpp', port)
    t.regex(stderr, pattern)
    t.is(status, 1)
  }
})

test.serial('a line without an end is not waited for for ever', async (t) => {
  const port = await scripted(t, async ({ socket }) => {
    socket.write('x'.repeat(10_000))
  })
  const { stderr, status } = await starttls(t, 'smtp', port)
  t.regex(stderr, /a line of more than 8192 bytes/)
  t.is(status, 1)
})

test.serial('a certificate of a stranger after the consent is a failure with its name', async (t) => {
  const port = await scripted(t, async (peer) => {
    await SCRIPTS.smtp(peer, true, CONSENT.smtp)
    peer.secure()
  })
  const { stderr, status } = await startCli(t, ['connect', 'localhost', port, '--starttls', 'smtp']).ended
  t.regex(stderr, /SecurityUntrustedCertificateIssuerError/)
  t.is(status, 1)
})

// A server that others wrote.

const missing = lacking()
const withDovecot = serialWhere(test, !missing, missing)
let dovecot
if (!missing) {
  test.before(async () => {
    dovecot = await startDovecot(pki)
  })
  test.after.always(() => dovecot?.stop())
}

for (const [protocol, logout, answer] of [
  ['imap', 'x1 LOGOUT\n', /^\* BYE .*\r\nx1 OK /],
  ['pop3', 'QUIT\n', /^\+OK .*\r\n$/],
]) {
  withDovecot(`${protocol}: Dovecot takes a command after STARTTLS`, async (t) => {
    const more = ['--crlf', '--trace']
    const { stdout, stderr, status } = await starttls(t, protocol, dovecot[protocol], { input: logout, more })
    t.regex(String(stdout), answer, stderr)
    t.regex(stderr, /subject CN=localhost/)
    t.is(status, 0)
  })
}
