'use strict'

// What can happen to a TLS connection on its way, in the hands of a test: proxies that know where records begin.

const net = require('node:net')

/** Type, version and length of a record (RFC 8446 section 5.1). */
const HEADER = 5

/** Types of records. */
const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23

/** Calls `onRecord(record, index)` for each whole record that `socket` gets. */
function eachRecord(socket, onRecord) {
  let bytes = Buffer.alloc(0)
  let index = 0
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= HEADER) {
      const end = HEADER + bytes.readUInt16BE(3)
      if (bytes.length < end) return
      const record = bytes.subarray(0, end)
      bytes = bytes.subarray(end)
      onRecord(record, index++)
    }
  })
}

/**
 * Lets `client`, a raw connection, speak to the TLS server at `port`. Each record of the server goes to `toClient(record,
 * index, client, server)`, which writes to `client` what shall get there; likewise `toServer`. Without them everything
 * passes.
 */
function relay(own, client, port, { toClient, toServer }) {
  const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  own.onEnd(() => server.destroy())
  server.on('error', () => {})
  client.on('close', () => server.destroy())
  server.on('close', () => client.end())
  if (toServer) eachRecord(client, (record, index) => toServer(record, index, client, server))
  else client.pipe(server)
  if (toClient) eachRecord(server, (record, index) => toClient(record, index, client, server))
  else server.pipe(client)
}

/** As `relay`, for every connection to a new port, which is what it resolves with. */
async function relayAll(own, port, passes) {
  const proxy = await own.netServer({ allowHalfOpen: true }, (client) => relay(own, client, port, passes))
  return proxy.port
}

module.exports = { ALERT, APPLICATION_DATA, HANDSHAKE, HEADER, eachRecord, relay, relayAll }
