'use strict'

// One measurement: a subject and the neutral program, both new, for one case of a workload.

const { Child } = require('./child.js')
const { commandFor, peerArgs, peerBinary } = require('./runtimes.js')

const DEADLINE_MS = 60_000
/** Milliseconds that do not count, and milliseconds that do. */
const USUAL = { warmup: 200, duration: 500 }
const QUICK = { warmup: 100, duration: 200 }
/** Roles of the peer that end by themselves, with a result that counts. The others end when they are told to. */
const SELF_ENDING = new Set(['ping', 'idle'])

/** Runs the case with a subject, and returns what the subject reports, with what the peer reports as `peer`. */
async function measure(workload, name, binary, quick) {
  const times = { ...(quick ? QUICK : USUAL), ...(quick ? {} : workload.times) }
  const { subject, peer, cores = {} } = workload
  const { role, ...peerOptions } = peer
  const started = []
  const cleaners = []

  const startSubject = (more) => {
    const { command, args, env, clean } = commandFor(name, binary, { ...times, ...subject, ...more })
    cleaners.push(clean)
    started.push(new Child(command, args, { core: cores.subject, env, deadline: DEADLINE_MS }))
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
      tested = startSubject({})
      const { port } = await tested.line('port')
      other = startPeer({ port })
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

async function failureOf(child) {
  await child.ended
  await child.line('done') // throws where there is none
  return new Promise(() => {})
}

module.exports = { measure }
