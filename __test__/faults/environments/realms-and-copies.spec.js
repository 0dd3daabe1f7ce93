'use strict'

// The package more than once in a process: in many `vm` contexts, as test runners make them, and as two copies with an engine each, as
// package managers leave them (REL-18).

const { cpSync, mkdtempSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const { newSeed } = require('../../fixtures/environments/random.js')
const { ask } = require('../../fixtures/lifecycle/run-child.js')
const { openAccount } = require('../helpers/ledger.js')

const root = join(__dirname, '..', '..', '..')

test.serial(
  'fifty vm contexts use the package and are collected, but for one whose server is open',
  async (t) => {
    const rounds = 50
    const account = openAccount(t, __filename, {
      fault: 'vm contexts that come and go',
      did: 'plain and TLS echoes in each; contexts collected, descriptors counted; one is dropped with an open server',
    })
    const options = { nodeArgs: ['--expose-gc'], mostMs: 120_000 }
    const { wrong, collected, descriptors, answered, collectedAtLast } = await ask(
      '../environments/realms.js',
      [rounds],
      options,
    )
    account.run({ runs: rounds, lostBytes: wrong, leaks: rounds + 1 - collected + Math.max(0, descriptors) })
    t.is(answered, 'end')
    // Closed, it is collected like the others.
    t.is(collectedAtLast, rounds + 2)
    account.close()
  },
)

test.serial('two copies carry traffic while workers with either are terminated', async (t) => {
  const rounds = 40
  const account = openAccount(t, __filename, {
    ids: ['REL-18'],
    fault: 'two copies of the package in one process',
    did: 'traffic between and within both, while workers with one, the other or both are terminated',
  })
  const other = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-copy-'))
  t.teardown(() => rmSync(other, { recursive: true, force: true }))
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'))
  for (const name of ['package.json', 'index.js', 'lib', ...addons]) {
    cpSync(join(root, name), join(other, name), { recursive: true })
  }
  const seed = newSeed()
  t.log(`FAULT_SEED=${seed}`)
  const { left, silent, wrong, distinct } = await ask(
    '../environments/two-copies.js',
    [other, rounds, seed],
    {
      mostMs: 120_000,
    },
  )
  t.true(distinct)
  t.deepEqual(left, [])
  account.run({ runs: rounds, leaks: left.length, hangs: silent, lostBytes: wrong })
  account.close()
})
