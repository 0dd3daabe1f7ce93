'use strict'

// `npm test`: every suite, one after the other, but for what waits most of its time, which runs beside another. All of them run,
// also when one fails; then come a table, the names of the tests that failed, and as the last line "N passed, N failed".
// `npm test -- --quick` leaves out the Rust suite, which has to be compiled.

const { spawn } = require('node:child_process')
const { join } = require('node:path')
const { stripVTControlCharacters } = require('node:util')

const { TEST_FEATURES, hostTriple, root } = require('./engine.js')
const { specs } = require('./specs.js')

const compat = join('__test__', 'compat')
const types = join('__test__', 'types')

/** Milliseconds. */
const MINUTE = 60_000

/** A suite that has not ended by then is killed, and has failed: something holds its process. */
const LIMIT = 5 * MINUTE

/**
 * How the runners say what they counted: a number in parentheses, or each match is one. `names` matches those of the
 * tests that failed, and why where that is on the same line. `leftOpen` is what a passing run must not say.
 */
const cargo = {
  passed: /^test result: .*?(\d+) passed/gm,
  failed: /^test result: .*?(\d+) failed/gm,
  names: /^test (.+) \.\.\. FAILED$/gm,
}
const ava = {
  // Its summary does not say how many passed where one failed.
  passed: /^\s*[✔√] /gm,
  failed: /^\s*(\d+) (?:tests? failed|tests? remained pending|uncaught exceptions?|unhandled rejections?)/gm,
  skipped: /^\s*(\d+) tests? skipped/gm,
  names: /^\s*[✘×] (.+)$/gm,
}
const jest = {
  passed: /^Tests:.*?(\d+) passed/gm,
  failed: /^Tests:.*?(\d+) failed/gm,
  skipped: /^Tests:.*?(\d+) skipped/gm,
  leftOpen: /open handles?|did not exit|failed to exit gracefully/i,
}
const vitest = {
  passed: /^\s*Tests .*?(\d+) passed/gm,
  failed: /^\s*Tests .*?(\d+) failed/gm,
  skipped: /^\s*Tests .*?(\d+) skipped/gm,
  leftOpen: /close timed out|something prevents/i,
}
const nodeTest = { passed: /^# pass (\d+)/gm, failed: /^# fail (\d+)/gm, skipped: /^# skipped (\d+)/gm }
/** A program without a runner: one test, which passes when it exits with 0. */
const program = {}

const script = (...args) => [process.execPath, args]
const tool = (name, bin, ...args) => script(join(root, 'node_modules', name, bin), ...args)

/** The specs of ava in two suites, of which the second runs beside the first. */
function javaScript(name, files, env) {
  const suite = { env, counts: ava, limit: 30 * MINUTE }
  const command = (list) => tool('ava', 'entrypoints/cli.mjs', ...list)
  return {
    ...suite,
    name,
    command: command(files.working),
    beside: { ...suite, name: `${name}: specs that wait`, command: command(files.waiting) },
  }
}

/** `beside` is a suite that runs at the same time. Its output is shown when both have ended. */
const suites = [
  {
    name: 'Rust engine (cargo test)',
    slow: true,
    command: ['cargo', ['test', '--release', '--locked', ...TEST_FEATURES, '--target', hostTriple()]],
    counts: cargo,
    limit: 30 * MINUTE,
  },
  {
    name: 'Engine with fault hooks (build)',
    slow: true,
    command: script(join('scripts', 'build-fault-addon.js')),
    limit: 30 * MINUTE,
  },
  javaScript('JavaScript (ava)', specs()),
  javaScript('JavaScript (ava), all connections on Tokio', specs({ again: true }), {
    MOZ_TCP_SOCKET_DRIVER: 'tokio',
  }),
  {
    name: 'Development tools (ava)',
    command: tool('ava', 'entrypoints/cli.mjs', 'packages/*/__test__/**/*.spec.js'),
    counts: ava,
    limit: 15 * MINUTE,
  },
  {
    name: 'Jest, node and jsdom',
    command: tool(
      'jest',
      'bin/jest.js',
      '--config',
      join(compat, 'jest', 'jest.config.js'),
      '--detectOpenHandles',
    ),
    counts: jest,
  },
  {
    name: 'Vitest, processes and threads',
    command: tool('vitest', 'vitest.mjs', 'run', '--config', join(compat, 'vitest', 'vitest.config.mjs')),
    counts: vitest,
  },
  {
    name: 'node --test',
    command: script(
      '--test',
      '--test-reporter=tap',
      join(compat, 'node-test', 'sockets.test.js'),
      join(compat, 'node-test', 'testing.test.js'),
    ),
    counts: nodeTest,
  },
  { name: 'ESM, named imports', command: script(join(compat, 'esm', 'named-imports.mjs')) },
  {
    name: 'ESM, moz-tcp-socket/register',
    command: script('--import', 'moz-tcp-socket/register', join(compat, 'esm', 'registered.mjs')),
  },
  { name: 'CommonJS', command: script(join(compat, 'cjs', 'required.cjs')) },
  { name: 'Fake clock', command: script(join(compat, 'cjs', 'fake-clock.cjs')) },
  { name: 'Fake clock, from the start', command: script(join(compat, 'cjs', 'fake-clock.cjs'), '--first') },
  {
    name: 'Fake clock, from the start, on Tokio',
    command: script(join(compat, 'cjs', 'fake-clock.cjs'), '--first'),
    env: { MOZ_TCP_SOCKET_DRIVER: 'tokio' },
  },
  { name: 'Worker threads', command: script(join(compat, 'worker', 'main.js')) },
  { name: 'Types', command: tool('typescript', 'bin/tsc', '-p', join(types, 'tsconfig.json')) },
  {
    name: 'Types, with those of Workers',
    command: tool('typescript', 'bin/tsc', '-p', join(types, 'tsconfig.workers.json')),
  },
  {
    name: 'Types, with `using`',
    command: tool('typescript', 'bin/tsc', '-p', join(types, 'tsconfig.using.json')),
  },
  {
    name: 'Types, with lib "dom"',
    command: tool('typescript', 'bin/tsc', '-p', join(types, 'tsconfig.dom.json')),
  },
]

/** Runs a command and resolves with `{ output, problem }`; `problem` is undefined when it exited with 0. `show` gets all output. */
function run([command, args], env, limit, show) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let problem
    const timer = setTimeout(() => {
      problem = `did not end within ${limit / MINUTE} min`
      child.kill('SIGKILL')
      // A grandchild may hold the other ends.
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
    }, limit)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        output += text
        show(text)
      })
    }
    child.on('error', (error) => {
      problem = `cannot run ${command}: ${error.message}`
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code !== 0) problem ??= signal ? `killed by ${signal}` : `exit code ${code}`
      resolve({ output: stripVTControlCharacters(output), problem })
    })
  })
}

