'use strict'

// localStorage of an app, kept in a file. jsdom has the storage itself, for as long as its window lives.

const { StoredFile } = require('./stored.js')

/** Fills `localStorage` with what is kept in `folder`. Returns what keeps it again, and does nothing where it has not changed. */
function keepLocalStorage(localStorage, folder) {
  const stored = new StoredFile(folder, 'local-storage.json')
  const bytes = stored.read()
  for (const [name, value] of Object.entries(bytes === undefined ? {} : parse(bytes)))
    localStorage.setItem(name, value)
  let kept = textOf(localStorage)
  return () => {
    const text = textOf(localStorage)
    if (text === kept) return
    stored.write(text)
    kept = text
  }
}

function parse(bytes) {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new Error(`local-storage.json: what is kept for the app is damaged: ${cause.message}`, { cause })
  }
}

function textOf(localStorage) {
  const items = []
  for (let i = 0; i < localStorage.length; i++) {
    const name = localStorage.key(i)
    items.push([name, localStorage.getItem(name)])
  }
  return JSON.stringify(Object.fromEntries(items))
}

module.exports = { keepLocalStorage }
