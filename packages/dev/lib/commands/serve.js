'use strict'

// `moz-tcp-socket serve APP`: see ../bridge/server.js.

const { UsageError } = require('../cli.js')

const usage = `usage: moz-tcp-socket serve APP [--port PORT] [--allow HOST:PORT …] [--allow-listen HOST:PORT …]

Serves the app APP, a manifest (manifest.webapp, manifest.webmanifest) or a folder that has one, on http://localhost:PORT to a browser, with
navigator.mozTCPSocket, TCPSocket and TCPServerSocket as the manifest allows. /__sockets shows its sockets.

  --port PORT               where to serve; any free port without
  --allow HOST:PORT         connect to these places only, such as "*.example.org:993" or "127.0.0.1:*"; may be repeated
  --allow-listen HOST:PORT  listen at these places only; may be repeated`

const options = {
  port: { type: 'string' },
  allow: { type: 'string', multiple: true },
  'allow-listen': { type: 'string', multiple: true },
}

async function run({ values, positionals }) {
  if (positionals.length !== 1) throw new UsageError(`serve takes one APP\n\n${usage}`)
  const { port = '0', allow, 'allow-listen': allowListen } = values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port ${JSON.stringify(port)}: must be a port, from 0 to 65535`)
  }
  const { serveApp } = require('../bridge/server.js')
  const server = await serveApp(positionals[0], { port: Number(port), allow, allowListen })
  console.log(`${server.url}\n${new URL('/__sockets', server.url)} shows its sockets. Ctrl+C ends it.`)
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve)
  })
  await server.close()
  return 0
}

module.exports = { usage, options, run }
