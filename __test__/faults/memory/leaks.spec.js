'use strict'

// REL-30: tens of thousands of short connections leave nothing behind: no descriptor, no native handle, no memory. A few thousand
// here; `npm run soak -- --connections 100000,10000` makes all of them.

const test = require('ava')

const { measure } = require('../../../scripts/soak/connections.js')
const { openAccount } = require('../helpers/ledger.js')

const PLAIN = 20_000
const TLS = 2000

test('short connections, of which three in ten fail, are reset or aborted, leave nothing behind', async (t) => {
  t.timeout(180_000)
  const account = openAccount(t, __filename, {
    ids: ['REL-30'],
    fault: 'refused, not trusted, reset and aborted connections among short ones',
    did: `${PLAIN} plain connections and ${TLS} of TLS; descriptors, handles and memory after each quarter`,
  })
  const { samples, problems } = await measure([PLAIN, TLS])
  for (const sample of samples) t.log(JSON.stringify(sample))
  for (const problem of problems) t.log(problem)
  const wrongEnds = problems.filter((problem) => /ended with/.test(problem)).length
  account.run({ runs: PLAIN + TLS, wrongOrders: wrongEnds, leaks: problems.length - wrongEnds })
  account.close()
})
