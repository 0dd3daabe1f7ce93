'use strict'

// docs/tls-conditions.md, which says what an application sees of each peer, is what it sees.

const { join } = require('node:path')

const test = require('ava')

const { run, testWith } = require('../helpers/peers.js')
const { TELLS_REASONS } = require('../helpers/tls-peers.js')

const root = join(__dirname, '..', '..')

testWith(
  TELLS_REASONS ? test : test.skip,
  'curl',
  'docs/tls-conditions.md says what each condition leads to, and which peers get along',
  async (t) => {
    const script = join(root, 'scripts', 'tls-report.js')
    const { code, stderr } = await run(process.execPath, [script, '--check'], { timeout: 110_000 })
    t.is(code, 0, stderr)
  },
)
