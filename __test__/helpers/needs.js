'use strict'

// The one rule for tests that need what not every machine has: a test that cannot run is skipped, and says so; but where
// everything is at hand, it fails. A green run of CI would otherwise say nothing of what it left out.

const { spawnSync } = require('node:child_process')
const { networkInterfaces } = require('node:os')

/** Not musl, which is tested in a container that has what the build needs and nothing else. */
const isGlibc = process.platform === 'linux' && Boolean(process.report.getReport().header.glibcVersionRuntime)

/** Where `.ci/run` could install everything. */
const MUST_RUN = Boolean(process.env.CI) && isGlibc && process.getuid() === 0

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some(({ address }) => address === '::1')

/** Whether all of these commands exist. */
function hasTools(...tools) {
  return tools.every((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0)
}

/** `test`, where `possible`; else what skips tests in its place, or fails them. `missing` is what they need. */
function testWhere(test, possible, missing) {
  if (possible || !MUST_RUN) return testOn(test, possible, missing)
  return (title) => test(title, (t) => t.fail(`needs ${missing}, which CI has to have`))
}

/** As `testWhere`, but never fails: for what a machine has or has not, and nobody can install. */
function testOn(test, possible, missing) {
  if (possible) return test
  return (title, ...rest) => {
    console.warn(`SKIPPED, needs ${missing}: ${title}`)
    return test.skip(title, ...rest)
  }
}

/** As `testWhere`, for tests that run one after another. */
function serialWhere(test, possible, missing) {
  return testWhere(test.serial, possible, missing)
}

module.exports = { hasIPv6, hasTools, isGlibc, serialWhere, testOn, testWhere }
