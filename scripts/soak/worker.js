'use strict'

// A worker of a soak: a few connections of each kind, and then it ends; or again and again, until it is ended.

const { parentPort, workerData } = require('node:worker_threads')

const { Lanes, chance } = require('./lanes.js')
const ours = require('./ours.js')

const { peers, ports, ca, isEnded, seed, sizes } = workerData
const random = { ...chance(seed), sizes }
const lanes = new Lanes(0, random)
const client = { useSecureTransport: true, ca }

// Where this may be ended in the middle of it, the other end must be one that expects that.
const [plain, secure] = isEnded
  ? [ports.reset, ports.secureReset]
  : [random.pick([ports.echo, peers.echo]), random.pick([ports.secureEcho, peers.secureEcho])]

/** A few connections at once. */
function some(own) {
  return Promise.all([
    ours.echo(lanes, random, plain, {}),
    ours.echo(lanes, random, secure, client),
    ours.echo(lanes, random, own, {}),
  ])
}

async function main() {
  const server = ours.listen(lanes, random, {}, ours.serveEcho)
  for (;;) {
    await some(server.localPort)
    if (!isEnded) break
    parentPort.postMessage('busy')
  }
  server.close()
  parentPort.postMessage(await lanes.rest())
}

main()
