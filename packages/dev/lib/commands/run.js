'use strict'

// `moz-tcp-socket run APP`: see ../run/run.js.

const { createHash } = require('node:crypto')
const { homedir } = require('node:os')
const { basename, join, resolve } = require('node:path')

const { UsageError } = require('../cli.js')

const usage = `usage: moz-tcp-socket run APP [--data FOLDER]

Runs the app APP in Node.js, with navigator.mozTCPSocket, TCPSocket and TCPServerSocket. APP is a manifest (manifest.webapp,
manifest.webmanifest) or a folder that has one, whose pages run in jsdom with the rights that the manifest gives; or a script, which runs as a
module of Node.js with everything allowed.

  --data FOLDER  where localStorage and IndexedDB are kept; without, in a folder for this app in the user's data directory

Ctrl+C closes the app. A second one ends the process at once.`

const options = { data: { type: 'string' } }

async function run({ values, positionals }) {
  if (positionals.length !== 1) throw new UsageError(`run takes one APP\n\n${usage}`)
  const [path] = positionals
  if (values.data === '') throw new UsageError('--data: must be the path of a folder')
  const { runApp } = require('../run/run.js')
  // From now on, because an app may take long to load, and has been stored by then.
  const ended = new Promise((end) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)
    // A script that has nothing more to do.
    process.once('beforeExit', end)
  })
  let failed = false
  const app = await runApp(path, {
    data: values.data ?? folderFor(path),
    onError(error) {
      failed = true
      console.error(error)
    },
  })
  await ended
  await app.close()
  return failed ? 1 : 0
}

/** A folder for the app at `path`, and for no other. */
function folderFor(path) {
  const home = process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share')
  const whole = resolve(path)
  const id = createHash('sha256').update(whole).digest('hex').slice(0, 12)
  return join(home, 'moz-tcp-socket', `${basename(whole)}-${id}`)
}

module.exports = { usage, options, run }
