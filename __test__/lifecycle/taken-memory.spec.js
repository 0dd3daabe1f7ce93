'use strict'

// No JavaScript reaches memory that the engine uses.

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { scope } = require('../helpers/sockets.js')

test('an application that detaches all memory it can get hold of sends what it sent, and nothing else', async (t) => {
  const script = '../lifecycle/taken-memory.js'
  const { taken, ...sent } = await ask(scope(t), script, [], { nodeArgs: ['--expose-gc'] })
  t.log(`${taken} pieces of memory were within reach`)
  t.deepEqual(sent, { received: sent.expected, foreign: 0, expected: sent.expected })
})
