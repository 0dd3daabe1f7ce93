'use strict'

// `moz-tcp-socket connect HOST PORT`: see ../netcat/netcat.js.

const { UsageError } = require('../cli.js')
const { SHARED, requireWith, toMilliseconds, toPort } = require('../netcat/arguments.js')

const PROTOCOLS = ['smtp', 'imap', 'pop3', 'xmpp', 'nntp']

const usage = `usage: moz-tcp-socket connect HOST PORT [OPTION …]

Connects standard input and output to a server. Ends when the server does; with the end of the input only where --quit says so.

  --tls                TLS from the first byte
  --starttls PROTOCOL  ${PROTOCOLS.join(', ')}: asks for TLS in that protocol first
  --ca FILE            trust the authorities in this PEM file as well
  --servername NAME    the name to ask for and to verify, instead of HOST
  --alpn NAME          a protocol to offer; may be repeated, the best first
  --cert FILE, --key FILE  a certificate of ours, and its key, in PEM
  --insecure           accept any certificate: for a look, never for a password
  --timeout SECONDS    how long connecting may take
  --crlf               end lines with CR LF that end with LF
  --quit SECONDS       close so long after the end of the input, when nothing came since; 0 is at once
  --trace              show what happens, and what TLS agreed, on stderr
  --hex                the same with all bytes

Firefox OS sockets know no half-close: closing ends both directions, so the end of the input alone closes nothing.

Exit status: 0 when the connection ended in order; 1 when it failed or TLS was refused; 2 for wrong arguments; 130 after Ctrl-C.`

const options = {
  ...SHARED,
  starttls: { type: 'string' },
  ca: { type: 'string' },
  servername: { type: 'string' },
  insecure: { type: 'boolean' },
  timeout: { type: 'string' },
}

async function run({ values, positionals }) {
  if (positionals.length !== 2) throw new UsageError(`connect takes HOST and PORT\n\n${usage}`)
  const [host, port] = positionals
  const { tls = false, starttls, timeout, quit, ...rest } = values
  if (starttls !== undefined && !PROTOCOLS.includes(starttls))
    throw new UsageError(`--starttls ${JSON.stringify(starttls)}: must be one of ${PROTOCOLS.join(', ')}`)
  if (tls && starttls !== undefined) throw new UsageError('--tls and --starttls: only one of them')
  const secure = tls || starttls !== undefined
  requireWith(values, '--tls or --starttls', secure, ['ca', 'servername', 'alpn', 'cert', 'key', 'insecure'])
  const settings = {
    ...rest,
    tls,
    starttls,
    timeout: toMilliseconds('timeout', timeout),
    quit: toMilliseconds('quit', quit),
  }
  const target = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host
  const { connect } = require('../netcat/netcat.js')
  return connect(target, toPort(port, 1), settings)
}

module.exports = { usage, options, run }
