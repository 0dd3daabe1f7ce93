'use strict'

// `runApp`: an app in Node.js, in a window of its own.

const { mkdirSync } = require('node:fs')

const { readApp } = require('../app/manifest.js')
const { FileServerThread } = require('./file-server-thread.js')
const { KeptDatabases } = require('./indexed-db.js')
const { keepLocalStorage } = require('./local-storage.js')
const { runScript } = require('./script.js')
const { openWindow } = require('./window.js')

/** How often what an app stores is kept, in milliseconds. It is kept at the end in any case. */
const KEEP_EVERY = 1000

const OPTIONS = ['data', 'onConsole', 'onError']

/** Runs the app at `path`. Resolves with `{ window, close(), closed }` when its first page is loaded. */
async function runApp(path, options = {}) {
  const { data, onConsole, onError } = toOptions(options)
  const app = readApp(path)
  if (data !== undefined) mkdirSync(data, { recursive: true })
  if (app.kind === 'script') return runScript(app, { data, onError })
  const files = new FileServerThread()
  await files.listen(app.root)
  let opened
  let running
  let keepItems = () => {}
  try {
    const databases = new KeptDatabases(data)
    opened = openWindow(app, {
      files,
      onError,
      onConsole,
      prepare(window) {
        keepItems = keepLocalStorage(window.localStorage, data)
        databases.install(window, (thrown) => throwIn(window, thrown))
      },
      // Not before this function goes on.
      onClose: () => running.close().catch(onError),
    })
    running = started({ ...opened, files, keepItems, databases, onError })
    await Promise.race([loaded(opened.window), running.closed])
    return running
  } catch (error) {
    opened?.close()
    await files.close()
    throw error
  }
}

/** What the caller gets of an app that runs. */
function started({ window, close: closeWindow, files, keepItems, databases, onError }) {
  const timer = setInterval(() => {
    try {
      keepItems()
      databases.keep()
    } catch (error) {
      onError(error)
    }
  }, KEEP_EVERY).unref()
  let tell
  const closed = new Promise((resolve) => {
    tell = resolve
  })
  // What is stored is kept before the window forgets it. Each step is done whatever became of the others: storage that cannot be written
  // leaves no socket open.
  const steps = [() => databases.close(), keepItems, closeWindow, () => files.close()]
  const end = async () => {
    clearInterval(timer)
    const failures = []
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    tell()
    if (failures.length > 0) throw failures[0]
  }
  let closing
  return {
    window,
    closed,
    close() {
      closing ??= end()
      return closing
    },
  }
}

/** It is an error of the window, as what its own handlers throw. */
function throwIn(window, thrown) {
  window.setTimeout(() => {
    throw thrown
  })
}

function loaded(window) {
  if (window.document.readyState === 'complete') return undefined
  return new Promise((resolve) => window.addEventListener('load', () => resolve(), { once: true }))
}

function toOptions(options) {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: must be an object')
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw new TypeError(`${unknown}: is no option; there are ${OPTIONS.join(', ')}`)
  const {
    data,
    onConsole = (method, args) => console[method](...args),
    onError = (error) => console.error(error),
  } = options
  if (data !== undefined && (typeof data !== 'string' || data === '')) {
    throw new TypeError('data: must be the path of a folder')
  }
  for (const [name, value] of Object.entries({ onConsole, onError })) {
    if (typeof value !== 'function') throw new TypeError(`${name}: must be a function`)
  }
  return { data, onConsole, onError }
}

module.exports = { runApp }
