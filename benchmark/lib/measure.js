'use strict'

// One measurement: a subject and the neutral program, both new, for one case of a workload.

const { spawnSync } = require('node:child_process')

const { Child } = require('./child.js')
const { commandFor, peerArgs, peerBinary } = require('./runtimes.js')

const DEADLINE_MS = 60_000
/** Milliseconds that do not count, and milliseconds that do. */
const USUAL = { warmup: 200, duration: 500 }
const QUICK = { warmup: 100, duration: 200 }
/** Roles of the peer that end by themselves, with a result that counts. The others end when they are told to. */
const SELF_ENDING = new Set(['ping', 'idle', 'load'])
/** How often one measurement runs a program that is measured as a whole. */
const RUNS = 5
const QUICK_RUNS = 1

/** Runs the case with a subject, and returns what the subject reports, with what the peer reports as `peer`. */
async function measure(workload, name, found, quick) {
  const times = { ...(quick ? QUICK : USUAL), ...(quick ? {} : workload.times) }
  const { subject, peer, cores = {} } = workload
  const { role, ...peerOptions } = peer
  const started = []
  const cleaners = []

  const startSubject = (more) => {
    const { command, args, env, clean } = commandFor(name, found, { ...times, ...subject, ...more })
    cleaners.push(clean)
    const whole = ['program', `times=${quick ? QUICK_RUNS : RUNS}`, '--', command, ...args]
    const [file, given] = workload.program ? [peerBinary, whole] : [command, args]
    started.push(new Child(file, given, { core: cores.subject, env, deadline: DEADLINE_MS }))
    return started.at(-1)
  }
  const startPeer = (more) => {
    const args = [role, ...peerArgs({ ...times, ...peerOptions, ...more })]
    started.push(new Child(peerBinary, args, { core: cores.peer, deadline: DEADLINE_MS }))
    return started.at(-1)
  }

  try {
    let tested
    let other
    if (workload.listens) {
      const identity = subject.tls ? makeCertificate() : {}
      tested = startSubject({ ...identity, listens: true })
      const { port } = await tested.line('port')
      other = startPeer(identity.ca ? { port, ca: identity.ca } : { port })
    } else {
      other = startPeer({})
      const { port, ca } = await other.line('port')
      tested = startSubject(ca ? { port, ca } : { port })
    }
    // The peer ends first only where something went wrong; then the subject would wait in vain.
    const result = await Promise.race([tested.line('done'), failureOf(other)])
    await tested.ended
    if (SELF_ENDING.has(role)) await other.ended
    else await other.end()
    return { ...result, peer: await other.line('done') }
  } finally {
    await Promise.all(started.map((child) => child.kill()))
    for (const clean of cleaners) clean()
  }
}

/** A certificate for a subject that is a server, with its key and the authority that made it. */
function makeCertificate() {
  const { stdout } = spawnSync(peerBinary, ['certificate'], { encoding: 'utf8' })
  const { ca, cert, key } = JSON.parse(stdout)
  return { ca, cert, key }
}

async function failureOf(child) {
  await child.ended
  await child.line('done') // throws where there is none
  return new Promise(() => {})
}

module.exports = { measure }
