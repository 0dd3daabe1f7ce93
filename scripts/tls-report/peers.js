'use strict'

// What both halves of the report meet peers with: openssl's server, and what an application sends to be told apart from
// everything else.

const { once } = require('node:events')
const { basename } = require('node:path')

const { startServer } = require('../../__test__/helpers/peers.js')
const { certificate } = require('../../__test__/helpers/pki-matrix.js')

/** A byte that no ASCII text has, and that makes no run of any length in what is encrypted. */
const MARK = 0xa7
const PAYLOAD = Buffer.alloc(64, MARK)

/** Shorter runs come up in encrypted bytes. */
const SHORTEST_RUN = 4

/** How many bytes of `bytes` are the application's. */
function marked(bytes) {
  const runs = bytes.toString('latin1').match(new RegExp(`\xa7{${SHORTEST_RUN},}`, 'g')) ?? []
  return runs.join('').length
}

/** `openssl s_server` with the named certificate, as `startServer` returns it. */
function sServer(own, name, args) {
  const { certFile, keyFile } = certificate(name)
  const files = ['-cert', certFile, '-cert_chain', certFile, '-key', keyFile]
  const where = ['-accept', '127.0.0.1:0']
  return startServer(own, /^ACCEPT .*:(\d+)$/m, () => ['openssl', 's_server', ...where, ...files, ...args])
}

/** The same as a reader would type it. */
function sServerCommand(name, args) {
  return ['s_server', '-cert', `${name}.pem`, ...args.map((arg) => basename(arg))].join(' ')
}

/** Ends a child process; resolves when all of its output is here. */
async function stop(child) {
  child.kill('SIGKILL')
  await once(child, 'close')
}

module.exports = { PAYLOAD, marked, sServer, sServerCommand, stop }
