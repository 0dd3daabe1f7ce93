'use strict'

// The account that each test of the fault suite gives: which fault, what was done under it, how often, and what went wrong. A test
// passes when nothing went wrong. scripts/test-faults.js gathers the accounts as the table of docs/reliability.md.

const { appendFileSync } = require('node:fs')
const { relative, sep } = require('node:path')
const { fileURLToPath } = require('node:url')

/** What can go wrong in a run. Bytes for `lostBytes`, else how often. */
const NOTHING_WRONG = Object.freeze({ lostBytes: 0, wrongOrders: 0, hangs: 0, crashes: 0, leaks: 0 })

/** `tls/records` for `__test__/faults/tls/records.spec.js`: what selects the file in `npm run test:faults -- NAME`. */
function nameOf(file) {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  return relative(`${__dirname}/..`, path)
    .replaceAll(sep, '/')
    .replace(/\.spec\.js$/, '')
}

/**
 * Opens the account of the test `t` in `file` (its `__filename`). `ids` are the checks that it answers (`REL-52`), `fault` and `did`
 * are the first columns of its line.
 *
 * `run(wrong)` counts one run, or `wrong.runs` of them; each number in `wrong` (see `NOTHING_WRONG`) adds to its column. `close()`
 * writes the line and fails the test when something went wrong; a test that ends without it has no line.
 */
function openAccount(t, file, { ids = [], fault, did }) {
  const line = { name: nameOf(file), ids, fault, did, runs: 0, ...NOTHING_WRONG }
  return {
    run({ runs = 1, ...wrong } = {}) {
      for (const [column, count] of Object.entries(wrong)) {
        if (!(column in NOTHING_WRONG)) throw new TypeError(`the table has no column ${column}`)
        line[column] += count
      }
      line.runs += runs
    },
    close() {
      const path = process.env.MOZ_TCP_SOCKET_FAULT_LEDGER
      if (path) appendFileSync(path, `${JSON.stringify(line)}\n`)
      t.true(line.runs > 0, 'nothing was run')
      const wrong = Object.fromEntries(Object.keys(NOTHING_WRONG).map((column) => [column, line[column]]))
      t.deepEqual(wrong, { ...NOTHING_WRONG }, `${line.fault}: ${line.did}`)
    },
  }
}

module.exports = { NOTHING_WRONG, openAccount }
