'use strict'

// The demo with a URL, at servers that are wrong, old or hostile: it tells what happened, and succeeds only when all
// digests agree.

const { createHash } = require('node:crypto')
const { spawnSync } = require('node:child_process')

const test = require('ava')

const { runDemo } = require('./fixtures/demo/run.js')
const { serialWhere } = require('./helpers/needs.js')
const { closedPort, scope } = require('./helpers/sockets.js')

/** Lines with dots, lone CRs and LFs, all of which could be taken for an end of the message. */
const MESSAGE = '.\r\n.a\r\n\r\nx\ry\n.\r\n.\r\r\n..\r\nlast\r\n'
const TRAVELLING = '..\r\n..a\r\n\r\nx\ry\n.\r\n..\r\r\n...\r\nlast\r\n.\r\n'
const SHA256 = createHash('sha256').update(MESSAGE).digest('hex')

/** What a modest server answers, by command. */
const MODEST = {
  CAPA: '-ERR what is that?\r\n',
  USER: '+OK\r\n',
  PASS: '+OK\r\n',
  STAT: `+OK 1 ${MESSAGE.length}\r\n`,
  LIST: `+OK\r\n1 ${MESSAGE.length}\r\n.\r\n`,
  RETR: `+OK\r\n${TRAVELLING}`,
  QUIT: (socket) => socket.end('+OK\r\n'),
}

/** Serves `answers`, strings or functions of the socket and the session's number; resolves with the URL. */
async function serve(t, answers, { greeting = '+OK ready\r\n', host = '127.0.0.1' } = {}) {
  let sessions = 0
  const seen = []
  const { port } = await scope(t).netServer({}, (socket) => {
    const session = ++sessions
    socket.write(greeting)
    let input = ''
    socket.on('data', (data) => {
      input += data.toString('latin1')
      for (let end; (end = input.indexOf('\r\n')) !== -1; input = input.slice(end + 2)) {
        const verb = input.slice(0, end).split(' ')[0]
        seen.push(verb)
        const answer = answers[verb]
        if (typeof answer === 'string') socket.write(answer, 'latin1')
        else answer?.(socket, session)
      }
    })
  })
  return { url: `pop3://reader:hush@${host}:${port}`, seen }
}

/** Resolves with the output of a demo that fails, in the way it should. */
async function fails(t, url, message, options = []) {
  const { code, signal, out, err } = await runDemo(t, [url, ...options])
  t.deepEqual({ code, signal, err }, { code: 1, signal: null, err: '' }, out)
  t.regex(out, message)
  t.notRegex(out, /hush/)
  return out
}

test.serial(
  'a server without CAPA and UIDL is served too, without encryption on the loopback interface',
  async (t) => {
    const { url, seen } = await serve(t, MODEST)
    const { code, out } = await runDemo(t, [url, '--digests'])
    t.is(code, 0, out)
    t.regex(out, /WARNING: the server offers no STLS/)
    t.regex(out, new RegExp(`${SHA256} +${MESSAGE.length} +#1\n`))
    t.regex(out, /1 of 1 have as many octets as LIST says/)
    t.regex(out, /1 of 1 messages have the same SHA-256 as before/)
    const session = ['CAPA', 'USER', 'PASS', 'STAT', 'LIST', 'RETR', 'QUIT']
    t.deepEqual(seen, [...session, ...session])
  },
)

test.serial('a message may come byte by byte', async (t) => {
  const { url } = await serve(t, {
    ...MODEST,
    RETR(socket) {
      const answer = Buffer.from(MODEST.RETR, 'latin1')
      let at = 0
      const next = () => {
        if (at < answer.length) socket.write(answer.subarray(at, ++at), () => setImmediate(next))
      }
      next()
    },
  })
  const { code, out } = await runDemo(t, [url, '--digests'])
  t.is(code, 0, out)
  t.regex(out, new RegExp(`${SHA256} +${MESSAGE.length} +#1\n`))
})

test.serial('an empty mailbox is fine', async (t) => {
  const { url } = await serve(t, { ...MODEST, STAT: '+OK 0 0\r\n', LIST: '+OK\r\n.\r\n' })
  const { code, out } = await runDemo(t, [url])
  t.is(code, 0, out)
  t.regex(out, /the mailbox is empty/)
})

test.serial('octets other than announced are told, and no failure', async (t) => {
  const { url } = await serve(t, { ...MODEST, LIST: '+OK\r\n1 5\r\n.\r\n' })
  const { code, out } = await runDemo(t, [url])
  t.is(code, 0, out)
  t.regex(out, /1 have not as many octets as LIST says/)
})

test.serial('the demo fails when a message is another one the second time', async (t) => {
  const { url } = await serve(t, {
    ...MODEST,
    RETR: (socket, session) => socket.write(`+OK\r\nsession ${session}\r\n.\r\n`),
  })
  await fails(t, url, /✗ 0 of 1 messages have the same SHA-256 as before/)
})

