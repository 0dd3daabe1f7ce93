'use strict'

// `runApp`: an app in Node.js, in a window of its own.

const { mkdirSync } = require('node:fs')

const { readApp } = require('../app/manifest.js')
const { FileServer } = require('./file-server.js')
const { makeIndexedDb } = require('./indexed-db.js')
const { keepLocalStorage } = require('./local-storage.js')
const { runScript } = require('./script.js')
const { openWindow } = require('./window.js')

/** How often what an app stores is kept, in milliseconds. It is kept at the end in any case. */
const KEEP_EVERY = 1000

const OPTIONS = ['data', 'onConsole', 'onError']

/** Runs the app at `path`. Resolves with `{ window, close() }` when its first page is loaded. */
async function runApp(path, options = {}) {
  const { data, onConsole, onError } = toOptions(options)
  const app = readApp(path)
  if (data !== undefined) mkdirSync(data, { recursive: true })
  if (app.kind === 'script') return runScript(app, { data, onError })
  const files = new FileServer(app.root)
  await files.listen()
  let opened
  let keepItems = () => {}
  try {
    const { globals, keep: keepDatabases } = await makeIndexedDb(data)
    opened = openWindow(app, {
      files,
      globals,
      onError,
      onConsole,
      prepare(window) {
        keepItems = keepLocalStorage(window.localStorage, data)
      },
    })
    await loaded(opened.window)
    return started({ ...opened, files, keepItems, keepDatabases, onError })
  } catch (error) {
    opened?.close()
    await files.close()
    throw error
  }
}

/** What the caller gets of an app that runs. */
function started({ window, close: closeWindow, files, keepItems, keepDatabases, onError }) {
  const timer = setInterval(() => {
    try {
      keepItems()
    } catch (error) {
      onError(error)
    }
  }, KEEP_EVERY).unref()
  let closing
  const end = async () => {
    clearInterval(timer)
    // Before the window is closed, which forgets them.
    keepItems()
    closeWindow()
    await Promise.all([keepDatabases(), files.close()])
  }
  return {
    window,
    close() {
      closing ??= end()
      return closing
    },
  }
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