/** The sum of what `pattern` finds. */
function count(output, pattern) {
  const matches = pattern ? [...output.matchAll(pattern)] : []
  return matches.reduce((sum, [, number = 1]) => sum + Number(number), 0)
}

/** Runs a suite, and the one beside it. Resolves with a result for each. */
async function runSuite({ beside, ...suite }) {
  if (!beside) return [await runAlone(suite, (text) => process.stdout.write(text))]
  let kept = ''
  const both = await Promise.all([
    runAlone(suite, (text) => process.stdout.write(text)),
    runAlone(beside, (text) => (kept += text)),
  ])
  process.stdout.write(kept)
  return both
}

async function runAlone({ name, command, env, counts = program, limit = LIMIT }, show) {
  const [executable, args] = command
  const shown = args.length > 10 ? [...args.slice(0, 2), `and ${args.length - 2} more`] : args
  show(`\n${'='.repeat(100)}\n${name}: ${[executable, ...shown].join(' ')}\n${'='.repeat(100)}\n`)
  const started = Date.now()
  const result = await run(command, env, limit, show)
  const { output } = result
  let { problem } = result
  if (!problem && counts.leftOpen?.test(output)) problem = 'something was left open'
  const [passed, failed, skipped] = [counts.passed, counts.failed, counts.skipped].map((pattern) =>
    count(output, pattern),
  )
  if (!problem && counts.passed && passed === 0) problem = 'no test ran'
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  const alone = counts === program
  const counted = {
    passed: alone && !problem ? 1 : passed,
    failed: problem ? Math.max(1, failed) : failed,
    skipped,
    seconds: Number(seconds),
    problem: problem ?? '',
  }
  return {
    name,
    counted,
    failures: problem && counts.names ? [...output.matchAll(counts.names)].map(([, failure]) => failure) : [],
  }
}

async function main() {
  const quick = process.argv.includes('--quick')
  const results = []
  for (const suite of suites) if (!(quick && suite.slow)) results.push(...(await runSuite(suite)))
  console.log()
  console.table(Object.fromEntries(results.map(({ name, counted }) => [name, counted])))
  for (const { name, failures } of results) for (const failure of failures) console.log(`${name}: ${failure}`)
  const total = (key) => results.reduce((sum, { counted }) => sum + counted[key], 0)
  if (total('skipped') > 0) console.log(`${total('skipped')} skipped: see above for what they need`)
  console.log(`${total('passed')} passed, ${total('failed')} failed`)
  process.exitCode = total('failed') === 0 ? 0 : 1
}

main()
