'use strict'

// `moz-tcp-socket doctor PATH`: see ../doctor/examine.js.

const { UsageError } = require('../cli.js')

const usage = `usage: moz-tcp-socket doctor PATH [--json] [--all]

Reads the code of an app (a folder, a manifest, a page, or a file of JavaScript or TypeScript), runs nothing of it, and says of each use of
the API whether it works here as on a device.

  --all   show as well what is the same as on a device; without, its number alone
  --json  everything, for programs

  missing     is not here, or throws
  differs     works, and not quite as on a device: Q-nn is the number in docs/porting.md
  unfollowed  what becomes of it could not be seen: look there yourself
  same        as on a device

Exit status: 0 when nothing is missing and every file was read, 1 otherwise, 2 for wrong arguments.`

const options = { json: { type: 'boolean' }, all: { type: 'boolean' } }

/** Rules of files that could not be read. */
const UNREAD = new Set(['unreadable', 'too-long'])

async function run({ values, positionals }) {
  if (positionals.length !== 1 || positionals[0] === '')
    throw new UsageError(`doctor takes one PATH\n\n${usage}`)
  const { examine } = require('../doctor/examine.js')
  const { print } = require('../doctor/print.js')
  const result = examine(positionals[0])
  const text = values.json ? JSON.stringify(result, null, 2) : print(result, values.all)
  // All of it, also where it is more than a pipe holds.
  await new Promise((resolve) => process.stdout.write(`${text}\n`, resolve))
  return result.counts.missing > 0 || result.findings.some(({ rule }) => UNREAD.has(rule)) ? 1 : 0
}

module.exports = { usage, options, run }
