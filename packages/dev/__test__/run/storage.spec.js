'use strict'

// IndexedDB of an app: its values are of the window's realm, they are there again, and nothing that an app does with it stops the program.

const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { isDeepStrictEqual } = require('node:util')
const { deserialize } = require('node:v8')

const test = require('ava')
const { JSDOM } = require('jsdom')

const { clonerInto } = require('../../lib/run/structured-clone.js')
const { command, folder, makeApp, page, resultOf, start } = require('../helpers/apps.js')

/** Opens the database `d` with a store `s`, and calls `use(database)`. */
const withDatabase = (use) => `
  var request = indexedDB.open('d', 1)
  request.onupgradeneeded = function () {
    request.result.createObjectStore('s')
    request.result.createObjectStore('numbered', { keyPath: 'id', autoIncrement: true }).createIndex('tag', 'tags', { multiEntry: true })
  }
  request.onsuccess = function () { (${use})(request.result) }`

const VALUES = `{
  date: new Date(5), bytes: new Uint8Array([1, 2]), buffer: new Uint8Array([3]).buffer, map: new Map([[{ a: 1 }, [2]]]), set: new Set(['x']),
  pattern: /x/gi, error: new TypeError('wrong'), nested: { list: [1, , null], boxed: new String('s') }, none: undefined, big: 12n, nan: NaN,
}`

test('what an app stores comes back as values of its own realm, in the next run as well', async (t) => {
  const data = join(folder(t), 'data')
  const check = `
    var names = { date: Date, bytes: Uint8Array, buffer: ArrayBuffer, map: Map, set: Set, pattern: RegExp, error: TypeError, nested: Object }
    window.result = Object.keys(names).filter(function (name) { return !(found[name] instanceof names[name]) }).concat(
      found.bytes.join(), found.date.getTime(), found.error.message, String(found.pattern), 1 in found.nested.list, String(found.big))`
  const expected = ['1,2', 5, 'wrong', '/x/gi', false, '12']
  const get = `database.transaction('s').objectStore('s').get([new Date(7), new Uint8Array([1])]).onsuccess = function (event) {
    var found = event.target.result; ${check} }`
  const write = withDatabase(`function (database) {
    var transaction = database.transaction('s', 'readwrite')
    transaction.objectStore('s').put(${VALUES}, [new Date(7), new Uint8Array([1]).buffer])
    transaction.oncomplete = function () { ${get} } }`)
  for (const script of [write, withDatabase(`function (database) { ${get} }`)]) {
    const app = await start(t, makeApp(t, { 'index.html': page(script) }), { data })
    t.deepEqual(await resultOf(app), expected)
    t.true(app.window.indexedDB instanceof app.window.IDBFactory)
    t.true(app.window.indexedDB instanceof app.window.Object)
    await app.close()
    t.deepEqual(app.errors, [])
  }
})

test('indexes are kept, and so is the number of the last key, of a record that is gone as well', async (t) => {
  const data = join(folder(t), 'data')
  const script = withDatabase(`function (database) {
    var store = database.transaction('numbered', 'readwrite').objectStore('numbered')
    store.put({ tags: ['a', 'b'] }).onsuccess = function (event) {
      var id = event.target.result
      store.index('tag').getAllKeys('b').onsuccess = function (event) {
        window.result = [id, event.target.result]
        if (id === 2) store.delete(2)
      }
    } }`)
  for (const expected of [
    [1, [1]],
    [2, [1, 2]],
    [3, [1, 3]],
  ]) {
    const app = await start(t, makeApp(t, { 'index.html': page(script) }), { data })
    t.deepEqual(await resultOf(app), expected)
    await app.close()
  }
})

test('what cannot be stored is a DataCloneError of the window, and a Blob is no exception', async (t) => {
  const script = withDatabase(`function (database) {
    var store = database.transaction('s', 'readwrite').objectStore('s')
    window.result = [new Blob(['a']), { list: [new File(['a'], 'n')] }, function () {}, document, Promise.resolve(), Symbol()].map(function (value) {
      try { store.put(value, 1) } catch (error) { return error.name + (error instanceof DOMException) }
    }) }`)
  const app = await start(t, makeApp(t, { 'index.html': page(script) }))
  t.deepEqual(await resultOf(app), Array.from({ length: 6 }).fill('DataCloneErrortrue'))
})

