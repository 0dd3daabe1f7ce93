'use strict'

// The package can be there more than once in a process: two copies, the same one in several threads, or loaded again
// (REL-18). Package managers and test runners do all of that.

const { cpSync, mkdtempSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const { ask } = require('../fixtures/lifecycle/run-child.js')

const root = join(__dirname, '..', '..')

let other

test.before(() => {
  other = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-copy-'))
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'))
  for (const name of ['package.json', 'index.js', 'lib', ...addons]) {
    cpSync(join(root, name), join(other, name), { recursive: true })
  }
})

test.after.always(() => rmSync(other, { recursive: true, force: true }))

test.serial('two copies work in one thread, and with each other', async (t) => {
  const { distinct, results } = await ask('copies.js', [other, 'together'])
  t.true(distinct)
  t.deepEqual(results, Array(4).fill('hello'))
})

test.serial(
  'the main thread works beside and after workers that use the same copy, or another',
  async (t) => {
    const { results } = await ask('copies.js', [other, 'apart'])
    const eachTime = ['hello', 'hello', 0, 'hello']
    t.deepEqual(results, ['hello', ...eachTime, ...eachTime, ...eachTime])
  },
)

test.serial('the package can be loaded again', async (t) => {
  const { results } = await ask('copies.js', [other, 'reloaded'])
  t.deepEqual(results, Array(3).fill('hello'))
})
