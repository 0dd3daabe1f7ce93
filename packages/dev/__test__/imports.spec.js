'use strict'

// What the package exports can be imported by name, as it can be required.

const test = require('ava')

const dev = require('../index.js')

test('every export can be imported by name', async (t) => {
  const { default: all, 'module.exports': _, ...named } = await import('moz-tcp-socket-dev')
  t.is(all, dev)
  t.deepEqual(Object.keys(named).sort(), Object.keys(dev).sort())
  for (const [name, value] of Object.entries(named)) t.is(value, dev[name], name)
})
