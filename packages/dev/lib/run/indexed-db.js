'use strict'

// IndexedDB of an app, kept in a file. fake-indexeddb has the databases in memory; what is kept is what its own API tells: databases,
// stores, indexes and records.

const { deserialize, serialize } = require('node:v8')

const { StoredFile } = require('./stored.js')

/** What a window has of IndexedDB. */
const CLASSES = [
  'IDBCursor',
  'IDBCursorWithValue',
  'IDBDatabase',
  'IDBFactory',
  'IDBIndex',
  'IDBKeyRange',
  'IDBObjectStore',
  'IDBOpenDBRequest',
  'IDBRequest',
  'IDBTransaction',
  'IDBVersionChangeEvent',
]

/** Resolves with `{ globals, keep() }`: what to put into the window, and what writes the databases into `folder`. */
async function makeIndexedDb(folder) {
  const fake = require('fake-indexeddb')
  const stored = new StoredFile(folder, 'indexed-db.bin')
  const indexedDB = new fake.IDBFactory()
  const bytes = stored.read()
  if (bytes !== undefined) for (const database of parse(bytes)) await restore(indexedDB, database)
  const classes = Object.fromEntries(CLASSES.map((name) => [name, fake[name]]))
  const keep = async () => {
    if (folder === undefined) return
    const databases = []
    for (const { name, version } of await indexedDB.databases())
      databases.push(await dump(indexedDB, name, version))
    // An app that has none, and had none, gets no file.
    if (databases.length > 0 || bytes !== undefined) stored.write(serialize(databases))
  }
  return { globals: { indexedDB, ...classes }, keep }
}

function parse(bytes) {
  try {
    return deserialize(bytes)
  } catch (cause) {
    throw new Error(`indexed-db.bin: what is kept for the app is damaged: ${cause.message}`, { cause })
  }
}

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

async function restore(indexedDB, { name, version, stores }) {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => {
    for (const { name: store, keyPath, autoIncrement, indexes, records } of stores) {
      const made = request.result.createObjectStore(store, { keyPath, autoIncrement })
      for (const { name: index, keyPath: path, unique, multiEntry } of indexes) {
        made.createIndex(index, path, { unique, multiEntry })
      }
      for (const { key, value } of records) {
        if (keyPath === null) made.put(value, key)
        else made.put(value)
      }
    }
  }
  const database = await result(request)
  database.close()
}

async function dump(indexedDB, name, version) {
  const database = await result(indexedDB.open(name, version))
  try {
    const names = [...database.objectStoreNames]
    const stores = []
    for (const store of names) stores.push(await dumpStore(database.transaction(store).objectStore(store)))
    return { name, version, stores }
  } finally {
    database.close()
  }
}

async function dumpStore(store) {
  const { name, keyPath, autoIncrement } = store
  const indexes = [...store.indexNames].map((each) => {
    const index = store.index(each)
    return { name: index.name, keyPath: index.keyPath, unique: index.unique, multiEntry: index.multiEntry }
  })
  // Both are in the order of keys, and nothing comes between within one transaction.
  const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())])
  return { name, keyPath, autoIncrement, indexes, records: keys.map((key, i) => ({ key, value: values[i] })) }
}

module.exports = { makeIndexedDb }
