'use strict'

// One line of the table for many tests, which differ in a detail that nobody wants a line for. Each counts its runs; a last test of the
// file gives the account.

const { openAccount } = require('../helpers/ledger.js')

/** As `openAccount` of `file`, without a test: `run(wrong)` counts, and `declare(test)` declares the test that closes it. */
function sharedAccount(file, { ids, fault, did }) {
  const runs = []
  return {
    run(wrong) {
      runs.push(wrong)
    },
    declare(test) {
      test.serial(`the account of ${fault}: ${did}`, (t) => {
        const account = openAccount(t, file, { ids, fault, did })
        for (const wrong of runs) account.run(wrong)
        account.close()
      })
    },
  }
}

module.exports = { sharedAccount }
