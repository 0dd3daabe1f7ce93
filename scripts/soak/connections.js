'use strict'

// Runs churn.js in a process of its own, and says whether what it has there grows.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

const MIB = 1 << 20

/**
 * By how much a process may grow from the first quarter of its connections to the last, in bytes of memory. A leak of a hundred bytes
 * is more, with a hundred thousand connections. Descriptors and handles may not at all.
 */
const MOST_GROWTH = { heap: 1 * MIB, rss: 6 * MIB }

/** Where V8 makes new objects grows to 48 MiB while it is used, which would hide everything else. */
const SMALL_YOUNG = '--max-semi-space-size=1'

/** Makes `plain` and `secure` connections. Resolves with `{ samples, problems }`, with growth among the problems. */
async function measure([plain, secure]) {
  const churn = join(__dirname, 'churn.js')
  const args = ['--expose-gc', SMALL_YOUNG, churn, String(plain), String(secure)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * MIB })
  const { samples, problems } = JSON.parse(stdout)
  for (const kind of ['plain', 'TLS']) {
    const [first, ...others] = samples.filter((sample) => sample.kind === kind)
    const last = others.at(-1)
    for (const name of ['descriptors', 'handles']) {
      if (last[name] > first[name])
        problems.push(`${kind}: ${last[name] - first[name]} ${name} more than after the first quarter`)
    }
    for (const [name, most] of Object.entries(MOST_GROWTH)) {
      const by = last[name] - first[name]
      if (by > most) problems.push(`${kind}: ${name} grew by ${by} bytes, of which ${most} may be chance`)
    }
  }
  return { samples, problems }
}

module.exports = { SMALL_YOUNG, measure }