test('what handlers of a database throw is an error of the window, and aborts their transaction', async (t) => {
  const script = withDatabase(`function (database) {
    var transaction = database.transaction('s', 'readwrite')
    transaction.objectStore('s').put(1, 1).onsuccess = function () { throw new RangeError('in a request') }
    transaction.onabort = function () {
      database.transaction('s').objectStore('s').count().onsuccess = function (event) { window.result = event.target.result }
    }
    throw new TypeError('in open') }`)
  const app = await start(t, makeApp(t, { 'index.html': page(script) }))
  t.is(await resultOf({ window: app.window }), 0)
  await app.close()
  t.deepEqual(
    app.errors.map(({ message }) => message),
    ['in open', 'in a request'],
  )
  t.true(app.errors.every((error, i) => error instanceof app.window[['TypeError', 'RangeError'][i]]))
})

test('close() waits for no transaction that goes on for ever, and keeps nothing of it', async (t) => {
  const data = join(folder(t), 'data')
  const script = withDatabase(`function (database) {
    database.transaction('s', 'readwrite').objectStore('s').put('whole', 1)
    var store = database.transaction('s', 'readwrite').objectStore('s')
    store.put('half', 1);
    (function again() { window.result = 'busy'; store.get(1).onsuccess = again })() }`)
  const app = await start(t, makeApp(t, { 'index.html': page(script) }), { data })
  await resultOf(app)
  await app.close()
  const [database] = deserialize(readFileSync(join(data, 'indexed-db.bin')))
  t.deepEqual(database.stores.find(({ name }) => name === 's').records, [{ key: 1, value: 'whole' }])
  t.deepEqual(app.errors, [])
})

test('a program that is killed has kept what was stored a while before', async (t) => {
  const root = makeApp(t, {
    'index.html': page(`
      localStorage.a = 1; ${withDatabase("function (database) { database.transaction('s', 'readwrite').objectStore('s').put('kept', 1) }")}`),
  })
  const data = join(folder(t), 'data')
  const { child, ended, output } = command(t, [root, '--data', data], '\0')
  const kept = () => {
    const file = join(data, 'indexed-db.bin')
    return existsSync(file) ? deserialize(readFileSync(file)).flatMap(({ stores }) => stores) : []
  }
  for (
    const until = Date.now() + 30_000;
    Date.now() < until && kept().every(({ records }) => records.length === 0);
  ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  t.deepEqual(await ended, [null, 'SIGKILL'], output())
  t.deepEqual(kept().find(({ name }) => name === 's')?.records, [{ key: 1, value: 'kept' }])
  t.deepEqual(JSON.parse(readFileSync(join(data, 'local-storage.json'), 'utf8')), { a: '1' })
})

test('a copy in a window is what the structured clone of Node.js makes, in the realm of the window', (t) => {
  const { window } = new JSDOM('', { runScripts: 'outside-only' })
  const clone = clonerInto(window)
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer
  const shared = { buffer, views: [new Uint16Array(buffer, 2, 2), new DataView(buffer, 1, 3)] }
  class Point {
    x = 1
    get hidden() {
      return this.x
    }
  }
  const sparse = [1, 2, { a: [] }]
  delete sparse[1]
  const round = { name: 'round' }
  round.self = round
  for (const value of [
    1,
    'text',
    null,
    undefined,
    -0,
    10n,
    sparse,
    new Point(),
    new Map([[new Date(1), new Set([1, /a/m])]]),
    { __proto__: null, a: 1 },
    JSON.parse('{"__proto__": {"a": 1}}'),
    Object(true),
    Object(1n),
    shared,
    [new BigInt64Array([1n]), new Float32Array([0.5]), new Uint8ClampedArray(2)],
    Object.assign([1], { extra: 2 }),
  ]) {
    // Of this realm again, to be compared.
    t.true(isDeepStrictEqual(structuredClone(clone(value)), structuredClone(value)))
  }
  const copy = clone({ shared, round, error: new RangeError('far') })
  t.is(copy.shared.views[0].buffer, copy.shared.buffer)
  t.is(copy.round.self, copy.round)
  t.true(copy.error instanceof window.RangeError)
  t.is(copy.error.message, 'far')
  copy.shared.views[0][0] = 0
  t.is(new Uint8Array(buffer)[2], 3, 'a copy shares nothing with its original')
  for (const value of [() => {}, Symbol('a'), new WeakMap(), new SharedArrayBuffer(1)]) {
    let thrown
    try {
      clone([value])
    } catch (error) {
      thrown = error
    }
    t.true(thrown instanceof window.DOMException)
    t.is(thrown.name, 'DataCloneError')
  }
  window.close()
})
