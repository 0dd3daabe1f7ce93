'use strict'

// The demo's command line.

const { X509Certificate } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { parseArgs } = require('node:util')

const USAGE = `Usage: npm run demo                          an embedded server, three kinds of connection
       npm run demo -- URL [options]         your own mail server; nothing is changed or deleted there

  URL             pop3s://user:password@host[:995]    TLS from the first byte
                  pop3://user:password@host[:110]     TLS by STLS, where the server offers it
                  Write special characters as in any URL: "@" is %40. The environment variable POP3_PASSWORD
                  can hold the password instead.
  --ca FILE       trust the certificate authorities in this PEM file too
  --last N        fetch the newest N messages only (default 300; 0 means all)
  --allow-plain   with pop3://, log in even if the server offers no STLS, readable to anyone on the way
                  (on the loopback interface this is the default)
  --timeout N     give up when the server is silent for N seconds (default 30)
  --digests       print the SHA-256 of every message
  --help`

const SCHEMES = { 'pop3s:': { security: 'tls', port: 995 }, 'pop3:': { security: 'starttls', port: 110 } }
const OPTIONS = {
  ca: { type: 'string' },
  last: { type: 'string', default: '300' },
  'allow-plain': { type: 'boolean' },
  timeout: { type: 'string', default: '30' },
  digests: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
}

/** What was asked for is not possible: the message is for the user, and needs no stack. */
class UsageError extends Error {}

/** `{ help }`, `{}` for the embedded server, or `{ account, last, digests, shown }`. */
function parse(args) {
  const { values, positionals } = split(args)
  if (values.help) return { help: true }
  if (positionals.length > 1) throw new UsageError(`One URL, please, not ${positionals.length}.`)
  if (positionals.length === 0) {
    if (args.length > 0 && !values.digests)
      throw new UsageError('These options go with the URL of a mail server.')
    return { digests: values.digests }
  }
  const last = toNumber('--last', values.last)
  const account = {
    ...toAccount(positionals[0]),
    patience: toNumber('--timeout', values.timeout) || Infinity,
  }
  if (values['allow-plain'] || /^(localhost|127\..*|::1)$/.test(account.host)) account.allowPlain = true
  if (values.ca !== undefined) account.ca = readPem(values.ca)
  return { account, last: last || Infinity, digests: values.digests }
}

function split(args) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // Behind the first sentence follows advice to programmers.
    throw new UsageError(`${error.message.split('. ')[0]}.`)
  }
}

function toNumber(option, value) {
  if (!/^\d{1,6}$/.test(value)) throw new UsageError(`${option} takes a number.`)
  return Number(value)
}

/** No message repeats the URL: it has a password in it. */
function toAccount(address) {
  const example = 'It looks like this: pop3s://user:password@host:995'
  if (!canParse(address)) throw new UsageError(`That is not a URL. ${example}`)
  const url = new URL(address)
  const scheme = SCHEMES[url.protocol]
  if (scheme === undefined) throw new UsageError(`The URL must start with pop3:// or pop3s://. ${example}`)
  if (url.hostname === '') throw new UsageError(`The URL has no host. ${example}`)
  if (!/^\/?$/.test(url.pathname) || url.search || url.hash)
    throw new UsageError(`Nothing may follow the host and port. ${example}`)
  if (url.username === '') throw new UsageError(`The URL has no user name. ${example}`)
  const password = url.password === '' ? process.env.POP3_PASSWORD : decode(url.password)
  if (!password) throw new UsageError('The URL has no password, and neither has the variable POP3_PASSWORD.')
  return {
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || scheme.port,
    user: decode(url.username),
    password,
    security: scheme.security,
  }
}

function canParse(address) {
  try {
    return Boolean(new URL(address))
  } catch {
    return false
  }
}

function decode(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new UsageError('The URL has a "%" that does not encode a character. A percent sign itself is %25.')
  }
}

function readPem(path) {
  try {
    const pem = readFileSync(path, 'utf8')
    // oxlint-disable-next-line no-new
    new X509Certificate(pem)
    return pem
  } catch (error) {
    throw new UsageError(`--ca: ${path} has no certificate in PEM form: ${error.message}`)
  }
}

module.exports = { USAGE, UsageError, parse }
