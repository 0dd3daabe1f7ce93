'use strict'

// W11 to W14: TLS with small messages, servers with TLS, idle TLS connections, and a mailbox as a whole program.

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
const { EVERYBODY, SERVERS, WITHOUT_LIMIT, syncs } = require('./workloads.js')

const WITH_OPENSSL = [...EVERYBODY, 'openssl']
const SERVERS_WITH_OPENSSL = [...SERVERS, 'openssl']
const MESSAGE = 64
const IDLE = 1000
/** 54 MiB in all; `peer/src/pop3.rs` tells the sizes. */
const MAILS = 400

/** Where the two ends of one connection are, which decides how long an echo takes; see W3. */
const PLACES = {
  free: ['wherever the system puts them', {}],
  apart: ['on two cores', { subject: 0, peer: 1 }],
  together: ['both ends on one core', { subject: 0, peer: 0 }],
}

const secure = [
  ...Object.keys(PLACES).map((place) => echoOfOne('client', place, WITH_OPENSSL)),
  ...[100, 1000].map((connections) => echoOfMany('client', connections, WITH_OPENSSL)),
  {
    key: 'W12-receive',
    title: 'TLS 1.3 server, receive in bulk',
    subject: { role: 'receive', tls: true },
    peer: { role: 'source', tls: true },
    listens: true,
    peers: SERVERS_WITH_OPENSSL,
    figures: bulk({ speed: [atLeast(1.4)], cpu: [atMost(0.75)] }),
  },
  {
    key: 'W12-send',
    title: 'TLS 1.3 server, send in bulk, 64 KiB at a time',
    subject: { role: 'send', tls: true, size: 64 * 1024 },
    peer: { role: 'sink', tls: true, library: 'openssl' },
    listens: true,
    peers: SERVERS_WITH_OPENSSL,
    figures: bulk({ speed: [atLeast(1.2)] }),
  },
  ...Object.keys(PLACES).map((place) => echoOfOne('server', place, SERVERS_WITH_OPENSSL)),
  echoOfMany('server', 100, SERVERS_WITH_OPENSSL),
  {
    key: 'W12-handshake',
    title: 'TLS 1.3 server, full handshakes, 8 at a time',
    subject: { role: 'handshake', tls: true },
    peer: { role: 'handshake', tls: true, connections: 8 },
    listens: true,
    peers: ['node', 'bun', 'deno'],
    figures: throughput('handshakes', 1, { speed: [atLeast(1.3)], per: 'handshake' }),
  },
  ...['client', 'server'].map((side) => ({
    key: `W13-${side}`,
    title: `${count(IDLE)} idle TLS connections, ${side === 'server' ? 'accepted' : 'opened'} by the subject`,
    subject: { role: side === 'server' ? 'idleServer' : 'idleClient', tls: true, connections: IDLE },
    peer: { role: 'idle', tls: true, connections: IDLE },
    listens: side === 'server',
    peers: side === 'server' ? ['node', 'bun', 'deno'] : WITHOUT_LIMIT,
    figures: idleFigures([atMost(0.7)]),
  })),
  ...[true, false].map((tls) => ({
    key: `W14-${tls ? 'tls' : 'plain'}`,
    title: `a program that reads a mailbox of ${MAILS} messages (54 MiB) by POP3${tls ? ' over TLS' : ''}`,
    subject: { role: 'mailbox', tls },
    peer: { role: 'pop3', tls, connections: MAILS },
    program: true,
    peers: tls ? WITH_OPENSSL : EVERYBODY,
    figures: [
      { name: 'time', unit: 'ms', of: (r) => (r.wall / r.work) * 1e3, goals: [] },
      { name: 'CPU', unit: 'ms', of: (r) => (r.cpu / r.work) * 1e3, goals: [] },
      always[0],
    ],
  })),
]

/** As a client (W11) the subject opens the connections; the neutral program sends the messages in any case. */
function echo(side, connections, peers) {
  const client = side === 'client'
  return {
    key: `${client ? 'W11' : 'W12-echo'}-${connections}`,
    title: `TLS 1.3 ${side}, echo, ${count(connections)} ${connections === 1 ? 'connection' : 'connections'}, ${MESSAGE} B`,
    subject: { role: 'echo', tls: true, ...(client ? { connections } : { skip: syncs(connections) }) },
    peer: { role: 'load', tls: true, connections, size: MESSAGE },
    listens: !client,
    peers,
  }
}

function echoOfOne(side, place, peers) {
  const { key, title, ...rest } = echo(side, 1, peers)
  const [where, cores] = PLACES[place]
  return {
    ...rest,
    key: `${key}-${place}`,
    title: `${title}, ${where}`,
    cores,
    figures: [...roundTrips({ p50: [atMost(1.0)] }), ...messages(MESSAGE, {})],
  }
}

function echoOfMany(side, connections, peers) {
  const [speed, cpu, main] = messages(MESSAGE, { speed: [atLeast(1.2)], cpu: [atMost(0.87)] })
  return { ...echo(side, connections, peers), figures: [speed, cpu, ...roundTrips(), main] }
}

for (const workload of secure) {
  if (!workload.program) workload.figures = workload.figures.concat(always)
}

module.exports = { secure }
