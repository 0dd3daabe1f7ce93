'use strict'

// W10: how long `require` takes, each time in a process of its own, and how much an installation puts on the disk.

const { spawnSync } = require('node:child_process')
const { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { BASELINE, SUBJECT, home } = require('./runtimes.js')
const { short } = require('./rounds.js')

const root = join(home, '..')
const TIMES = 15
const QUICK_TIMES = 3
const GOAL_MS = 15

const startup = [
  {
    key: 'W10-require',
    title: '`require` of the package; Node: of `net` and `tls`',
    figures: [{ name: 'time', unit: 'ms', goals: [{ peer: 'self', sign: '≤', value: GOAL_MS }] }],
    measure({ quick }, found) {
      const names = [SUBJECT, BASELINE, 'node'].filter((name) => name in found)
      const values = Object.fromEntries(names.map((name) => [name, { time: [] }]))
      for (let i = 0; i < (quick ? QUICK_TIMES : TIMES); i += 1) {
        for (const name of names) values[name].time.push(short(requireTime(modulesOf(name, found))))
      }
      return values
    },
  },
  {
    key: 'W10-size',
    title: 'an installation on the disk',
    figures: [
      { name: 'package', unit: 'KiB', goals: [] },
      { name: 'addon', unit: 'KiB', goals: [] },
    ],
    measure(options, found) {
      const sizes = (folder) => ({
        package: [short(packageSize(folder) / 1024)],
        addon: [short(addonSize(folder) / 1024)],
      })
      const values = { [SUBJECT]: sizes(root) }
      if (found[BASELINE]) values[BASELINE] = sizes(found[BASELINE].folder)
      return values
    },
  },
]

function modulesOf(name, found) {
  return name === 'node' ? ['node:net', 'node:tls'] : [found[name].folder || root]
}

/** In milliseconds. */
function requireTime(modules) {
  const script = `
    const begin = process.hrtime.bigint()
    for (const name of ${JSON.stringify(modules)}) require(name)
    process.stdout.write(String(process.hrtime.bigint() - begin))
    process.exit(0)`
  const { status, stdout } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  return status === 0 ? Number(stdout) / 1e6 : null
}

/** Everything but the addon, which is a package of its own. */
function packageSize(folder) {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { status, stdout } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) return NaN
  const answer = JSON.parse(stdout)
  return Object.values(answer)[0].unpackedSize
}

/** Without symbols, as it is published. */
function addonSize(from) {
  const name = readdirSync(from).find((file) => file.endsWith('.node'))
  const folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-benchmark-'))
  try {
    const copy = join(folder, name)
    copyFileSync(join(from, name), copy)
    spawnSync('strip', [copy]) // where there is no strip, it is measured as it is
    return statSync(copy).size
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

module.exports = { startup }