test.serial('the demo fails when a message is gone the second time', async (t) => {
  const { url } = await serve(t, {
    ...MODEST,
    LIST: (socket, session) => socket.write(session === 1 ? MODEST.LIST : '+OK\r\n.\r\n'),
  })
  await fails(t, url, /✗ 0 of 1 messages have the same SHA-256 as before/)
})

test.serial('a refused connection is reported', async (t) => {
  await fails(t, `pop3://reader:hush@127.0.0.1:${await closedPort()}`, /✗ ConnectionRefusedError: .*refused/)
})

test.serial(
  'a wrong password is reported, and what the server says about it cannot drive the terminal',
  async (t) => {
    const { url } = await serve(t, { ...MODEST, PASS: '-ERR [AUTH] no\u001b[31m\r\n' })
    const out = await fails(t, url, /✗ LoginError: The server says: -ERR \[AUTH\] no\?\[31m/)
    t.notRegex(out, /\u001b/)
  },
)

test.serial('a server that closes amid a message is reported', async (t) => {
  const { url } = await serve(t, { ...MODEST, RETR: (socket) => socket.end('+OK\r\nhalf of i') })
  await fails(t, url, /✗ ClosedError/)
})

test.serial('a server that resets the connection is reported', async (t) => {
  const { url } = await serve(t, { ...MODEST, STAT: (socket) => socket.resetAndDestroy() })
  await fails(t, url, /✗ NetworkError/)
})

test.serial('a server that says nothing is reported', async (t) => {
  const { url } = await serve(t, {}, { greeting: '' })
  const out = await fails(t, url, /✗ SilenceError: .* for 1 seconds/, ['--timeout', '1'])
  t.regex(out, /should it be pop3s:/)
})

test.serial('a server that says nothing amid a message is reported', async (t) => {
  const { url } = await serve(t, { ...MODEST, RETR: '+OK\r\nhalf of i' })
  await fails(t, url, /✗ SilenceError/, ['--timeout', '1'])
})

test.serial('another protocol is reported', async (t) => {
  const { url } = await serve(t, {}, { greeting: '220 smtp.example.org ESMTP\r\n' })
  await fails(t, url, /✗ ProtocolError: This is not an answer of POP3: 220 smtp/)
})

test.serial('an endless line is reported', async (t) => {
  const { url } = await serve(t, {}, { greeting: 'x'.repeat(100_000) })
  await fails(t, url, /✗ ProtocolError: .*line without end/)
})

test.serial('TLS spoken to a server that has none is reported', async (t) => {
  const { url } = await serve(t, {})
  await fails(t, url.replace('pop3:', 'pop3s:'), /✗ Security\w*Error/)
})

test.serial('what comes in the clear along with the answer to STLS is not taken for encrypted', async (t) => {
  const { url, seen } = await serve(t, {
    CAPA: '+OK\r\nSTLS\r\n.\r\n',
    STLS: '+OK go ahead\r\n+OK\r\nSASL\r\n.\r\n',
  })
  await fails(t, url, /✗ ProtocolError: .*in the clear/)
  t.deepEqual(seen, ['CAPA', 'STLS'])
})

// 0.0.0.0 leads to this machine, but not on Windows.
const elsewhere = process.platform === 'win32' ? test.skip : test.serial

elsewhere('without STLS the password is not sent beyond the loopback interface', async (t) => {
  const { url, seen } = await serve(t, MODEST, { host: '0.0.0.0' })
  const out = await fails(t, url, /✗ NoStlsError/)
  t.regex(out, /--allow-plain/)
  t.deepEqual(seen, ['CAPA'])
})

elsewhere('--allow-plain sends it all the same', async (t) => {
  const { url } = await serve(t, MODEST, { host: '0.0.0.0' })
  const { code, out } = await runDemo(t, [url, '--allow-plain'])
  t.is(code, 0, out)
  t.regex(out, /WARNING: the server offers no STLS/)
})

// util-linux; the BSD command of that name takes other options.
const hasTerminal = !spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status
const onTerminal = serialWhere(test, hasTerminal, 'the script command of util-linux')

for (const [what, env, colour] of [
  ['a bar and colours', { NO_COLOR: '' }, true],
  ['a bar, and no colours where NO_COLOR is set', { NO_COLOR: '1' }, false],
]) {
  onTerminal(`on a terminal the demo draws ${what}`, async (t) => {
    const { url } = await serve(t, MODEST)
    const { code, out } = await runDemo(t, [url], { onTerminal: true, env: { TERM: 'xterm', ...env } })
    t.is(code, 0, out)
    t.regex(out, /\r\u001b\[K.*█{20}.* 100 %/)
    t.is(/\u001b\[\d+m/.test(out), colour)
  })
}
