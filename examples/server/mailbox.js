'use strict'

// A mailbox of made-up mail: the same one in every run, with the SHA-256 of each message.

const { createHash } = require('node:crypto')

const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const LINE = 76

const PEOPLE = ['ada', 'brendan', 'chris', 'dietrich', 'eitan', 'fabrice', 'gaia', 'hsinyi', 'ines', 'jonas']
const SUBJECTS = [
  'Nightly build',
  'Re: socket review',
  'Lunch?',
  'Photos',
  'Minutes',
  'Battery life',
  'Fwd: bug',
]
const WORDS =
  'the phone socket opens a window and sends every byte in order until nobody waits for an answer any more'.split(
    ' ',
  )

/** mulberry32: 32 random bits at a time, the same ones for the same seed. */
function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** Lines with what is hard about POP3: some start with dots, some are empty, and some have bytes beyond ASCII. */
function makeLines(next, count) {
  return Array.from({ length: count }, () => {
    const words = Array.from({ length: 1 + (next() % 14) }, () => WORDS[next() % WORDS.length]).join(' ')
    const kind = next() % 16
    if (kind === 0) return '.'.repeat(next() % 4)
    if (kind === 1) return `. ${words}`
    if (kind === 2)
      return words + String.fromCharCode(...Array.from({ length: 12 }, () => 0x80 | (next() & 0x7f)))
    return words
  })
}

function text(next, lines, length) {
  let result = ''
  while (result.length < length) result += `${lines[next() % lines.length]}\r\n`
  return Buffer.from(result, 'latin1')
}

/** Lines of Base64, as an attachment has them. */
function attachment(next, length) {
  const bytes = Buffer.allocUnsafe(Math.ceil(length / (LINE + 2)) * (LINE + 2))
  for (let at = 0; at < bytes.length; at += 2) {
    for (const end = at + LINE; at < end; at += 4) {
      const bits = next()
      bytes[at] = BASE64[bits & 63]
      bytes[at + 1] = BASE64[(bits >>> 6) & 63]
      bytes[at + 2] = BASE64[(bits >>> 12) & 63]
      bytes[at + 3] = BASE64[(bits >>> 18) & 63]
    }
    bytes.write('\r\n', at, 'latin1')
  }
  return bytes
}

function header(next, number, type) {
  const date = new Date(Date.UTC(2013, 6, 2) + number * 5_400_000).toUTCString()
  return Buffer.from(
    [
      `From: ${PEOPLE[next() % PEOPLE.length]}@example.org`,
      'To: reader@example.org',
      `Subject: ${SUBJECTS[next() % SUBJECTS.length]} #${number}`,
      `Date: ${date.replace('GMT', '+0000')}`,
      `Message-ID: <${next().toString(16)}.${number}@example.org>`,
      'MIME-Version: 1.0',
      `Content-Type: ${type}`,
      '\r\n',
    ].join('\r\n'),
  )
}

/** `count` messages of a few KB to about 90 KB; one of them, two thirds on, has at least `largest` bytes. */
function makeMailbox({ seed, count, largest }) {
  const next = random(seed)
  const lines = makeLines(next, 1024)
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const isLargest = number === Math.ceil((count * 2) / 3)
    const body = isLargest
      ? [header(next, number, 'application/octet-stream'), attachment(next, largest)]
      : [header(next, number, 'text/plain; charset=iso-8859-1'), text(next, lines, 1000 + (next() % 90_000))]
    const bytes = Buffer.concat(body)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { number, uid: `m${seed}-${number}`, bytes, sha256 }
  })
}

module.exports = { makeMailbox }
