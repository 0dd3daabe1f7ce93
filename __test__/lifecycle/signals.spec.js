'use strict'

// Signals do to a busy process what they do to any other (REL-03).

const test = require('ava')

const { startPeers, stream } = require('../fixtures/lifecycle/peers.js')
const { start } = require('../fixtures/lifecycle/run-child.js')

/** No end may take longer, from the signal on. In practice it takes milliseconds. */
const MOST_MS = 4000

// On Windows process.kill ends the process, whatever its listeners.
const run = process.platform === 'win32' ? test.skip : test.serial

let peers

test.before(async () => {
  peers = await startPeers(stream)
})

test.after.always(() => peers.stop())

for (const kind of ['plain', 'tls']) {
  for (const name of ['SIGTERM', 'SIGINT']) {
    const expected = {
      default: ['ends the process', { code: null, signal: name }],
      close: ['lets its listener close the sockets, and the process ends', { code: 0, signal: null }],
      exit: ['lets its listener exit', { code: 3, signal: null }],
    }
    for (const [how, [does, end]] of Object.entries(expected)) {
      run(`${name} during ${kind} traffic ${does}`, async (t) => {
        const { child, line, result } = start('wait-for-signal.js', [kind, name, how], peers)
        await line('ready')
        const sentAt = Date.now()
        child.kill(name)
        const { code, signal, stdout, stderr, ended } = await result
        t.deepEqual({ code, signal, stdout, stderr }, { ...end, stdout: 'ready\n', stderr: '' })
        t.true(ended - sentAt < MOST_MS)
      })
    }
  }
}
