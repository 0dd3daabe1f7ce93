'use strict'

// `npm run test:sanitizers [-- TOOL [ARGUMENT …]]`: looks for memory that is used after it was freed, or never freed, and for races
// between threads, with tools that watch every access. Linux. What each TOOL does, and what it needs, is in scripts/sanitizers/:
//
//   address [CASE …] [SPEC …]      AddressSanitizer and LeakSanitizer: processes and workers that end, and specs
//   valgrind [SPEC …]              valgrind: a small program of everything, or specs
//   thread [TEST]                  ThreadSanitizer: the tests of the engine without Node
//   fuzz [TARGET …] [--seconds N]  libFuzzer with AddressSanitizer, ten minutes for each target
//
// Without a name: all but fuzz, which takes an hour. Exits with 1 when anything was found. What locks protect is tried in every order
// by `npm run test:loom`.

const NAMES = ['address', 'valgrind', 'thread', 'fuzz']

/** What a run without a name does. */
const ALL = NAMES.slice(0, 3)

async function main([name, ...args]) {
  if (name !== undefined && !NAMES.includes(name)) {
    console.error(`usage: npm run test:sanitizers [-- ${NAMES.join('|')} [ARGUMENT …]]`)
    process.exitCode = 2
    return
  }
  if (process.platform !== 'linux') throw new Error('needs Linux')
  for (const tool of name === undefined ? ALL : [name]) {
    const { run } = require(`./sanitizers/${tool}.js`)
    const rows = await run(args)
    console.table(rows)
    if (rows.length === 0 || rows.some(({ isFine }) => !isFine)) process.exitCode = 1
  }
}

main(process.argv.slice(2))
