'use strict'

// `npm run demo`: a mail check written as for Firefox OS in 2013 (mail-check/), on an embedded server (server/) or on
// yours. This file and runner/ are what the phone was to the app: they start it, show what it does, and check it.

require('../register.js')

const { USAGE, UsageError, parse } = require('./runner/arguments.js')
const { embeddedDemo } = require('./runner/embedded.js')
const { realDemo } = require('./runner/real.js')
const { bad, explain, harmless, say, title } = require('./runner/terminal.js')

/** What the app's errors mean to whoever typed the command. */
const HINTS = {
  ConnectionRefusedError: 'Nothing listens there: is the port right, and is the server running?',
  DomainNotFoundError: 'There is no such host: is its name right?',
  LoginError: 'Are the user name and the password right? Some providers want a password made for one app.',
  NoStlsError: 'Use pop3s://, or add --allow-plain if nobody can listen on the way.',
  ProtocolError: 'Is this the port of a POP3 server, and pop3:// or pop3s:// as it should be?',
  SecurityUntrustedCertificateIssuerError: 'If you know who signed it, add --ca FILE.',
  SilenceError: 'A server that waits for TLS is silent to pop3://: should it be pop3s://?',
}

async function main() {
  const { help, account, ...options } = parse(process.argv.slice(2))
  if (help) {
    say(USAGE)
    return true
  }
  title('Mail check')
  explain('An app in the JavaScript of 2013 reads mail by POP3 through navigator.mozTCPSocket. It runs in a')
  explain('scope without require, process and Buffer: it does not know that its phone is Node.js.')
  explain('C: is what the app says, S: what the server says, as far as it fits here.')
  return account ? realDemo({ account, ...options }) : embeddedDemo(options)
}

// Whatever happens, even nothing at all: only a finished check is a success.
process.exitCode = 1
main().then(
  (fine) => {
    process.exitCode = fine ? 0 : 1
  },
  (error) => {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n"npm run demo -- --help" shows what can be asked for.`)
      return
    }
    bad(harmless(`${error.name}: ${error.message}`))
    if (HINTS[error.name]) explain(HINTS[error.name])
  },
)
