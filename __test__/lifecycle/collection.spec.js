'use strict'

// An open socket gets its events although nobody refers to it; a closed one is garbage, and its handlers are, too
// (REL-15).

const test = require('ava')

const { echo, startPeers } = require('../fixtures/lifecycle/peers.js')
const { ask } = require('../fixtures/lifecycle/run-child.js')

const nodeArgs = ['--expose-gc']

let peers

test.before(async () => {
  peers = await startPeers(echo)
})

test.after.always(() => peers.stop())

for (const [kind, count] of [
  ['plain', 1000],
  ['tls', 100],
]) {
  test.serial(
    `${kind} sockets that nobody refers to live until they are closed, and no longer`,
    async (t) => {
      const { whileOpen, closed, collected, tasks } = await ask('collect.js', [kind, count], {
        ...peers,
        nodeArgs,
      })
      t.deepEqual(whileOpen, { open: count, data: count, close: 0, sockets: 0, handlers: 0 })
      t.is(closed, count)
      // A collector may keep the last few, which a register still points at.
      t.true(collected.sockets >= count * 0.99, `${collected.sockets} sockets of ${count}`)
      t.true(collected.handlers >= count * 0.99, `${collected.handlers} handlers of ${count}`)
      t.is(tasks, 0)
    },
  )

  test.serial(`${kind} sockets work after a collection at a time without any`, async (t) => {
    t.is(await ask('collect-idle.js', [kind], { ...peers, nodeArgs }), 6)
  })
}

test.serial('a native object that its facade never took keeps no process alive', async (t) => {
  t.is(await ask('collect-unclaimed.js', [], { nodeArgs }), 20)
})
