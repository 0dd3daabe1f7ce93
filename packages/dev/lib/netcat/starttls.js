'use strict'

// How a client asks for TLS in each protocol, up to the server's consent. Each function gets a Dialogue, and resolves when the server has
// agreed and nothing else was read. It rejects with what the server said where that refuses. None logs in, or goes on after TLS.

const { describeError } = require('moz-tcp-socket/trace')
const { SaxesParser } = require('saxes')

const { Dialogue, Refusal } = require('./dialogue.js')

const XMPP_STREAMS = 'http://etherx.jabber.org/streams'
const XMPP_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'

/** What a server says, for a message: short, and without control characters. */
function quoted(text) {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function refused(what, reply) {
  return new Refusal(`the server refuses ${what}: ${quoted(reply)}`)
}

function notOffered(keyword) {
  return new Refusal(`the server does not offer ${keyword}`)
}

/** SMTP, RFC 3207, with the replies of RFC 5321 section 4.2.1. */
async function smtp(dialogue, { name }) {
  const greeting = await smtpReply(dialogue)
  if (greeting.code !== 220) throw refused('the connection', greeting.text)
  dialogue.say(`EHLO ${name}`)
  const ehlo = await smtpReply(dialogue)
  if (ehlo.code !== 250) throw refused('EHLO', ehlo.text)
  // The first line is the server's name.
  if (!ehlo.lines.slice(1).some((line) => /^STARTTLS\s*$/i.test(line))) throw notOffered('STARTTLS')
  dialogue.say('STARTTLS')
  const consent = await smtpReply(dialogue)
  if (consent.code !== 220) throw refused('STARTTLS', consent.text)
}

/** A reply of one line or several, all with the same code, the last without a hyphen: `{ code, lines, text }`. */
async function smtpReply(dialogue) {
  const lines = []
  let code
  for (;;) {
    const line = await dialogue.line()
    const [, digits, hyphen, rest] = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? []
    if (digits === undefined || (code !== undefined && digits !== code))
      throw new Refusal(`the server does not speak SMTP: ${quoted(line)}`)
    code = digits
    lines.push(rest ?? '')
    if (hyphen !== '-') return { code: Number(code), lines, text: `${code} ${lines.join(' ')}` }
  }
}

/** IMAP, RFC 9051 section 6.2.1. */
async function imap(dialogue) {
  const greeting = await dialogue.line()
  if (/^\* PREAUTH\b/i.test(greeting)) throw refused('TLS, since it has us logged in already', greeting)
  if (/^\* BYE\b/i.test(greeting)) throw refused('the connection', greeting)
  if (!/^\* OK\b/i.test(greeting)) throw new Refusal(`the server does not speak IMAP: ${quoted(greeting)}`)
  // Capabilities that were in the greeting are asked for again: not every server has them there.
  const untagged = await imapCommand(dialogue, 'A1', 'CAPABILITY')
  const isOffered = untagged.some((line) => /^\* CAPABILITY(?: .*)? STARTTLS(?: |$)/i.test(line))
  if (!isOffered) throw notOffered('STARTTLS')
  await imapCommand(dialogue, 'A2', 'STARTTLS')
}

/** Says a command. Resolves with the untagged responses when it is done. */
async function imapCommand(dialogue, tag, command) {
  dialogue.say(`${tag} ${command}`)
  const untagged = []
  for (;;) {
    const line = await dialogue.line()
    if (/^\* BYE\b/i.test(line)) throw refused(command, line)
    if (line.startsWith('* ')) {
      untagged.push(line)
      continue
    }
    const [, status] = new RegExp(`^${tag} (OK|NO|BAD)(?: |$)`, 'i').exec(line) ?? []
    if (status === undefined) throw new Refusal(`the server does not speak IMAP: ${quoted(line)}`)
    if (status.toUpperCase() !== 'OK') throw refused(command, line)
    return untagged
  }
}

/** POP3, RFC 2595 section 4, with the capabilities of RFC 2449, which old servers do not tell. */
async function pop3(dialogue) {
  await pop3Reply(dialogue, 'the connection')
  dialogue.say('CAPA')
  let capabilities
  try {
    await pop3Reply(dialogue, 'CAPA')
    capabilities = await dottedLines(dialogue)
  } catch (error) {
    if (!(error instanceof PopError)) throw error
  }
  if (capabilities && !capabilities.some((line) => /^STLS\s*$/i.test(line))) throw notOffered('STLS')
  dialogue.say('STLS')
  await pop3Reply(dialogue, 'STLS')
}

/** A negative reply of POP3. */
class PopError extends Refusal {}

async function pop3Reply(dialogue, what) {
  const line = await dialogue.line()
  if (/^-ERR\b/i.test(line)) throw new PopError(refused(what, line).message)
  if (!/^\+OK(?: |$)/i.test(line)) throw new Refusal(`the server does not speak POP3: ${quoted(line)}`)
}

/** Lines up to a dot alone. */
async function dottedLines(dialogue) {
  const lines = []
  for (;;) {
    const line = await dialogue.line()
    if (line === '.') return lines
    lines.push(line.startsWith('.') ? line.slice(1) : line)
  }
}

/** NNTP, RFC 4642. */
async function nntp(dialogue) {
  const greeting = await dialogue.line()
  if (!/^\d{3}\b/.test(greeting)) throw new Refusal(`the server does not speak NNTP: ${quoted(greeting)}`)
  if (!/^20[01]\b/.test(greeting)) throw refused('the connection', greeting)
  dialogue.say('CAPABILITIES')
  const reply = await dialogue.line()
  // Servers from before RFC 3977 do not know the command, and may know STARTTLS all the same.
  if (/^101\b/.test(reply)) {
    const capabilities = await dottedLines(dialogue)
    if (!capabilities.some((line) => /^STARTTLS\s*$/i.test(line))) throw notOffered('STARTTLS')
  } else if (!/^5\d\d\b/.test(reply)) {
    throw refused('CAPABILITIES', reply)
  }
  dialogue.say('STARTTLS')
  const consent = await dialogue.line()
  if (!/^382\b/.test(consent)) throw refused('STARTTLS', consent)
}

/** XMPP, RFC 6120 section 5.4. */
async function xmpp(dialogue, { domain }) {
  dialogue.send(
    `<?xml version='1.0'?><stream:stream to='${escapeXml(domain)}' version='1.0' xmlns='jabber:client' xmlns:stream='${XMPP_STREAMS}'>`,
  )
  const stream = new XmppStream(dialogue)
  const features = await stream.element()
  if (!is(features, XMPP_STREAMS, 'features')) throw refused('the stream', features.name)
  if (!features.children.some((child) => is(child, XMPP_TLS, 'starttls'))) throw notOffered('STARTTLS')
  dialogue.send(`<starttls xmlns='${XMPP_TLS}'/>`)
  const consent = await stream.element()
  if (!is(consent, XMPP_TLS, 'proceed')) throw refused('STARTTLS', consent.name)
}

const is = ({ uri, local }, wantedUri, wantedLocal) => uri === wantedUri && local === wantedLocal

function escapeXml(text) {
  return text.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The elements directly below the root of a server's stream, one by one; not one byte more than the element is read. */
class XmppStream {
  #dialogue
  #parser = new SaxesParser({ xmlns: true })
  #open = []
  #ready = null
  #error = null

  constructor(dialogue) {
    this.#dialogue = dialogue
    this.#parser.on('opentag', ({ uri, local, name }) => this.#onOpen({ uri, local, name, children: [] }))
    this.#parser.on('closetag', () => this.#onClose())
    this.#parser.on('error', (error) => (this.#error ??= error))
    // A stream has none (RFC 6120 section 11.1), and one could define entities.
    this.#parser.on('doctype', () => (this.#error ??= new Error('it has a document type')))
  }

  #onOpen(element) {
    if (this.#open.length === 0 && !is(element, XMPP_STREAMS, 'stream'))
      this.#error ??= new Error(`it begins with ${element.name}`)
    this.#open.at(-1)?.children.push(element)
    this.#open.push(element)
  }

  #onClose() {
    const element = this.#open.pop()
    if (this.#open.length === 1) this.#ready = element
    if (this.#open.length === 0) this.#error ??= new Error('it has ended')
  }

  async element() {
    while (this.#ready === null) {
      this.#parser.write(await this.#dialogue.character())
      if (this.#error) throw new Refusal(`the server sends no stream of XMPP: ${quoted(this.#error.message)}`)
    }
    const element = this.#ready
    this.#ready = null
    return element
  }
}

const PROTOCOLS = { __proto__: null, smtp, imap, pop3, xmpp, nntp }

/**
 * Speaks `protocol` on `socket`, which is open, of binary type "arraybuffer" and without handlers, until the server agrees to TLS, and starts
 * that. `domain` is what the server is asked for. Rejects with what is the matter.
 */
async function startTls(socket, protocol, domain) {
  const dialogue = new Dialogue(socket)
  try {
    const address = socket.localAddress
    // An address literal of RFC 5321 section 4.1.3: this machine may have no name that anybody knows.
    const name = address.includes(':') ? `[IPv6:${address.split('%')[0]}]` : `[${address}]`
    await PROTOCOLS[protocol](dialogue, { domain, name })
    dialogue.finish()
    // In the turn in which the consent was read: nothing can be received in between.
    socket.upgradeToSecure()
  } catch (error) {
    if (error instanceof Refusal) throw new Error(`STARTTLS: ${error.message}`, { cause: error })
    throw new Error(error.errorCode === undefined ? error.message : describeError(error), { cause: error })
  } finally {
    dialogue.leave()
  }
}

module.exports = { PROTOCOLS: Object.keys(PROTOCOLS), startTls }
