'use strict'

// The demo without a URL: the app reads one mailbox of an embedded server over three kinds of connection.

const { makeCertificates } = require('../server/certificate.js')
const { serve } = require('../server/listeners.js')
const { makeMailbox } = require('../server/mailbox.js')
const { check, octetsOf } = require('./check.js')
const { bad, explain, good, printDigests, say, size, speed, table, title } = require('./terminal.js')

const MAILBOX = { seed: 2013, count: 320, largest: 53_000_000 }

/** True when all went as it should. */
async function embeddedDemo({ digests }) {
  title('The mail server, in this process')
  const mailbox = makeMailbox(MAILBOX)
  const largest = mailbox[Math.ceil((mailbox.length * 2) / 3) - 1]
  const all = size(mailbox.reduce((sum, { bytes }) => sum + bytes.length, 0))
  good(`made up ${mailbox.length} messages, ${all}; the largest has ${size(largest.bytes.length)}`)
  const certificates = makeCertificates(['127.0.0.1', 'localhost'])
  good('made a certificate authority, and a certificate for 127.0.0.1')
  const login = { user: 'reader@example.org', password: 'firefox os' }
  const server = await serve({ ...login, messages: mailbox }, certificates)
  good(
    `listening: port ${server.plain} (plain, a TCPServerSocket), ${server.stls} (STLS), ${server.tls} (TLS)`,
  )

  const common = { ...login, host: server.host, ca: certificates.ca, patience: 30 }
  const connections = [
    {
      name: 'plain',
      heading: '1. Plain, binaryType "string"',
      about: 'Both ends are sockets of this package. Each character of a data event is a byte.',
      account: { ...common, port: server.plain, security: 'none', binaryType: 'string' },
    },
    {
      name: 'STLS',
      heading: '2. STLS, binaryType "arraybuffer"',
      about: 'Begins in the clear; upgradeToSecure() turns the open connection into TLS before the login.',
      account: { ...common, port: server.stls, security: 'starttls', binaryType: 'arraybuffer' },
    },
    {
      name: 'TLS',
      heading: '3. Implicit TLS, binaryType "arraybuffer"',
      about: 'useSecureTransport: true. The server is trusted by the option "ca".',
      account: { ...common, port: server.tls, security: 'tls', binaryType: 'arraybuffer' },
    },
  ]
  const rows = [['connection', 'binaryType', 'messages', 'bytes', 'time', 'speed', 'SHA-256']]
  let fine = true
  try {
    for (const { name, heading, about, account } of connections) {
      title(heading)
      explain(about)
      const waitsBefore = server.waits()
      const report = await check(account, { rows: rows.length === 1 ? 3 : 1 })
      const same = compare(report, mailbox, account.security !== 'none')
      fine &&= same
      explain(`The app suspended the socket ${report.suspensions} times, while it stored what it had.`)
      explain(
        `The server filled its send buffer ${server.waits() - waitsBefore} times, and went on at "drain".`,
      )
      rows.push(row(name, account.binaryType, report, same))
      if (digests && name === 'TLS') printDigests(report.messages)
    }
    fine = (await refuseStranger({ ...connections[2].account, ca: undefined })) && fine
  } finally {
    server.close()
  }

  title('Result')
  table(rows)
  say()
  explain(`The largest message, ${size(largest.bytes.length)}, has the SHA-256`)
  explain(largest.sha256)
  if (fine) good(`all ${3 * mailbox.length} messages arrived as they are on the server`)
  else bad('NOT all messages arrived as they are on the server')
  return fine
}

function compare({ messages, secure }, mailbox, wantSecure) {
  const wrong = mailbox.filter(({ sha256 }, index) => messages[index]?.sha256 !== sha256)
  const count = `${mailbox.length - wrong.length} of ${mailbox.length} SHA-256 digests are those of the server`
  const same = wrong.length === 0 && messages.length === mailbox.length && secure === wantSecure
  if (same) good(count)
  else bad(`${count}; different: ${wrong.map(({ number }) => number).join(', ') || 'the number of messages'}`)
  return same
}

function row(name, binaryType, report, same) {
  const { messages, milliseconds } = report
  const octets = octetsOf(messages)
  const seconds = `${(milliseconds / 1000).toFixed(2)} s`
  const count = String(messages.length)
  return [
    name,
    binaryType,
    count,
    size(octets),
    seconds,
    speed(octets, milliseconds),
    same ? 'equal' : 'DIFFERENT',
  ]
}

/** The same server once more, without a reason to trust it: nothing may reach it. */
async function refuseStranger(account) {
  title('4. The same TLS server, its authority not trusted')
  explain('The app must get an error, and must not have sent anything.')
  try {
    await check(account)
  } catch (error) {
    if (error.name.startsWith('Security') && error.commands === 0) {
      good(`refused: ${error.name}`)
      explain(error.message)
      return true
    }
    bad(`refused, but not for the certificate: ${error.name}: ${error.message}`)
    return false
  }
  bad('the connection was accepted')
  return false
}

module.exports = { embeddedDemo }
