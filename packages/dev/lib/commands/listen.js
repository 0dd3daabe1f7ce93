'use strict'

// `moz-tcp-socket listen PORT`: see ../netcat/netcat.js.

const { UsageError } = require('../cli.js')
const { SHARED, requireWith, toMilliseconds, toPort } = require('../netcat/arguments.js')

const usage = `usage: moz-tcp-socket listen PORT [OPTION …]

Waits for one connection, and connects standard input and output to it. PORT 0 is any free port; stderr says which. Ends when the peer
does; with the end of the input only where --quit says so.

  --address ADDRESS  where to listen: 127.0.0.1 without; 0.0.0.0 or :: is everywhere
  --tls              TLS from the first byte, with --cert and --key
  --cert FILE        the certificate, and those that lead to an authority, in PEM
  --key FILE         its key, in PEM
  --alpn NAME        a protocol to choose; may be repeated, the best first
  --crlf             end lines with CR LF that end with LF
  --quit SECONDS     close so long after the end of the input, when nothing came since; 0 is at once
  --trace            show what happens on stderr
  --hex              the same with all bytes

Exit status: 0 when the connection ended in order; 1 when it failed; 2 for wrong arguments; 130 after Ctrl-C.`

const options = { ...SHARED, address: { type: 'string' } }

async function run({ values, positionals }) {
  if (positionals.length !== 1) throw new UsageError(`listen takes one PORT\n\n${usage}`)
  const { tls = false, quit, ...rest } = values
  requireWith(values, '--tls', tls, ['cert', 'key', 'alpn'])
  if (tls && (values.cert === undefined || values.key === undefined))
    throw new UsageError('--tls: takes --cert and --key')
  const { listen } = require('../netcat/netcat.js')
  return listen(toPort(positionals[0], 0), { ...rest, tls, quit: toMilliseconds('quit', quit) })
}

module.exports = { usage, options, run }
