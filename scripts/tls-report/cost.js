'use strict'

// What a handshake costs a client: time until `open`, and CPU time of the process, all threads, from `open` of the API to
// `close`. This package and node:tls take turns, connection by connection, so that both see the same machine.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const tls = require('node:tls')

const { TCPSocket } = require('../../index.js')
const { certificate } = require('../../__test__/helpers/pki-matrix.js')

const VERSIONS = ['TLSv1.3', 'TLSv1.2']
const KINDS = ['full', 'resumed']

/** Of each kind, version and client. */
const CONNECTIONS = 150
const WARM_UP = 30

/** A server of OpenSSL gives no ticket to a client that took up a session, so that the next one is full again. */
const MOST_ATTEMPTS = 5

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]

/** One connection of this package: `{ ms, resumed }`. */
function visitAsPackage({ port, version }) {
  const began = performance.now()
  const socket = new TCPSocket('127.0.0.1', port, {
    useSecureTransport: true,
    binaryType: 'arraybuffer',
    ca: certificate('root').ca,
    caOnly: true,
    minVersion: version,
    maxVersion: version,
  })
  return new Promise((resolve, reject) => {
    let ms
    socket.onopen = () => {
      ms = performance.now() - began
    }
    // Tickets are in front of it.
    socket.ondata = () => socket.close()
    socket.onerror = ({ data }) => reject(data)
    socket.onclose = () => resolve({ ms, resumed: socket.tls?.resumed })
  })
}

/** One connection of node:tls. `known` keeps the context, which is made once, and the latest session of each port. */
function visitAsNode({ port, version, kind }, known) {
  known.context ??= tls.createSecureContext({ ca: certificate('root').ca })
  const session = kind === 'resumed' ? known[port] : undefined
  const began = performance.now()
  const only = { minVersion: version, maxVersion: version }
  const socket = tls.connect({ port, host: '127.0.0.1', secureContext: known.context, session, ...only })
  socket.setNoDelay(true)
  return new Promise((resolve, reject) => {
    let ms
    let resumed
    socket.on('secureConnect', () => {
      ms = performance.now() - began
      resumed = socket.isSessionReused()
    })
    socket.on('session', (latest) => {
      known[port] = latest
    })
    socket.on('data', () => socket.end())
    socket.on('error', reject).on('close', () => resolve({ ms, resumed }))
  })
}

/** `{ ms, cpu }` of one connection of the wanted kind. */
async function measure(visit, what) {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const before = process.cpuUsage()
    const { ms, resumed } = await visit(what)
    const { user, system } = process.cpuUsage(before)
    if (resumed === (what.kind === 'resumed')) return { ms, cpu: user + system }
  }
  throw new Error(`no connection was ${what.kind} with ${what.version}`)
}

/** Rows of the table, each with this package, node:tls and the ratio, for time and for CPU time. */
async function measureCost() {
  const server = fork(join(__dirname, 'cost-server.js'))
  const { cert, key } = certificate('good')
  server.send({ cert, key, versions: VERSIONS, kinds: KINDS })
  const [ports] = await once(server, 'message')
  const known = {}
  const visits = [visitAsPackage, (what) => visitAsNode(what, known)]
  const cases = VERSIONS.flatMap((version) =>
    KINDS.map((kind) => ({ version, kind, port: ports[`${version} ${kind}`], seen: visits.map(() => []) })),
  )
  for (let round = -WARM_UP; round < CONNECTIONS; round++) {
    for (const what of cases) {
      // Nobody is always the one who comes second.
      for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const cost = await measure(visits[index], what)
        if (round >= 0) what.seen[index].push(cost)
      }
    }
  }
  server.disconnect()
  return cases.map(({ version, kind, seen }) => {
    const cells = [`${version}, ${kind}`]
    for (const [figure, digits] of [
      ['ms', 2],
      ['cpu', 0],
    ]) {
      const [ours, theirs] = seen.map((costs) => median(costs.map((cost) => cost[figure])))
      cells.push(ours.toFixed(digits), theirs.toFixed(digits), (ours / theirs).toFixed(2))
    }
    return cells
  })
}

module.exports = { CONNECTIONS, measureCost }
