'use strict'

// Programs that drop sockets and collect garbage: each runs in a process of its own, which has `gc`.

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')

const run = promisify(execFile)

/**
 * Runs the CommonJS `program`. In it are `collectUntil(isDone)`, which collects until that is true, the `warnings` of the process so far, and
 * `print(value)`. Returns what it printed.
 */
async function collecting(program) {
  const source = `
    const { once } = require('node:events')
    const net = require('node:net')
    const warnings = []
    process.on('warning', ({ message, code }) => warnings.push({ message, code }))
    const print = (value) => console.log(JSON.stringify(value))
    const turn = () => new Promise((done) => setImmediate(done))
    async function collectUntil(isDone) {
      for (const end = Date.now() + 20_000; !isDone();) {
        if (Date.now() > end) throw new Error('it was not collected')
        await turn()
        gc()
      }
    }
    /** Collects so often that what can be collected is. */
    async function collectWell() {
      for (let i = 0; i < 20; i++) { await turn(); gc() }
    }
    async function main() { ${program} }
    main().catch((error) => { console.error(error); process.exit(1) })`
  const { stdout } = await run(process.execPath, ['--no-warnings', '--expose-gc', '-e', source], {
    cwd: __dirname,
    timeout: 60_000,
  })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

module.exports = { collecting }
