'use strict'

// The process of a soak that has the package in it, and nothing else that could grow: our clients and servers, in this thread and in
// workers that come and go. Told what to do by scripts/soak.js.

const { setTimeout: delay } = require('node:timers/promises')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const { TCPSocket } = require('../../index.js')
const { sample } = require('./figures.js')
const { Lanes, chance } = require('./lanes.js')
const ours = require('./ours.js')

/** More lanes than cores, so that connections wait for each other. */
const LANES = 10

/** With `--break`, so that everybody can see that a soak fails. */
const breaks = {
  descriptors: ({ peers }) => void new TCPSocket('127.0.0.1', peers.echo),
  memory: ({ kept }) => void kept.push(Buffer.alloc(1 << 24, 1)),
}

function start({ peers, pki, seed, broken }) {
  const random = chance(seed)
  const { ca, cert, key } = pki
  const [client, server] = [
    { useSecureTransport: true, ca },
    { useSecureTransport: true, cert, key },
  ]
  const either = (port, securePort) => (random.below(2) === 0 ? [port, {}] : [securePort, client])
  const lanes = new Lanes(LANES, random)
  const ports = ours.portsOf(ours.listenAll(lanes, random, server))
  const add = lanes.add.bind(lanes)
  add('echo', 6, () => ours.echo(lanes, random, ...either(ports.echo, ports.secureEcho)))
  add('echo of node', 6, () => ours.echo(lanes, random, ...either(peers.echo, peers.secureEcho)))
  add('STARTTLS', 3, () => ours.echo(lanes, random, ports.upgrade, { ca }, { isUpgraded: true }))
  add('fetch', 4, () => ours.fetch(lanes, random, ...either(ports.push, ports.securePush)))
  add('fetch from node', 4, () => ours.fetch(lanes, random, ...either(peers.push, peers.securePush)))
  add('reset by us', 4, () => ours.reset(lanes, random, ...either(ports.reset, ports.secureReset)))
  add('reset by node', 4, () => {
    const [, options] = either()
    return ours.fail(lanes, random, peers.reset, options, /^NetworkError$/)
  })
  add('aborted', 3, () => ours.abort(lanes, random, ...either(ports.reset, ports.secureReset)))
  add('refused', 2, () => ours.fail(lanes, random, peers.closed, {}, /^ConnectionRefusedError$/))
  add('not trusted', 2, () => {
    const untrusting = { useSecureTransport: true }
    return ours.fail(
      lanes,
      random,
      peers.secureReset,
      untrusting,
      /^SecurityUntrustedCertificateIssuerError$/,
    )
  })
  add('listener', 2, async () => {
    const isSecure = random.below(2) === 0
    const listener = ours.listen(lanes, random, isSecure ? server : {}, ours.serveEcho)
    try {
      await ours.echo(lanes, random, listener.localPort, isSecure ? client : {})
    } finally {
      listener.close()
    }
  })
  add('worker', 1, () => work(lanes, random, { peers, ports, ca }))
  const kept = []
  return { ports, lanes, broken: () => breaks[broken]?.({ peers, kept }) }
}

/** A worker that ends by itself, or is ended in the middle of its work. */
async function work(lanes, random, workerData) {
  const isEnded = random.below(2) === 0
  const worker = new Worker(join(__dirname, 'worker.js'), {
    workerData: { ...workerData, isEnded, seed: random.below(2 ** 32) },
  })
  const exited = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  if (isEnded) {
    await Promise.race([exited, delay(random.below(200))])
    await worker.terminate()
    await exited
    return
  }
  const said = new Promise((resolve) => worker.once('message', resolve))
  const code = await exited
  if (code !== 0) throw new Error(`the worker's exit code is ${code}`)
  const { bytes, lostBytes, problems } = await said
  lanes.moved(bytes)
  lanes.lost(lostBytes)
  for (const problem of problems) lanes.problem(`in a worker: ${problem}`)
}

let state
const orders = {
  start: (setting) => (state = start(setting)).ports,
  go() {
    state.broken()
    state.lanes.go()
  },
  rest: () => state.lanes.rest(),
  sample,
  stop: () => process.exit(0),
}

process.on('message', async ({ order, data }) =>
  process.send({ order, data: (await orders[order](data)) ?? null }),
)
