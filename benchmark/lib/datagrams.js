'use strict'

// W15: datagrams, one way. Whoever receives is sent more than anybody takes, so that the speed is how many were delivered; whoever sends is
// told by the system that it has them.

const { always, atLeast, throughput } = require('./figures.js')

const PEERS = ['node', 'bun', 'limit']
const STREAM_PEERS = ['events', 'node', 'bun']

const datagrams = [64, 1400].flatMap((size) => [
  {
    key: `W15-receive-${size}`,
    title: `receive datagrams of ${size} B`,
    subject: { role: 'datagramReceive' },
    peer: { role: 'datagramSource', size },
    listens: true,
    peers: PEERS,
    figures: figures(),
  },
  {
    key: `W15-send-${size}`,
    title: `send datagrams of ${size} B`,
    subject: { role: 'datagramSend', size },
    peer: { role: 'datagramSink' },
    peers: PEERS,
    figures: figures(),
  },
  {
    key: `W15-stream-receive-${size}`,
    title: `receive datagrams of ${size} B by \`for await\` over the stream of Direct Sockets`,
    subject: { role: 'datagramReceive', streams: true },
    peer: { role: 'datagramSource', size },
    listens: true,
    peers: STREAM_PEERS,
    figures: figures(),
  },
  {
    key: `W15-stream-send-${size}`,
    title: `send datagrams of ${size} B with a writer of Direct Sockets, each when the one before is sent`,
    subject: { role: 'datagramSend', size, streams: true },
    peer: { role: 'datagramSink' },
    peers: STREAM_PEERS,
    figures: figures(),
  },
])

function figures() {
  const goals = { speed: [atLeast(1.5)], scale: 1000, per: 'datagram' }
  return [...throughput('datagrams', 1, goals), ...always]
}

module.exports = { datagrams }
