'use strict'

// A small program of everything under valgrind, which sees each access of memory that was freed, and what nobody freed.

const test = require('ava')

const { traffic, underValgrind } = require('../../../scripts/sanitizers/valgrind.js')
const { hasTools, testWhere } = require('../../helpers/needs.js')
const { openAccount } = require('../helpers/ledger.js')

const isPossible = process.platform === 'linux' && hasTools('valgrind')

testWhere(
  test,
  isPossible,
  'Linux with valgrind',
)(
  'echoes, STARTTLS, failures, resets and workers use no memory that was freed, and leave none',
  async (t) => {
    t.timeout(300_000)
    const account = openAccount(t, __filename, {
      ids: ['REL-19'],
      fault: 'every access of memory watched by valgrind',
      did: 'plain and TLS echoes, STARTTLS, failures, resets, a worker that ends and one that is ended',
    })
    const { end, accesses, leaks } = await underValgrind(['--single-threaded', traffic], { stdio: 'ignore' })
    for (const report of [...accesses, ...leaks]) t.log(report)
    account.run({ crashes: (end === 0 ? 0 : 1) + accesses.length, leaks: leaks.length })
    account.close()
  },
)
