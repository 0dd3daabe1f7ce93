'use strict'

// W1 to W9 as data: roles of the subject and of the neutral program, who is compared, what is figured out of the
// reports, and the goals. W10 is in startup.js, because it has no sockets; secure.js goes on with W11.

const {
  always,
  atLeast,
  atMost,
  bulk,
  count,
  idleFigures,
  messages,
  roundTrips,
  throughput,
} = require('./figures.js')

const EVERYBODY = ['node', 'emailjs', 'bun', 'deno', 'limit']
const SERVERS = ['node', 'bun', 'deno', 'limit']
const WITHOUT_LIMIT = ['node', 'emailjs', 'bun', 'deno']

/** A load client waits for an echo of one byte after this many connections; see `peer/src/load.rs`. */
const SYNC_EVERY = 64
const syncs = (connections) => Math.floor(connections / SYNC_EVERY)

const workloads = [
  {
    key: 'W1-arraybuffer',
    title: 'receive in bulk, 1 connection',
    subject: { role: 'receive' },
    peer: { role: 'source' },
    peers: EVERYBODY,
    figures: bulk({ speed: [atLeast(1.0)], cpu: [atMost(0.8)] }),
  },
  {
    key: 'W1-stream',
    title: 'receive in bulk by `for await` over a stream, 1 connection; Node: `Readable.toWeb(socket)`',
    subject: { role: 'receive', streams: true },
    peer: { role: 'source' },
    peers: ['events', 'node', 'deno'],
    figures: bulk({ speed: [atLeast(0.8, 'events'), atLeast(1.2)] }),
  },
  {
    key: 'W1-string',
    title: "receive in bulk as strings; Node: `setEncoding('latin1')`",
    subject: { role: 'receive', string: true },
    peer: { role: 'source' },
    peers: ['node'],
    figures: bulk({ speed: [atLeast(2)] }),
  },
  {
    key: 'W2-64KiB',
    title: 'send in bulk, 64 KiB at a time',
    subject: { role: 'send', size: 64 * 1024 },
    peer: { role: 'sink' },
    peers: EVERYBODY,
    figures: bulk({ speed: [atLeast(2), atLeast(0.8, 'limit')] }),
  },
  {
    key: 'W2-1MiB',
    title: 'send in bulk, 1 MiB at a time',
    subject: { role: 'send', size: 1024 * 1024 },
    peer: { role: 'sink' },
    peers: EVERYBODY,
    figures: bulk({ speed: [atLeast(2), atLeast(0.8, 'limit')] }),
  },
  {
    key: 'W2-discard',
    title: 'send in bulk, 64 KiB at a time, to a reader that does not even copy',
    subject: { role: 'send', size: 64 * 1024 },
    peer: { role: 'sink', discard: true },
    peers: ['node', 'limit'],
    figures: bulk({}),
  },
  ...[
    ['apart', 'on two cores', { subject: 0, peer: 1 }],
    ['together', 'both ends on one core', { subject: 0, peer: 0 }],
  ].map(([name, where, cores]) => ({
    key: `W3-${name}`,
    title: `echo, 1 connection, 64 B, ${where}`,
    subject: { role: 'echo' },
    peer: { role: 'ping', size: 64 },
    cores,
    peers: EVERYBODY,
    figures: [...roundTrips({ p50: [atMost(1.0)] }), ...messages(64, {}).slice(1)],
  })),
  ...[64, 16 * 1024].flatMap((size) =>
    [100, 1000, 10_000].map((connections) => ({
      key: `W4-${connections}-${size === 64 ? '64B' : '16KiB'}`,
      title: `echo server, ${count(connections)} connections, ${size === 64 ? '64 B' : '16 KiB'}`,
      subject: { role: 'echo', skip: syncs(connections) },
      peer: { role: 'load', connections, size },
      listens: true,
      // One turn through ten thousand sockets takes a good part of a second.
      times: connections === 10_000 ? { duration: 900 } : {},
      peers: SERVERS,
      figures: messages(size, { speed: [atLeast(1.03)], cpu: [atMost(0.97)] }),
    })),
  ),
  {
    key: 'W5',
    title: '100 000 sends of 16 B, 100 per turn',
    subject: { role: 'small', total: 1_600_000 },
    peer: { role: 'sink', total: 1_600_000 },
    peers: EVERYBODY,
    figures: throughput('sends', 1, { speed: [atLeast(5)], scale: 1000, per: 'send' }),
  },
  {
    key: 'W6-accept',
    title: 'accept, echo 64 B, close; 32 at a time',
    subject: { role: 'accept' },
    peer: { role: 'churn', connections: 32, size: 64 },
    listens: true,
    peers: SERVERS,
    figures: throughput('connections', 1, { speed: [atLeast(1.35)], scale: 1000, per: 'connection' }),
  },
  {
    key: 'W6-connect',
    title: 'connect, echo 64 B, close; 32 at a time',
    subject: { role: 'connect', connections: 32, size: 64 },
    peer: { role: 'echo' },
    peers: EVERYBODY,
    figures: throughput('connections', 1, { speed: [atLeast(1.35)], scale: 1000, per: 'connection' }),
  },
  {
    key: 'W7-receive',
    title: 'TLS 1.3, receive in bulk',
    subject: { role: 'receive', tls: true },
    peer: { role: 'source', tls: true },
    peers: [...EVERYBODY, 'openssl'],
    figures: bulk({ speed: [atLeast(1.4)], cpu: [atMost(0.75)] }),
  },
  {
    key: 'W7-send',
    title: 'TLS 1.3, send in bulk, 64 KiB at a time',
    subject: { role: 'send', tls: true, size: 64 * 1024 },
    peer: { role: 'sink', tls: true, library: 'openssl' },
    peers: [...EVERYBODY, 'openssl'],
    figures: bulk({ speed: [atLeast(1.2)] }),
  },
  {
    key: 'W7-send-discard',
    title: 'the same, to a reader that neither decrypts nor copies',
    subject: { role: 'send', tls: true, size: 64 * 1024 },
    peer: { role: 'sink', tls: true, discard: true },
    peers: ['node', 'limit', 'openssl'],
    figures: bulk({ speed: [atLeast(1.2)] }),
  },
  {
    key: 'W7-handshake',
    title: 'TLS 1.3, full handshakes as client, 8 at a time',
    subject: { role: 'handshake', tls: true, connections: 8 },
    peer: { role: 'handshake', tls: true },
    peers: WITHOUT_LIMIT,
    figures: throughput('handshakes', 1, { speed: [atLeast(2)], per: 'handshake' }),
  },
  {
    key: 'W7-handshake-shared',
    title: 'the same, beside a Node application that makes one secure context for all connections',
    subject: { role: 'handshake', tls: true, connections: 8, shareContext: true },
    peer: { role: 'handshake', tls: true },
    peers: ['node'],
    figures: throughput('handshakes', 1, { per: 'handshake' }),
  },
  idle('server', 10_000, ['node', 'bun', 'deno']),
  idle('client', 10_000, WITHOUT_LIMIT),
  idle('server', 18_000, ['node']),
  idle('client', 18_000, ['node']),
  {
    key: 'W9',
    title: 'lateness of a 2 ms timer while 2 GB arrive over TLS, at most 500 MB/s',
    subject: { role: 'receive', tls: true, watch: true, total: 2e9 },
    peer: { role: 'source', tls: true, total: 2e9, rate: 500e6 },
    peers: ['node', 'bun'],
    figures: [
      { name: 'p99', unit: 'ms', of: (r) => r.delayP99 * 1e3, goals: [atMost(1.0)] },
      { name: 'p50', unit: 'ms', of: (r) => r.delayP50 * 1e3, goals: [] },
      ...bulk({}),
    ],
  },
]

function idle(side, connections, peers) {
  const server = side === 'server'
  return {
    key: `W8-${side}-${connections}`,
    title: `${count(connections)} idle connections, ${server ? 'accepted' : 'opened'} by the subject`,
    subject: { role: server ? 'idleServer' : 'idleClient', connections },
    peer: { role: 'idle', connections },
    listens: server,
    peers,
    figures: idleFigures([atMost(0.6)]),
  }
}

for (const workload of workloads) workload.figures = workload.figures.concat(always)

module.exports = { EVERYBODY, SERVERS, WITHOUT_LIMIT, syncs, workloads }
