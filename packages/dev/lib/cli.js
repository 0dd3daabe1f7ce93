'use strict'

// The command line: which commands there are, what each of them takes, and what becomes of a wrong argument. A command is a file of
// lib/commands that exports `{ usage, options, run }`: lines for `--help`, options as node:util's parseArgs describes them, and what does
// the work, which gets `{ values, positionals }` and resolves with the exit status.

const { parseArgs } = require('node:util')

/** Of each command: what it is for, and the function that loads it. */
const COMMANDS = new Map([
  ['run', { summary: 'runs an app in Node.js', load: () => require('./commands/run.js') }],
  ['serve', { summary: 'serves an app to a browser', load: () => require('./commands/serve.js') }],
  ['connect', { summary: 'connects, and shows what happens', load: () => require('./commands/connect.js') }],
  ['listen', { summary: 'listens, and shows what happens', load: () => require('./commands/listen.js') }],
  ['doctor', { summary: 'says what will work in an app', load: () => require('./commands/doctor.js') }],
])

const USAGE = `usage: moz-tcp-socket COMMAND [ARGUMENT …]

${[...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`).join('\n')}

moz-tcp-socket COMMAND --help tells more about one.`

/** What was asked for in a way that cannot be understood: the message is for whoever typed it. */
class UsageError extends Error {}

/** Runs the command that `args` ask for. Resolves with the exit status: 0, 1 where it failed, 2 where it was called wrongly. */
async function main(args) {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === 'help') {
    console.log(USAGE)
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    console.log(require('../package.json').version)
    return 0
  }
  try {
    const command = COMMANDS.get(name)
    if (command === undefined) throw new UsageError(`no command ${JSON.stringify(name)}\n\n${USAGE}`)
    const { usage, options, run } = command.load()
    const parsed = parse(rest, options)
    if (parsed.values.help) {
      console.log(usage)
      return 0
    }
    return await run(parsed)
  } catch (error) {
    console.error(`moz-tcp-socket: ${error.message}`)
    if (!(error instanceof UsageError) && process.env.NODE_DEBUG?.includes('moztcp'))
      console.error(error.stack)
    return error instanceof UsageError ? 2 : 1
  }
}

function parse(args, options) {
  try {
    return parseArgs({
      args,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(error.message)
  }
}

module.exports = { main, UsageError }
