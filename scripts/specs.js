'use strict'

// In which parts `npm test` runs the specs of ava. ava runs two at a time, which is right for specs that work; those that
// wait for the engine's own deadlines, up to half a minute each, would keep a core idle. So they run beside the others.

const { existsSync, readdirSync } = require('node:fs')
const { join, sep } = require('node:path')

const { root } = require('./engine.js')

/** They sleep nearly all of their time. The longest are first, so that the last to end is not one that began late. */
const WAITING = [
  'reliability/closing',
  'tls/report',
  'reliability/names',
  'tls/handshake-deadline',
  'asynchronous-connect',
  'tls/sessions',
  'reliability/settling',
  'reliability/kept-alive',
]

/**
 * What is in there is the same whoever says that a connection is ready: nothing is connected, or the test is about what comes before
 * (names and the race between addresses are the runtime's in any case), or what it is about has Node's sockets. Once is enough.
 */
const WITHOUT_READINESS = [
  'check-imports',
  'docs',
  'errors',
  'load/load',
  'load/network-permission',
  'load/publishing',
  'native',
  'node/names',
  'recorder',
  'reliability/names',
  'testing/docs',
  'site/site',
  'testing/mock',
  'tls/options',
  'tls/options.property',
]

const fileOf = (name) => ['__test__', ...`${name}.spec.js`.split('/')].join('/')

/** All specs of ava, as in package.json. */
function allSpecs() {
  return readdirSync(join(root, '__test__'), { recursive: true })
    .map((name) => name.replaceAll(sep, '/'))
    .filter((name) => name.endsWith('.spec.js') && !/^(?:compat|faults)\//.test(name))
    .map((name) => `__test__/${name}`)
    .sort()
}

/** `{ working, waiting }`: the specs to run, with the kind of readiness that the environment chooses, or `again`, with the other. */
function specs({ again = false } = {}) {
  const [waitingFiles, once] = [WAITING, WITHOUT_READINESS].map((names) => names.map(fileOf))
  for (const file of [...waitingFiles, ...once]) {
    if (!existsSync(join(root, file))) throw new Error(`scripts/specs.js names ${file}, which does not exist`)
  }
  const isDue = (file) => !again || !once.includes(file)
  return {
    working: allSpecs().filter((file) => isDue(file) && !waitingFiles.includes(file)),
    waiting: waitingFiles.filter(isDue),
  }
}

module.exports = { specs }
