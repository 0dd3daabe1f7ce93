'use strict'

// `npm run soak`, for half a minute; and that it fails where something is wrong.

const { execFile } = require('node:child_process')
const { join } = require('node:path')

const test = require('ava')

const { growth, median } = require('../../../scripts/soak/trend.js')
const { openAccount } = require('../helpers/ledger.js')

const script = join(__dirname, '..', '..', '..', 'scripts', 'soak.js')

/** Runs it. Resolves with its exit code and what it printed. */
function soak(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { timeout: 240_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, said: stdout + stderr })
    })
  })
}

test('growth is what most pairs of values say, whatever a few values are', (t) => {
  t.is(median([3, 1, 2]), 2)
  t.is(median([4, 1, 2, 3]), 2.5)
  t.is(growth([5, 5, 5, 5]), 0)
  t.is(growth([1, 2, 3, 4, 5]), 4)
  t.is(growth([5, 5, 900, 5, 5, 5, 5]), 0)
  t.is(growth([1, 2, 3, 900, 5, 6, 7, 8, 9]), 8)
  t.is(growth([7]), 0)
})

test.serial('half a minute of everything at once loses nothing, and leaves nothing behind', async (t) => {
  t.timeout(240_000)
  const account = openAccount(t, __filename, {
    fault: 'resets, failures, aborted connections, workers that are ended, readers that pause',
    did: 'plain, TLS and STARTTLS, client and server, all at once; every byte compared',
  })
  const { code, said } = await soak('--minutes', '0.5', '--seed', '14')
  t.log(said)
  const [, done = ''] = said.split('what was done:')
  const connections = [...done.matchAll(/: (\d+),?$/gm)].map(([, count]) => Number(count))
  const problems = [...said.matchAll(/^problem: (.*)$/gm)].map(([, text]) => text)
  const having = (pattern) => problems.filter((problem) => pattern.test(problem)).length
  account.run({
    runs: connections.reduce((sum, count) => sum + count, 0),
    lostBytes: Number(/(\d+) bytes were lost/.exec(said)?.[1] ?? 0),
    hangs: having(/hangs/),
    leaks: having(/are left|grew/),
    crashes: code === 0 || problems.length > 0 ? 0 : 1,
    wrongOrders: having(/ended with|accepted:|listener:/),
  })
  t.is(code, 0, said)
  account.close()
})

for (const [kind, expected] of [
  ['descriptors', /descriptors are left/],
  ['memory', /rss grew/],
  ['bytes', /bytes were lost or changed/],
]) {
  test.serial(`a soak that is made to go wrong says so: ${kind}`, async (t) => {
    t.timeout(240_000)
    const { code, said } = await soak('--minutes', '0.3', '--break', kind)
    t.is(code, 1, said)
    t.regex(said, expected)
  })
}
