'use strict'

// Debian's ngircd, on a port and with a configuration of its own.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { startServer, temporaryDirectory } = require('./peers.js')

/** Resolves with `{ port, child }` when it listens. */
function startIrcServer(own) {
  const dir = temporaryDirectory(own)
  return startServer(own, /Now listening on/, (port) => {
    const file = join(dir, 'ngircd.conf')
    const global = ['Name = irc.test', 'AdminEMail = admin@irc.test', 'Listen = 127.0.0.1', `Ports = ${port}`]
    const options = ['Ident = no', 'DNS = no', 'PAM = no', 'DefaultUserModes =']
    const limits = ['MaxConnectionsIP = 0', 'MaxPenaltyTime = 0', 'PingTimeout = 60']
    const text = ['[Global]', ...global, '[Limits]', ...limits, '[Options]', ...options, '']
    writeFileSync(file, text.join('\n'))
    return ['ngircd', '--nodaemon', '--config', file]
  })
}

module.exports = { startIrcServer }
