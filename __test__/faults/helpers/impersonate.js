'use strict'

// Peers of TLS that say what no library would: Node's own TLS makes the handshake with the victim, then we go on in its name, with its
// keys.

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const { certificate } = require('../../helpers/pki-matrix.js')
const { tlsServer } = require('../../helpers/tls-peers.js')
const { CIPHER: CIPHER_12, forger: forger12 } = require('../../helpers/tls12.js')
const { CIPHER: CIPHER_13, forger: forger13, trafficSecret } = require('../../helpers/tls13.js')
const { APPLICATION_DATA, eachRecord } = require('../../helpers/tls-wires.js')

/** Encrypted records of a handshake of TLS 1.3: EncryptedExtensions, Certificate, CertificateVerify, Finished. */
const OF_HANDSHAKE = { server: 4, client: 1 }

const SUITES = {
  'TLSv1.2': { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: CIPHER_12 },
  'TLSv1.3': { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: CIPHER_13 },
}

/** Passes records on between `victim` and `library` until it is cut, and counts those of the library. */
function wire(victim, library, side) {
  const tap = { encrypted: 0, isCut: false }
  const pass = (from, to, count) =>
    eachRecord(from, (record, index) => {
      if (tap.isCut) return
      if (side === 'server' ? from === library : from === victim) {
        if (index === 0) tap.serverHello = record
      }
      if (count && record[0] === APPLICATION_DATA) tap.encrypted++
      to.write(record)
    })
  pass(library, victim, true)
  pass(victim, library, false)
  return tap
}

/** What makes records in the library's name: it has said nothing yet but its handshake, tickets and `said` records. */
function forgerOf(side, version, tap, keyLog, said) {
  if (version === 'TLSv1.2') return forger12(side, { keyLog, serverHello: tap.serverHello, next: 1 + said })
  return forger13(trafficSecret(side, keyLog), tap.encrypted - OF_HANDSHAKE[side])
}

/** A raw connection to the server at `port` behind which a client has made its handshake: `{ raw, forge }`. */
async function asClient(own, port, version) {
  const raw = net.connect({ port, host: '127.0.0.1', noDelay: true })
  const { port: way, connection } = await own.netServer()
  const client = tls.connect({
    port: way,
    host: '127.0.0.1',
    ca: certificate('root').ca,
    rejectUnauthorized: false,
    ...SUITES[version],
  })
  let keyLog = ''
  client.on('keylog', (line) => {
    keyLog += line
  })
  for (const socket of [raw, client]) {
    own.onEnd(() => socket.destroy())
    socket.on('error', () => {})
  }
  const tap = wire(raw, await connection(), 'client')
  // What comes last of the handshake passes after the client has its own part: the echo of a byte comes behind it.
  await once(client, 'secureConnect')
  client.write('x')
  await once(client, 'data')
  tap.isCut = true
  return { raw, forge: forgerOf('client', version, tap, keyLog, 1) }
}

/** The same of a server to whom `start(port)` lets a client of ours connect. */
async function asServer(own, version, start) {
  const library = await tlsServer(own, 'good', SUITES[version], (session) => session.write('x'))
  let keyLog = ''
  library.server.on('keylog', (line) => {
    keyLog += line
  })
  const way = await own.netServer()
  await start(way.port)
  const raw = await way.connection()
  const behind = net.connect({ port: library.port, host: '127.0.0.1', noDelay: true })
  own.onEnd(() => behind.destroy())
  behind.on('error', () => {})
  const tap = wire(raw, behind, 'server')
  // The client echoes the byte that the server said behind everything else.
  while (library.sessions.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await once(library.sessions[0], 'data')
  tap.isCut = true
  return { raw, forge: forgerOf('server', version, tap, keyLog, 1) }
}

module.exports = { asClient, asServer }
