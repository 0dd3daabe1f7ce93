'use strict'

// IndexedDB of an app, kept in a file. fake-indexeddb has the databases in memory; what is kept is what it has there, database by database,
// so that this file and package.json name the version whose members these are.

const { deserialize, serialize } = require('node:v8')

const { IndexedDbRealm } = require('./indexed-db-realm.js')
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

/** How many turns transactions have at the end to be done. Then they are aborted, as on a device whose user closes the app. */
const LAST_TURNS = 1000

class KeptDatabases {
  #stored
  /** The bytes of the file; undefined where there is none. */
  #kept
  /** What is to be restored. */
  #databases = []
  #realm
  #factory

  /** `folder` may be undefined: then nothing is kept. Throws where what is kept is damaged. */
  constructor(folder) {
    this.#stored = new StoredFile(folder, 'indexed-db.bin')
    this.#kept = this.#stored.read()
    if (this.#kept !== undefined) this.#databases = parse(this.#kept)
  }

  /** Puts `indexedDB` and its classes into the window, with what was kept. `report(thrown)` gets what handlers throw. */
  install(window, report) {
    this.#realm = new IndexedDbRealm(window, report)
    const fake = this.#realm.require('index.js')
    this.#factory = new fake.IDBFactory()
    for (const database of this.#databases) this.#restore(database)
    this.#databases = []
    const classes = Object.fromEntries(CLASSES.map((name) => [name, fake[name]]))
    for (const [name, value] of Object.entries({ indexedDB: this.#factory, ...classes })) {
      Object.defineProperty(window, name, { value, writable: true, enumerable: false, configurable: true })
    }
  }

  /** Writes the databases, where anything has changed. While a transaction writes, it does nothing. */
  keep() {
    if (this.#writing().length > 0 || !this.#realm.isChanged()) return
    this.#write()
  }

  /** Ends the transactions, and keeps the databases. */
  async close() {
    for (let turn = 0; turn < LAST_TURNS && this.#writing().length > 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#realm.end()
    for (const transaction of this.#writing()) transaction._abort('AbortError')
    this.#write()
  }

  #write() {
    const databases = [...this.#factory._databases.values()].filter(({ version }) => version > 0).map(dump)
    // An app that has none, and had none, gets no file.
    if (databases.length === 0 && this.#kept === undefined) return
    const bytes = serialize(databases)
    if (this.#kept?.equals(bytes)) return
    this.#stored.write(bytes)
    this.#kept = bytes
  }

  #writing() {
    return [...this.#factory._databases.values()]
      .flatMap(({ transactions }) => transactions)
      .filter(({ mode, _state }) => mode !== 'readonly' && _state !== 'finished')
  }

  #restore({ name, version, stores }) {
    const [Database, ObjectStore, Index] = ['Database', 'ObjectStore', 'Index'].map((file) =>
      this.#realm.require(`lib/${file}.js`),
    )
    const { clone } = this.#realm
    const database = new Database(name, version)
    for (const { name: storeName, keyPath, autoIncrement, lastKey, indexes, records } of stores) {
      const store = new ObjectStore(database, storeName, clone(keyPath), autoIncrement)
      if (store.keyGenerator !== null) store.keyGenerator.num = lastKey
      for (const { name: indexName, keyPath: path, unique, multiEntry } of indexes) {
        const index = new Index(store, indexName, clone(path), multiEntry, unique)
        index.initialized = true
        store.rawIndexes.set(indexName, index)
      }
      for (const record of records) store.storeRecord(clone(record), false)
      database.rawObjectStores.set(storeName, store)
    }
    this.#factory._databases.set(name, database)
  }
}

function parse(bytes) {
  try {
    const databases = deserialize(bytes)
    if (!Array.isArray(databases)) throw new TypeError('it has no databases')
    return databases
  } catch (cause) {
    throw new Error(`indexed-db.bin: what is kept for the app is damaged: ${cause.message}`, { cause })
  }
}

function dump({ name, version, rawObjectStores }) {
  return { name, version, stores: [...rawObjectStores.values()].map(dumpStore) }
}

function dumpStore({ name, keyPath, autoIncrement, keyGenerator, rawIndexes, records }) {
  return {
    name,
    keyPath,
    autoIncrement,
    lastKey: keyGenerator?.num,
    indexes: [...rawIndexes.values()].map((index) => ({
      name: index.name,
      keyPath: index.keyPath,
      unique: index.unique,
      multiEntry: index.multiEntry,
    })),
    records: [...records.values()].map(({ key, value }) => ({ key, value })),
  }
}

module.exports = { KeptDatabases }
