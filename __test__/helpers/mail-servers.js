'use strict'

// Mail servers of one mailbox, on node:net and node:tls: as much IMAP and SMTP as the mail clients of npm speak, with
// STARTTLS, and DEFLATE for IMAP. They keep what they were told.

const { createDeflateRaw, createInflateRaw, constants } = require('node:zlib')

const { secure, tlsServer } = require('./tls-peers.js')

const LOGIN = { user: 'reader@example.org', pass: 'pass "word" \\' }

/** A connection as a protocol sees it: lines and blocks from `input`, answers to `output`; TLS may get in between. */
class Session {
  constructor(socket, secured) {
    this.raw = socket
    this.secured = secured
    this.attach(socket, socket)
  }

  attach(input, output) {
    this.input = input
    this.output = output
    for (const stream of new Set([input, output])) stream.on('error', () => {})
  }

  say(...lines) {
    this.output.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1')
  }

  /** Resolves with what comes before `mark`, or with null when the peer ends. */
  until(mark) {
    return this.#take((bytes) => {
      const at = bytes.indexOf(mark)
      return at < 0 ? undefined : [bytes.subarray(0, at), at + mark.length]
    })
  }

  /** Resolves with one line, or with null when the peer ends. */
  async line() {
    return (await this.until('\r\n'))?.toString('latin1') ?? null
  }

  /** Resolves with `count` bytes, or with null when the peer ends. */
  block(count) {
    return this.#take((bytes) => (bytes.length < count ? undefined : [bytes.subarray(0, count), count]))
  }

  async #take(find) {
    const { input } = this
    let chunks = []
    for (;;) {
      let chunk
      while ((chunk = input.read()) !== null) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const found = find(bytes)
      if (found) {
        const [wanted, used] = found
        if (used < bytes.length) input.unshift(bytes.subarray(used))
        return wanted
      }
      chunks = [bytes]
      if (input.readableEnded || input.destroyed) return null
      await new Promise((resolve) => {
        const events = ['readable', 'end', 'close']
        const wake = () => {
          for (const event of events) input.off(event, wake)
          resolve()
        }
        for (const event of events) input.on(event, wake)
      })
    }
  }

  startTls() {
    const session = secure(this.raw)
    this.attach(session, session)
    this.secured = true
  }

  startDeflate() {
    const flush = constants.Z_SYNC_FLUSH
    const [inflate, deflate] = [createInflateRaw({ flush }), createDeflateRaw({ flush })]
    const { input, output } = this
    input.pipe(inflate)
    deflate.pipe(output)
    this.attach(inflate, deflate)
  }
}

/** Runs `serve(session, server)` for each connection: `{ port, commands, served() }`. */
async function mailServer(own, { implicit = false }, serve) {
  const server = { commands: [], messages: [] }
  const ends = []
  const begin = (socket) => {
    ends.push(serve(new Session(socket, implicit), server))
  }
  const listening = implicit ? await tlsServer(own, 'good', {}, begin) : await own.netServer({}, begin)
  server.port = listening.port
  /** Resolves when the server is done with every client. */
  server.served = () => Promise.all(ends)
  return server
}

/** An IMAP server with `message` as the only one in its INBOX; uploads go to `messages`. */
function imapServer(own, { message = Buffer.from('none'), ...options } = {}) {
  return mailServer(own, options, (session, server) => serveImap(session, server, message))
}

async function serveImap(session, server, message) {
  const capability = () => `CAPABILITY IMAP4rev1 COMPRESS=DEFLATE ID${session.secured ? '' : ' STARTTLS'}`
  session.say('* OK ready')
  for (let line; (line = await session.line()) !== null;) {
    const [, tag, command, rest] = /^(\S+) (\S+) ?(.*)$/s.exec(line)
    const name = command.toUpperCase()
    server.commands.push(`${session.secured ? 'tls' : 'plain'} ${name}`)
    const done = (text = 'done') => session.say(`${tag} OK ${text}`)
    if (name === 'CAPABILITY') session.say(`* ${capability()}`)
    if (name === 'ID') session.say('* ID NIL')
    if (name === 'SELECT') session.say('* 1 EXISTS', '* FLAGS (\\Seen)', '* OK [UIDVALIDITY 1] fine')
    if (name === 'STARTTLS') {
      done('begin')
      session.startTls()
    } else if (name === 'COMPRESS') {
      done('deflate')
      session.startDeflate()
    } else if (name === 'LOGIN') {
      const quoted = [LOGIN.user, LOGIN.pass].map((text) => JSON.stringify(text)).join(' ')
      session.say(rest === quoted ? `${tag} OK welcome` : `${tag} NO who are you`)
    } else if (name === 'APPEND') {
      const [, size] = /\{(\d+)\}$/.exec(rest)
      session.say('+ go on')
      server.messages.push(await session.block(Number(size)))
      await session.line()
      done()
    } else if (name === 'FETCH') {
      session.output.write(`* 1 FETCH (UID 7 BODY[] {${message.length}}\r\n`)
      session.output.write(message)
      session.say(')')
      done()
    } else if (name === 'IDLE') {
      session.say('+ idling')
      await session.line()
      done()
    } else if (name === 'XHANGUP') {
      session.raw.destroy()
    } else if (name === 'LOGOUT') {
      session.say('* BYE see you')
      done()
      // Clients differ in who closes first; the end of the server is right for both.
      session.output.end()
    } else {
      done()
    }
  }
}

/** An SMTP server; what it accepts goes to `messages`, as `{ envelope, body }`, with the dots of the wire taken away. */
function smtpServer(own, options = {}) {
  return mailServer(own, options, serveSmtp)
}

async function serveSmtp(session, server) {
  const token = Buffer.from(`\0${LOGIN.user}\0${LOGIN.pass}`).toString('base64')
  let envelope = []
  session.say('220 mail.example.org ready')
  for (let line; (line = await session.line()) !== null;) {
    const name = line.split(' ', 1)[0].toUpperCase()
    server.commands.push(`${session.secured ? 'tls' : 'plain'} ${name}`)
    if (name === 'EHLO') {
      session.say('250-mail.example.org', ...(session.secured ? [] : ['250-STARTTLS']), '250 AUTH PLAIN')
    } else if (name === 'STARTTLS') {
      session.say('220 go ahead')
      session.startTls()
    } else if (name === 'AUTH') {
      session.say(line === `AUTH PLAIN ${token}` ? '235 welcome' : '535 who are you')
    } else if (name === 'MAIL' || name === 'RCPT') {
      envelope.push(line)
      session.say('250 fine')
    } else if (name === 'DATA') {
      session.say('354 go on')
      const stuffed = await session.until('\r\n.\r\n')
      if (stuffed === null) return
      const body = stuffed.toString('latin1').replace(/^\./gm, '')
      server.messages.push({ envelope, body })
      envelope = []
      session.say('250 queued')
    } else if (name === 'QUIT') {
      session.say('221 see you')
      session.output.end()
    } else {
      session.say('500 what')
    }
  }
}

module.exports = { LOGIN, imapServer, smtpServer }
