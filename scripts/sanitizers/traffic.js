'use strict'

// A small program that does everything once or twice, for tools under which programs are slow: clients and servers, plain, with TLS and
// STARTTLS, failures, resets, and workers that end by themselves or in the middle of their work. Ends by itself, with 1 when anything
// was not as expected.

const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const { makePki } = require('../../__test__/helpers/pki.js')
const { closedPort } = require('../../__test__/helpers/sockets.js')
const { Lanes, chance } = require('../soak/lanes.js')
const ours = require('../soak/ours.js')

/** Bytes for a connection: less than a record of TLS, several, and more than a socket queues. */
const sizes = [1, 5000, 100_000]

const random = { ...chance(1), sizes }
const lanes = new Lanes(0, random)

async function work(workerData) {
  const worker = new Worker(join(__dirname, '..', 'soak', 'worker.js'), {
    workerData: { ...workerData, seed: 2, sizes },
  })
  const exited = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  if (workerData.isEnded) {
    await new Promise((resolve) => worker.once('message', resolve))
    await worker.terminate()
  }
  const code = await exited
  if (code !== (workerData.isEnded ? 1 : 0)) lanes.problem(`the worker's exit code is ${code}`)
}

async function main() {
  const { ca, cert, key } = makePki()
  const client = { useSecureTransport: true, ca }
  // Handshakes take seconds there.
  const server = { useSecureTransport: true, cert, key, handshakeTimeout: 600_000 }
  const servers = ours.listenAll(lanes, random, server)
  const ports = ours.portsOf(servers)
  const closed = await closedPort()
  // One after another: a client has half a minute for its handshake.
  for (const run of [
    () => ours.echo(lanes, random, ports.echo, {}),
    () => ours.echo(lanes, random, ports.secureEcho, client),
    () => ours.echo(lanes, random, ports.upgrade, { ca }, { isUpgraded: true }),
    () => ours.fetch(lanes, random, ports.push, {}),
    () => ours.fetch(lanes, random, ports.securePush, client),
    () => ours.reset(lanes, random, ports.reset, {}),
    () => ours.reset(lanes, random, ports.secureReset, client),
    () => ours.abort(lanes, random, ports.secureReset, client),
    () => ours.fail(lanes, random, closed, {}, /^ConnectionRefusedError$/),
    () => ours.fail(lanes, random, ports.secureReset, { useSecureTransport: true }, /^SecurityUntrusted/),
  ]) {
    await run()
    await run()
  }
  const peers = { echo: ports.echo, secureEcho: ports.secureEcho }
  for (const isEnded of [false, true]) await work({ ports, peers, ca, isEnded })
  for (const one of Object.values(servers)) one.close()
  const { bytes, lostBytes, problems } = await lanes.rest()
  console.log(JSON.stringify({ bytes, lostBytes, problems }))
  if (lostBytes > 0 || problems.length > 0) process.exitCode = 1
}

main()
