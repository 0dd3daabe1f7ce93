'use strict'

// The demo with a URL: the same app reads a mailbox of a real server, and part of it again, in the other binaryType.

const { check, octetsOf } = require('./check.js')
const { bad, explain, good, printDigests, size, speed, title, warn } = require('./terminal.js')

/** The second reading fetches about this much again. */
const AGAIN = 16e6

/** True when all went as it should. */
async function realDemo({ account, last, digests }) {
  title('1. The mailbox, binaryType "arraybuffer"')
  explain(
    account.security === 'tls'
      ? 'useSecureTransport: true, TLS from the first byte. Nothing is changed or deleted on the server.'
      : 'upgradeToSecure() before the login, where the server offers STLS. Nothing is changed or deleted there.',
  )
  let inAll = 0
  const first = await check(
    { ...account, binaryType: 'arraybuffer' },
    {
      choose(messages) {
        inAll = messages.length
        return messages.slice(-last)
      },
    },
  )
  const { messages, milliseconds } = first
  if (messages.length === 0) {
    good('logged in; the mailbox is empty, so there is nothing to fetch')
    return true
  }
  const octets = octetsOf(messages)
  const which =
    messages.length < inAll ? `the newest ${messages.length} of ${inAll} messages` : `${inAll} messages`
  good(
    `fetched ${which}, ${size(octets)}, in ${(milliseconds / 1000).toFixed(2)} s (${speed(octets, milliseconds)})`,
  )
  explain(`The app suspended the socket ${first.suspensions} times, while it stored what it had.`)
  const differing = messages.filter((message) => message.octets !== message.announced)
  if (differing.length === 0)
    good(`${messages.length} of ${messages.length} have as many octets as LIST says`)
  else warn(`${differing.length} have not as many octets as LIST says, which some servers only estimate`)
  if (digests) printDigests(messages)

  title('2. Once more, binaryType "string"')
  explain('A connection and a parser of another kind must give the same bytes.')
  const wanted = sample(messages)
  const second = await check(
    { ...account, binaryType: 'string' },
    { rows: 2, choose: (listed) => listed.filter((message) => wanted.has(identity(message))) },
  )
  const again = second.messages.filter((message) => wanted.get(identity(message)) === message.sha256)
  const count = `${again.length} of ${wanted.size} messages have the same SHA-256 as before`
  const fine = again.length === wanted.size
  if (fine) good(count)
  else bad(count)
  const largest = messages.reduce((one, other) => (other.octets > one.octets ? other : one))
  explain(`The largest message, number ${largest.number}, ${size(largest.octets)}, has the SHA-256`)
  explain(largest.sha256)
  return fine
}

/** Server numbers are good for one session only; unique ids are not offered everywhere. */
function identity({ uid, number }) {
  return uid ?? number
}

/** Which messages to read again, by identity: the newest ones, and at least one. */
function sample(messages) {
  const result = new Map()
  let left = AGAIN
  for (const message of messages.toReversed()) {
    left -= message.octets
    if (left < 0 && result.size > 0) break
    result.set(identity(message), message.sha256)
  }
  return result
}

module.exports = { realDemo }
